"""Weights made random from the last layer to the first."""

from __future__ import annotations

import torch

from kamerton.explaining.agreeing import rank_correlations
from kamerton.explaining.methods import METHODS, subject_of
from kamerton.explaining.randomising import cascade
from kamerton.networks.registry import build_network

SHAPE = {"size": 64, "channels": 3, "classes": 4}


def test_the_cascade_begins_at_the_last_layer_and_ends_with_nothing_that_was_learned() -> None:
    network, fresh = (build_network("resnet18", **SHAPE, seed=seed).eval() for seed in (1, 2))
    steps = list(cascade(network, fresh, torch.rand(1, 3, 64, 64), 6))
    assert len(steps) == 6
    assert [step.share for step in steps] == sorted(step.share for step in steps)
    assert steps[-1].share == 1
    last = next(reversed([*network.state_dict()]))
    for name, tensor in steps[0].network.state_dict().items():
        if name == last:
            assert torch.equal(tensor, fresh.state_dict()[name])
    assert torch.equal(steps[0].network.state_dict()["stem.conv.weight"], network.state_dict()["stem.conv.weight"])
    ended = steps[-1].network.state_dict()
    assert all(torch.equal(ended[name], tensor) for name, tensor in fresh.state_dict().items())


def test_the_network_itself_stays_as_it_is() -> None:
    network, fresh = (build_network("lenet5", **SHAPE, seed=seed).eval() for seed in (1, 2))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    list(cascade(network, fresh, torch.rand(1, 3, 64, 64), 3))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_random_weights_change_the_map() -> None:
    network, fresh = (build_network("lenet5", **SHAPE, seed=seed).eval() for seed in (1, 2))
    maps = METHODS["hirescam"](network, (64, 64, 3)).maps
    images_nchw, classes = torch.rand(8, 3, 64, 64), torch.arange(8) % 4
    before = maps(subject_of(network), images_nchw, classes)
    *_, last = cascade(network, fresh, images_nchw, 2)
    assert abs(rank_correlations(before, maps(subject_of(last.network), images_nchw, classes)).mean()) < 0.5
    assert rank_correlations(before, maps(subject_of(network), images_nchw, classes)).min() > 0.999
