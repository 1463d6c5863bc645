"""Layers mean what Keras's layers of the same name mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kamerton.networks.layers import BatchNorm, Flatten


def to_torch(images_nhwc: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images_nhwc).permute(0, 3, 1, 2).contiguous()


@settings(max_examples=25)
@given(n=st.integers(2, 5), side=st.integers(2, 5), scale=st.floats(1e-3, 1e3), seed=st.integers(0, 2**16))
def test_running_statistics_are_keras_own(keras: Any, n: int, side: int, scale: float, seed: int) -> None:
    """Three batches, then the statistics and the answers in test mode."""
    rng = np.random.default_rng(seed)
    ours, theirs = BatchNorm(3).train(), keras.layers.BatchNormalization()
    for _ in range(3):
        images_nhwc = (rng.normal(size=(n, side, side, 3)) * scale + scale).astype(np.float32)
        learned = ours(to_torch(images_nhwc)).detach().permute(0, 2, 3, 1).numpy()
        wanted = theirs(images_nhwc, training=True).detach().numpy()
        np.testing.assert_allclose(learned, wanted, rtol=1e-3, atol=1e-3)
    mean, variance = (weight.value.detach().numpy() for weight in theirs.non_trainable_variables)
    assert ours.running_mean is not None
    assert ours.running_var is not None
    np.testing.assert_allclose(ours.running_mean, mean, rtol=1e-5, atol=1e-6 * scale)
    np.testing.assert_allclose(ours.running_var, variance, rtol=1e-5)


def test_pytorchs_own_running_variance_is_another(keras: Any) -> None:
    """Why BatchNorm exists: with few pixels the two part at once."""
    images_nhwc = np.random.default_rng(0).normal(size=(2, 1, 1, 3)).astype(np.float32)
    plain = torch.nn.BatchNorm2d(3, eps=1e-3, momentum=0.01)
    ours = BatchNorm(3)
    plain(to_torch(images_nhwc))
    ours(to_torch(images_nhwc))
    assert plain.running_var is not None
    assert ours.running_var is not None
    assert not torch.allclose(plain.running_var, ours.running_var, rtol=1e-4)


def test_gradients_are_those_of_pytorch() -> None:
    images = torch.rand(4, 3, 5, 5, dtype=torch.float64, requires_grad=True)
    ours, plain = BatchNorm(3).double(), torch.nn.BatchNorm2d(3, eps=1e-3, momentum=0.01).double()
    weights = torch.rand(4, 3, 5, 5, dtype=torch.float64)
    (wanted,) = torch.autograd.grad((plain(images) * weights).sum(), images)
    (found,) = torch.autograd.grad((ours(images) * weights).sum(), images)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_flatten_keeps_keras_order(keras: Any, side: int) -> None:
    images_nhwc = np.random.default_rng(0).normal(size=(2, side, side, 4)).astype(np.float32)
    wanted = keras.layers.Flatten()(images_nhwc).numpy()
    np.testing.assert_array_equal(Flatten()(to_torch(images_nhwc)).numpy(), wanted)
