"""Pooling with channels last finds the same, to the bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from kamerton.machine.pooling import max_pool2d
from kamerton.machine.tiled_convolutions import TiledConvolutions


def both(images_nchw: torch.Tensor, *how: Any, **further: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Give what is found, and the gradient of the images, as PyTorch and as Kamerton have it."""
    found = []
    for pool in (F.max_pool2d, max_pool2d):
        leaf = images_nchw.clone().requires_grad_()
        largest = pool(leaf, *how, **further)
        weights = torch.arange(largest.numel(), dtype=largest.dtype).view_as(largest).sin()
        found.append((largest.detach(), torch.autograd.grad(largest, leaf, weights)[0]))
    return found


@settings(max_examples=60)
@given(
    images=st.integers(1, 4),
    channels=st.integers(1, 20),
    height=st.integers(3, 20),
    width=st.integers(3, 20),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 1),
    ceil_mode=st.booleans(),
)
def test_the_largest_and_its_gradient_are_pytorchs_to_the_bit(
    images: int, channels: int, height: int, width: int, kernel: int, stride: int, padding: int, ceil_mode: bool
) -> None:
    """With ties, as after a rectifier."""
    images_nchw = torch.randn(images, channels, height, width).relu()
    (largest, gradient), (own, own_gradient) = both(
        images_nchw, kernel, stride, min(padding, kernel // 2), ceil_mode=ceil_mode
    )
    assert torch.equal(own, largest)
    assert torch.equal(own_gradient, gradient)
    assert own.is_contiguous()


@pytest.mark.parametrize("how", [(2,), (3, 2), (3, [2, 2], [1, 1], [1, 1], False)], ids=["kernel", "stride", "all"])
def test_it_is_called_as_pytorchs(how: tuple[Any, ...]) -> None:
    (largest, _), (own, _) = both(torch.randn(2, 3, 9, 9), *how)
    assert torch.equal(own, largest)


def test_what_is_no_number_comes_through() -> None:
    images_nchw = torch.randn(2, 3, 9, 9)
    images_nchw[0, 0, 4, 4] = float("nan")
    (largest, _), (own, _) = both(images_nchw, 3, 2)
    assert torch.equal(own.isnan(), largest.isnan())
    assert largest.isnan().any()


@pytest.mark.parametrize("shape", [(3, 9, 9), (2, 3, 9, 9)])
def test_other_images_are_pytorchs_own(shape: tuple[int, ...]) -> None:
    """One image alone, and images that have channels last already."""
    images = torch.randn(shape)
    if images.dim() == 4:
        images = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(max_pool2d(images, 3, 2), F.max_pool2d(images, 3, 2))


@pytest.mark.parametrize("how", [{"kernel_size": 3, "stride": 2}, {"kernel_size": 2}, {"kernel_size": 3, "padding": 1}])
def test_a_network_that_learns_side_by_side_pools_so(how: dict[str, Any]) -> None:
    leaf = torch.randn(2, 3, 9, 9).requires_grad_()
    with TiledConvolutions(side_by_side=True):
        largest = torch.nn.MaxPool2d(**how)(leaf)
        by_function = F.max_pool2d(leaf, **how)
    assert "MaxPooling" in type(largest.grad_fn).__name__
    assert torch.equal(largest, torch.nn.MaxPool2d(**how)(leaf))
    assert torch.equal(largest, by_function)
