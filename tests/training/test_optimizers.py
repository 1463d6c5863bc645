"""Adam is Keras's, step for step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from kamerton.config.recipe import AdamSettings, AdamWSettings
from kamerton.networks.registry import NETWORKS, build_network
from kamerton.training.optimizers import DecayingAdam, KerasAdam, Layer, layers_of

SETTINGS = AdamSettings(learning_rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-7)


def keras_path(keras: Any, start: np.ndarray, gradients: list[np.ndarray]) -> list[np.ndarray]:
    variable = keras.Variable(start)
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build([variable])
    path = []
    for gradient in gradients:
        optimizer.apply([torch.from_numpy(gradient)])
        path.append(variable.value.detach().numpy().copy())
    return path


def our_path(optimizer_kind: Any, start: np.ndarray, gradients: list[np.ndarray]) -> list[np.ndarray]:
    parameter = nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = optimizer_kind([parameter])
    path = []
    for gradient in gradients:
        parameter.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        path.append(parameter.detach().numpy().copy())
    return path


def tiny_gradients() -> tuple[np.ndarray, list[np.ndarray]]:
    """Gradients around epsilon, where its place in the formula decides the step."""
    rng = np.random.default_rng(0)
    scales = 10.0 ** rng.uniform(-9, 0, 200)
    return np.zeros(200, np.float32), [(rng.normal(size=200) * scales).astype(np.float32) for _ in range(30)]


def test_thirty_steps_are_those_of_keras_even_for_tiny_gradients(keras: Any) -> None:
    start, gradients = tiny_gradients()
    ours = our_path(lambda parameters: KerasAdam([Layer(parameters, 1.0)], SETTINGS), start, gradients)
    for found, wanted in zip(ours, keras_path(keras, start, gradients), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=1e-8)


def test_pytorchs_own_adam_takes_other_steps(keras: Any) -> None:
    """Why KerasAdam exists."""
    start, gradients = tiny_gradients()
    plain = our_path(lambda parameters: torch.optim.Adam(parameters, 1e-3, eps=1e-7), start, gradients)
    wanted = keras_path(keras, start, gradients)
    assert np.abs(plain[0] / wanted[0] - 1).max() > 0.5


def test_a_new_learning_rate_counts_from_the_next_step() -> None:
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = KerasAdam([Layer([parameter], 1.0)], SETTINGS)
    steps = []
    for learning_rate in (1e-3, 1e-6):
        before = parameter.item()
        optimizer.set_learning_rate(learning_rate)
        parameter.grad = torch.ones(1)
        optimizer.step()
        steps.append(before - parameter.item())
    np.testing.assert_allclose(steps, [1e-3, 1e-6], rtol=1e-2)


def test_only_kernels_decay_with_adamw() -> None:
    """Without a gradient, what is left of a kernel is its decay; PyTorch's own formula is the witness."""
    settings = AdamWSettings(learning_rate=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.5)
    kernel, bias = (torch.nn.Parameter(torch.ones(shape)) for shape in ((2, 2), (2,)))
    optimizer = DecayingAdam([Layer([kernel, bias], 1.0)], settings)
    kernel.grad, bias.grad = torch.zeros(2, 2), torch.zeros(2)
    optimizer.step()
    torch.testing.assert_close(kernel.detach(), torch.full((2, 2), 0.95))
    torch.testing.assert_close(bias.detach(), torch.ones(2))
    assert optimizer.steps_done == 1


def test_adamw_goes_pytorchs_way() -> None:
    settings = AdamWSettings(learning_rate=0.01, beta_1=0.9, beta_2=0.99, epsilon=1e-8, weight_decay=0.1)
    ours, theirs = (torch.nn.Parameter(torch.linspace(-1, 1, 6).reshape(2, 3)) for _ in range(2))
    optimizers = DecayingAdam([Layer([ours], 1.0)], settings), torch.optim.AdamW([theirs], 0.01, (0.9, 0.99), 1e-8, 0.1)
    for step in range(20):
        for parameter, optimizer in zip((ours, theirs), optimizers, strict=True):
            parameter.grad = torch.sin(parameter.detach() * 3 + step)
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_each_layer_learns_faster_than_the_one_before_by_the_same_factor() -> None:
    network = build_network("lenet5", size=20, channels=3, classes=3)
    layers = layers_of(network, 0.1)
    shares = [layer.share for layer in layers]
    assert shares[0] == pytest.approx(0.1)
    assert shares[-1] == 1.0
    np.testing.assert_allclose(np.diff(np.log(shares)), np.log(10) / (len(shares) - 1))
    assert layers[-1].parameters[0] is network.get_submodule(list(dict(network.named_modules()))[-1]).weight


@pytest.mark.parametrize("rate", [None, 0.1])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_is_in_one_layer(name: str, rate: float | None) -> None:
    with torch.device("meta"):
        network = build_network(name, size=NETWORKS[name].smallest_size, channels=3, classes=3)
    found = [id(parameter) for layer in layers_of(network, rate) for parameter in layer.parameters]
    assert sorted(found) == sorted(id(parameter) for parameter in network.parameters())


def test_a_layer_moves_by_its_share_of_the_learning_rate() -> None:
    first, last = (nn.Parameter(torch.zeros(1)) for _ in range(2))
    optimizer = KerasAdam([Layer([first], 0.25), Layer([last], 1.0)], SETTINGS)
    optimizer.set_learning_rate(1e-3)
    first.grad, last.grad = torch.ones(1), torch.ones(1)
    optimizer.step()
    assert first.item() == pytest.approx(last.item() / 4)
