"""The layer that names the classes is found in every network."""

from __future__ import annotations

import pytest
import torch

from kamerton.networks.features import WithFeatures
from kamerton.networks.head import head_parameters
from kamerton.networks.registry import NETWORKS, build_network


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"vgg16", "alexnet2012"}))
def test_the_head_holds_the_dense_layer_that_decides(name: str) -> None:
    size = NETWORKS[name].smallest_size
    network = build_network(name, size=size, channels=3, classes=3)
    last = WithFeatures(network.eval(), (size, size, 3)).last
    assert last is not None
    own = {id(parameter) for parameter in last.parameters()}
    parameters = dict(network.named_parameters())
    found = {id(parameters[name]) for name in head_parameters(network)}
    assert own <= found
    assert name == "googlenet" or own == found


def test_without_a_dense_layer_the_whole_network_is_its_own_head() -> None:
    assert head_parameters(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1))) == {"0.weight", "0.bias"}
