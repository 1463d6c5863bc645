"""Every network of the table keeps the contract: sizes, shapes, starting weights, errors."""

from __future__ import annotations

import hashlib
import warnings

import pytest
import torch
from torch import nn

from kamerton.errors import UnknownNameError, UsageError
from kamerton.networks.layers import WithAuxiliary
from kamerton.networks.registry import ENTRIES, NETWORKS, build_network, count_parameters, find_network

SIZES = [0, 1, 9, 33]
"""Pixels above the smallest size; odd and even, divisible and not."""

PUBLISHED = {
    "alexnet2012": (224, 60_965_224),  # the paper's 60 million; Caffe's CaffeNet has as many
    "vgg16": (224, 138_357_544),  # the authors' own, and PyTorch's
    "googlenet": (224, 13_004_888),  # PyTorch's, with batch normalisation; 6,624,904 without the auxiliary heads
    "resnet18": (224, 11_689_512),  # PyTorch's
    "resnet50": (224, 25_557_032),  # PyTorch's
    "densenet121": (224, 7_978_856),  # PyTorch's; Keras counts the running statistics too
    "efficientnet_b0": (224, 5_288_548),  # PyTorch's
    "efficientnet_lite0": (224, 4_652_008),  # the network's that its weights are published with
    "efficientnet_lite1": (240, 5_416_680),  # likewise
    "efficientnet_lite2": (260, 6_092_072),  # likewise
    "convnext": (224, 15_593_560),  # timm's convnext_nano
}
"""Size and trained parameters at 1000 classes and three channels, of the paper or of the reference code."""

STORED = {
    "lenet5": "e71a8e0a36938e98",
    "alexnet": "6af98b82aeabf97a",
    "alexnet2012": "5cc825c45fe4311c",
    "vgg16": "6ba1d9bc3abf7f11",
    "googlenet": "a4a4cb4a682c06b1",
    "resnet18": "d5d88e1fa5814bd3",
    "resnet50": "b0102e5134447e76",
    "densenet121": "3df3041746ae5ea2",
    "efficientnet_b0": "ae0dd2024e698ba0",
    "efficientnet_lite0": "dce64147a5897920",
    "efficientnet_lite1": "3ccdb4686cf65a7b",
    "efficientnet_lite2": "6f80ed574e2df4c4",
    "efficientnet_lite0_stages": "4a60ea1c69a86c1d",
    "convnext": "a3e6c4bf5d08e2aa",
    "p4m_resnet": "eb022e149288fe28",
}
"""SHA-256, first 16 digits, of the weights' names and shapes at the smallest size, three channels and four classes."""


def on_meta(name: str, *, size: int, classes: int) -> nn.Module:
    with torch.device("meta"):
        return build_network(name, size=size, channels=3, classes=classes)


@pytest.mark.parametrize("above", SIZES)
@pytest.mark.parametrize("name", NETWORKS)
def test_images_of_any_size_from_the_smallest_give_one_logit_a_class(name: str, above: int) -> None:
    size = NETWORKS[name].smallest_size + above
    network = build_network(name, size=size, channels=2, classes=4).eval()
    assert network(torch.rand(3, 2, size, size)).shape == (3, 4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_partial_batch_of_one_image_can_be_learned_from(name: str) -> None:
    size = NETWORKS[name].smallest_size
    network = build_network(name, size=size, channels=3, classes=4).train()
    answer = network(torch.rand(1, 3, size, size))
    parts = [answer.logits, *answer.auxiliary] if isinstance(answer, WithAuxiliary) else [answer]
    torch.stack(parts).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_one_pixel_less_than_the_smallest_is_a_clear_error(name: str) -> None:
    entry = NETWORKS[name]
    with pytest.raises(UsageError, match=rf"too small for {entry.title}.*{entry.smallest_size} x"):
        build_network(name, size=entry.smallest_size - 1, channels=3, classes=10)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_smallest_size_is_the_true_one(name: str) -> None:
    """Below it the builder fails, or the network cannot learn from a single image: the limit is not a guess."""
    entry = NETWORKS[name]
    size = entry.smallest_size - 1
    with warnings.catch_warnings(), pytest.raises((RuntimeError, ValueError)):
        warnings.simplefilter("ignore")
        entry.build(size, 3, 10).train()(torch.rand(1, 3, size, size))


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


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_parameters_are_the_published_ones(name: str) -> None:
    size, parameters = PUBLISHED[name]
    assert count_parameters(on_meta(name, size=size, classes=1000))[0] == parameters


@pytest.mark.parametrize("name", STORED)
def test_the_weights_have_the_names_and_shapes_that_stored_runs_have(name: str) -> None:
    """Another name or order, and no run folder of before opens."""
    state = on_meta(name, size=NETWORKS[name].smallest_size, classes=4).state_dict()
    lines = "".join(f"{key} {tuple(tensor.shape)}\n" for key, tensor in state.items())
    assert hashlib.sha256(lines.encode()).hexdigest()[:16] == STORED[name]


def test_each_entry_of_the_table_has_a_name_of_its_own() -> None:
    assert len(NETWORKS) == len(ENTRIES)


def test_googlenets_answer_needs_the_published_share_of_its_parameters() -> None:
    network = on_meta("googlenet", size=224, classes=1000)
    heads = sum(p.numel() for name, p in network.named_parameters() if name.startswith("auxiliary"))
    assert count_parameters(network)[0] - heads == 6_624_904


def test_googlenet_gives_three_answers_while_it_learns_and_one_in_a_test() -> None:
    network = build_network("googlenet", size=33, channels=3, classes=4)
    answer = network.train()(torch.rand(2, 3, 33, 33))
    assert isinstance(answer, WithAuxiliary)
    assert [part.shape for part in (answer.logits, *answer.auxiliary)] == [(2, 4)] * 3
    assert answer.weight == 0.3
    assert network.eval()(torch.rand(2, 3, 33, 33)).shape == (2, 4)


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
