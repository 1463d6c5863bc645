"""Every network of the table keeps the contract: sizes, shapes, starting weights, errors."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from kamerton.errors import UnknownNameError, UsageError
from kamerton.networks import NETWORKS, build_network, count_parameters, find_network

SIZES = [0, 1, 9, 33]
"""Pixels above the smallest size; odd and even, divisible and not."""


@pytest.mark.parametrize("above", SIZES)
@pytest.mark.parametrize("name", NETWORKS)
def test_images_of_any_size_from_the_smallest_give_one_logit_a_class(name: str, above: int) -> None:
    size = NETWORKS[name].smallest_size + above
    network = build_network(name, size=size, channels=2, classes=4)
    assert network(torch.rand(3, 2, size, size)).shape == (3, 4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_partial_batch_of_one_image_can_be_learned_from(name: str) -> None:
    size = NETWORKS[name].smallest_size
    network = build_network(name, size=size, channels=3, classes=4).train()
    network(torch.rand(1, 3, size, size)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_one_pixel_less_than_the_smallest_is_a_clear_error(name: str) -> None:
    entry = NETWORKS[name]
    with pytest.raises(UsageError, match=rf"too small for {entry.title}.*{entry.smallest_size} x"):
        build_network(name, size=entry.smallest_size - 1, channels=3, classes=10)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_smallest_size_is_the_true_one(name: str) -> None:
    """The builder itself fails below it: the limit is the network's, not a guess."""
    entry = NETWORKS[name]
    size = entry.smallest_size - 1
    with warnings.catch_warnings(), pytest.raises((RuntimeError, ValueError)):
        warnings.simplefilter("ignore")
        entry.build(size, 3, 10)(torch.rand(2, 3, size, size))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_seed_alone_decides_the_starting_weights(name: str) -> None:
    size = NETWORKS[name].smallest_size
    torch.manual_seed(99)
    first = build_network(name, size=size, channels=3, classes=5, seed=1).state_dict()
    torch.manual_seed(7)
    again = build_network(name, size=size, channels=3, classes=5, seed=1).state_dict()
    other = build_network(name, size=size, channels=3, classes=5, seed=2).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", NETWORKS)
def test_building_leaves_the_users_random_numbers_alone(name: str) -> None:
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    build_network(name, size=NETWORKS[name].smallest_size, channels=3, classes=5)
    assert torch.equal(torch.rand(1), wanted)


@pytest.mark.parametrize("name", NETWORKS)
def test_kernels_start_glorot_uniform_and_biases_at_zero(name: str) -> None:
    network = build_network(name, size=NETWORKS[name].smallest_size, channels=3, classes=5)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            receptive = module.weight[0, 0].numel() if module.weight.dim() == 4 else 1
            limit = (6 / (receptive * (module.weight.shape[0] + module.weight.shape[1]))) ** 0.5
            assert module.weight.abs().max() <= limit
            assert module.weight.std().item() == pytest.approx(limit / 3**0.5, rel=0.15)
            assert module.bias is None or not module.bias.any()


def test_alexnet_has_the_notebooks_parameters() -> None:
    """The last lines of the notebook's model.summary()."""
    network = build_network("alexnet", size=256, channels=3, classes=10)
    assert count_parameters(network) == (41_543_754, 2_752)
    assert sum(count_parameters(network)) == 41_546_506


def test_lenet5_has_the_parameters_that_everybody_counts() -> None:
    """61,706 at 32 x 32 in grey: LeNet-5 with a fully connected C3 and no trained subsampling."""
    assert count_parameters(build_network("lenet5", size=32, channels=1, classes=10)) == (61_706, 0)


def test_an_unknown_network_is_answered_with_the_known() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'alexnet'"):
        find_network("alexnet5")
