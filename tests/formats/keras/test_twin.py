"""The Keras twin has the notebook's layers, shapes and answers, for every network of the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from kamerton.errors import UsageError
from kamerton.formats.keras.config import layer_count
from kamerton.formats.keras.file import build_keras, has_keras_twin
from kamerton.formats.keras.twin import ACTIVATIONS, TWINS, keras_arrays, torch_tensor, twin_layers
from kamerton.networks.layers import BatchNorm, ChannelNorm, Flatten, LayerScale
from kamerton.networks.registry import NETWORKS, build_network
from tests.notebook_in_keras import alexnet_in_keras


def summary(model: Any) -> list[tuple[str, tuple[int | None, ...], int]]:
    """The rows of model.summary(): class, output shape, parameters."""
    rows = [(type(layer).__name__, tuple(layer.output.shape), layer.count_params()) for layer in model.layers]
    return [row for row in rows if row[0] != "InputLayer"]


WITHOUT_TWIN = {"alexnet2012": "LocalResponseNorm", "p4m_resnet": "GroupConvolution"}
"""Keras has no layer that normalises over neighbouring maps, and none that convolves over a group."""

WITH_TWIN = [name for name in NETWORKS if layer_count(name) is not None]

TOLERANCES = {"lenet5": 1e-5, "alexnet": 1e-5}
"""The notebook's networks are held closer than the 1e-4 of all."""


def settle(network: nn.Module, size: int, channels: int = 3) -> nn.Module:
    """Give the layers that start as if they were not there weights and statistics such as training gives."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, BatchNorm | ChannelNorm | LayerScale):
            for parameter in module.parameters():
                parameter.data += torch.rand(parameter.shape, generator=generator) * 0.2
    norms = {module: module.momentum for module in network.modules() if isinstance(module, BatchNorm)}
    for norm in norms:
        norm.momentum = 0.5
    network.train()
    for _ in range(3):
        network(torch.rand(8, channels, size, size, generator=generator))
    for norm, momentum in norms.items():
        norm.momentum = momentum
    return network.eval()


@pytest.mark.parametrize("size", [67, 128, 256])
def test_alexnets_twin_is_the_notebooks_summary_row_for_row(keras: Any, size: int) -> None:
    network = build_network("alexnet", size=size, channels=3, classes=10)
    assert summary(build_keras(network, (size, size, 3))) == summary(alexnet_in_keras(keras, size))


def test_alexnets_parameters_are_those_that_keras_counts(keras: Any) -> None:
    twin = build_keras(build_network("alexnet", size=256, channels=3, classes=10), (256, 256, 3))
    trainable = sum(int(np.prod(weight.shape)) for weight in twin.trainable_variables)
    assert (twin.count_params(), trainable) == (41_546_506, 41_543_754)


@pytest.mark.parametrize("name", WITH_TWIN)
def test_every_network_answers_as_its_twin(keras: Any, name: str) -> None:
    size = NETWORKS[name].smallest_size + 12
    network = settle(build_network(name, size=size, channels=3, classes=10), size)
    assert has_keras_twin(network)
    twin = build_keras(network, (size, size, 3))
    state = network.state_dict()
    assert twin.count_params() == sum(state[key].numel() for layer in twin_layers(network) for key, _ in layer.tensors)
    images_nhwc = np.random.default_rng(0).random((6, size, size, 3), np.float32)
    ours = network(torch.from_numpy(images_nhwc).permute(0, 3, 1, 2)).softmax(1).detach().numpy()
    np.testing.assert_allclose(ours, twin.predict(images_nhwc, verbose=0), atol=TOLERANCES.get(name, 1e-4))
    assert ours.std(axis=0).max() > 1e-4, "answers that do not depend on the image would prove nothing"


@pytest.mark.parametrize("name", WITH_TWIN)
def test_a_twin_holds_all_weights_that_an_answer_needs(name: str) -> None:
    network = build_network(name, size=NETWORKS[name].smallest_size, channels=3, classes=4)
    planned = {key for layer in twin_layers(network) for key, _ in layer.tensors}
    left_out = {key for key in network.state_dict() if key not in planned and "num_batches_tracked" not in key}
    assert all(key.startswith("auxiliary") for key in left_out)


@pytest.mark.parametrize(
    "name",
    ["lenet5", "alexnet", "vgg16", "googlenet", "resnet18", "resnet50", "densenet121", "efficientnet_b0", "convnext"],
)
def test_the_known_networks_have_their_twins(name: str) -> None:
    assert name in WITH_TWIN


@pytest.mark.parametrize("name", WITHOUT_TWIN)
def test_a_network_without_a_twin_names_the_layer(name: str) -> None:
    network = build_network(name, size=NETWORKS[name].smallest_size, channels=3, classes=4)
    assert not has_keras_twin(network)
    with pytest.raises(UsageError, match=WITHOUT_TWIN[name]):
        twin_layers(network)


def test_the_notebooks_size_agrees_with_the_notebooks_keras_model(keras: Any) -> None:
    network = settle(build_network("alexnet", size=256, channels=3, classes=10), 256)
    theirs = alexnet_in_keras(keras, 256)
    theirs.set_weights([a for layer in twin_layers(network) for a in keras_arrays(layer, network.state_dict())])
    images_nhwc = np.random.default_rng(0).random((4, 256, 256, 3), np.float32)
    ours = network(torch.from_numpy(images_nhwc).permute(0, 3, 1, 2)).softmax(1).detach().numpy()
    np.testing.assert_allclose(ours, theirs.predict(images_nhwc, verbose=0), atol=1e-5)


def test_weights_come_back_from_keras_axes() -> None:
    network = build_network("lenet5", size=20, channels=3, classes=4)
    state = network.state_dict()
    for layer in twin_layers(network):
        for (name, axes), array in zip(layer.tensors, keras_arrays(layer, state), strict=True):
            assert torch.equal(torch_tensor(array, axes), state[name])


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (nn.Hardswish(), "Hardswish"),
        (nn.GELU("tanh"), "GELU"),
        (nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), "padding reflect"),
        (nn.MaxPool2d(3, padding=1, stride=2), "only behind ReLU"),
        (nn.MaxPool2d(2, ceil_mode=True), "pooling"),
        (nn.AvgPool2d(3, padding=1, count_include_pad=False), "pooling"),
        (nn.BatchNorm2d(3), "BatchNorm2d"),
        (nn.Flatten(), r"Received: 1 \(nn\.Flatten\)\. Allowed: .*kamerton\.networks\.layers\.Flatten"),
    ],
)
def test_a_layer_that_keras_cannot_say_is_named(layer: nn.Module, says: str) -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1), layer)
    assert not has_keras_twin(network)
    with pytest.raises(UsageError, match=says):
        twin_layers(network)


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(3, 4, 3, stride=2, padding=1)],
        [nn.Conv2d(3, 4, 5, padding=1)],
        [nn.Conv2d(3, 4, 3, dilation=2, padding=2)],
        [nn.Conv2d(3, 3, 3, groups=3, stride=2, padding=1, bias=False)],
        [nn.MaxPool2d(3, stride=1, padding=1)],
        [nn.AvgPool2d(3, stride=2, padding=1)],
        [nn.ReLU(), nn.AvgPool2d(2), nn.MaxPool2d(3, stride=2, padding=1)],
        [nn.SiLU(), nn.Identity(), nn.GELU(), nn.Sigmoid()],
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [14, 15])
def test_padding_and_strides_are_those_of_keras(keras: Any, layers: list[nn.Module], size: int) -> None:
    """Behind a convolution, whose answers are negative too."""
    torch.manual_seed(3)
    first = nn.Conv2d(3, 3, 3)
    with torch.no_grad():
        width = nn.Sequential(first, *layers, Flatten())(torch.zeros(1, 3, size, size)).shape[1]
    network = nn.Sequential(first, *layers, Flatten(), nn.Linear(width, 4)).eval()
    images_nhwc = np.random.default_rng(0).random((3, size, size, 3), np.float32) - 0.5
    ours = network(torch.from_numpy(images_nhwc).permute(0, 3, 1, 2)).softmax(1).detach().numpy()
    np.testing.assert_allclose(ours, build_keras(network, (size, size, 3)).predict(images_nhwc, verbose=0), atol=1e-6)


class AlongRows(nn.Module):
    """Joins images one above the other."""

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        return torch.cat([images_nchw, images_nchw.relu()], 2)


class ByContent(nn.Module):
    """Goes a way that depends on the image."""

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        return images_nchw if images_nchw.sum() > 0 else -images_nchw


@pytest.mark.parametrize("network", [AlongRows(), ByContent()], ids=["along rows", "by content"])
def test_a_graph_that_keras_cannot_follow_has_no_twin(network: nn.Module) -> None:
    assert not has_keras_twin(network)


def test_an_activation_shared_by_two_layers_stays_apart(keras: Any) -> None:
    """Only an activation that follows its layer alone may be written into it."""
    assert set(ACTIVATIONS).isdisjoint(TWINS)
    network = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(3, 2, 2))
    assert [layer.keras_class for layer in twin_layers(network)] == ["MaxPooling2D", "Activation", "Conv2D"]
