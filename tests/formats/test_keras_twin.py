"""The Keras twin has the notebook's layers, shapes and answers, for every network of the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from kamerton.errors import UsageError
from kamerton.formats.keras_file import build_keras, has_keras_twin
from kamerton.formats.keras_twin import ACTIVATIONS, TWINS, keras_arrays, torch_tensor, twin_layers
from kamerton.networks import NETWORKS, build_network, count_parameters
from tests.notebook_in_keras import alexnet_in_keras


def summary(model: Any) -> list[tuple[str, tuple[int | None, ...], int]]:
    """The rows of model.summary(): class, output shape, parameters."""
    rows = [(type(layer).__name__, tuple(layer.output.shape), layer.count_params()) for layer in model.layers]
    return [row for row in rows if row[0] != "InputLayer"]


def settle(network: nn.Module, size: int, channels: int = 3) -> nn.Module:
    """Give batch normalisation statistics other than zero and one, as training would."""
    generator = torch.Generator().manual_seed(1)
    network.train()
    for _ in range(3):
        network(torch.rand(8, channels, size, size, generator=generator))
    for name, parameter in network.named_parameters():
        if name.startswith("norm"):
            parameter.data += torch.rand(parameter.shape, generator=generator) * 0.2
    return network.eval()


@pytest.mark.parametrize("size", [67, 128, 256])
def test_alexnets_twin_is_the_notebooks_summary_row_for_row(keras: Any, size: int) -> None:
    network = build_network("alexnet", size=size, channels=3, classes=10)
    assert summary(build_keras(network, (size, size, 3))) == summary(alexnet_in_keras(keras, size))


def test_alexnets_parameters_are_those_that_keras_counts(keras: Any) -> None:
    twin = build_keras(build_network("alexnet", size=256, channels=3, classes=10), (256, 256, 3))
    trainable = sum(int(np.prod(weight.shape)) for weight in twin.trainable_variables)
    assert (twin.count_params(), trainable) == (41_546_506, 41_543_754)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_answers_as_its_twin(keras: Any, name: str) -> None:
    size = NETWORKS[name].smallest_size + 12
    network = settle(build_network(name, size=size, channels=3, classes=10), size)
    assert has_keras_twin(network)
    twin = build_keras(network, (size, size, 3))
    assert twin.count_params() == sum(count_parameters(network))
    images_nhwc = np.random.default_rng(0).random((6, size, size, 3), np.float32)
    ours = network(torch.from_numpy(images_nhwc).permute(0, 3, 1, 2)).softmax(1).detach().numpy()
    np.testing.assert_allclose(ours, twin.predict(images_nhwc, verbose=0), atol=1e-5)
    assert ours.std(axis=0).max() > 1e-4, "answers that do not depend on the image would prove nothing"


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
        (nn.GELU(), "GELU"),
        (nn.Conv2d(3, 3, 3, stride=2, padding=1), r"padding \(1, 1\)"),
        (nn.MaxPool2d(3, padding=1), "pooling"),
        (nn.BatchNorm2d(3), "BatchNorm2d"),
    ],
)
def test_a_layer_that_keras_cannot_say_is_named(layer: nn.Module, says: str) -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1), layer)
    assert not has_keras_twin(network)
    with pytest.raises(UsageError, match=says):
        twin_layers(network)


def test_an_activation_shared_by_two_layers_stays_apart(keras: Any) -> None:
    """Only an activation that follows its layer alone may be written into it."""
    assert set(ACTIVATIONS).isdisjoint(TWINS)
    network = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(3, 2, 2))
    assert [layer.keras_class for layer in twin_layers(network)] == ["MaxPooling2D", "Activation", "Conv2D"]
