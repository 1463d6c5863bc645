"""What a recipe adds while a network learns is gone afterwards."""

from __future__ import annotations

import dataclasses
import re

import pytest
import torch
from torch import nn

from kamerton.networks.registry import build_network
from kamerton.recipes import load_recipe
from kamerton.training.regularise import how_it_learns, regularised

RECIPE = dataclasses.replace(load_recipe("notebook"), dropout=0.5, norm_momentum=0.25)
FEATURES = torch.rand(4, 3, 20, 20)


def lenet5() -> nn.Module:
    return build_network("lenet5", size=20, channels=3, classes=3)


def test_features_are_dropped_while_learning_and_neither_in_validation_nor_afterwards() -> None:
    network = lenet5()
    plain = network.eval()(FEATURES)
    with regularised(network, RECIPE):
        network.train()
        assert not torch.equal(network(FEATURES), network(FEATURES))
        assert torch.equal(network.eval()(FEATURES), plain)
    assert torch.equal(network.train()(FEATURES), plain)


def test_a_network_that_drops_features_itself_is_left_alone() -> None:
    network = build_network("alexnet", size=67, channels=3, classes=3)
    with regularised(network, RECIPE):
        assert not any(module._forward_pre_hooks for module in network.modules())


def test_the_running_statistics_take_the_recipes_share() -> None:
    network = build_network("alexnet", size=67, channels=3, classes=3)
    with regularised(network, RECIPE):
        pass
    assert {module.momentum for module in network.modules() if isinstance(module, nn.BatchNorm2d)} == {0.25}


def test_with_no_share_the_running_statistics_stay_and_normalise_the_batch() -> None:
    network = build_network("alexnet", size=67, channels=3, classes=3)
    images, norm = torch.rand(4, 3, 67, 67), network.get_submodule("norm1")
    statistics = [buffer.clone() for buffer in norm.buffers()]
    tested = network.eval()(images)
    with regularised(network, dataclasses.replace(RECIPE, norm_momentum=0.0)):
        network.train()
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
        assert torch.equal(network(images), tested)
    assert all(torch.equal(now, before) for now, before in zip(norm.buffers(), statistics, strict=True))
    assert not torch.allclose(network.train()(images), tested)


def test_a_kernel_learns_while_the_running_statistics_stay() -> None:
    network = build_network("alexnet", size=67, channels=3, classes=3)
    with regularised(network, dataclasses.replace(RECIPE, norm_momentum=0.0)):
        network.train()(torch.rand(2, 3, 67, 67)).sum().backward()
    assert network.get_submodule("norm1").get_parameter("weight").grad is not None


@pytest.mark.parametrize(
    ("recipe", "started", "said"),
    [
        ("finetune", True, r"^batch normalisation keeps the statistics .*; tested and kept is the moving average"),
        ("modern", True, r"^recipe modern lets batch normalisation follow .* --recipe finetune$"),
        ("modern", False, r"^$"),
        ("notebook", False, r"^$"),
    ],
)
def test_what_learns_is_told_where_it_is_not_all_as_it_is(recipe: str, started: bool, said: str) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    assert re.search(said, how_it_learns(network, load_recipe(recipe), started=started))


def test_of_a_probe_the_weights_that_learn_are_counted() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    told = how_it_learns(network, load_recipe("finetune", freeze=True), started=True)
    assert told == "the last layer alone learns, 10 of 26 weights: a linear probe"
