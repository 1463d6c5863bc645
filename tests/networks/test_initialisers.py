"""Every network starts from the weights that its paper, its reference code or the notebook gives it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from kamerton.networks.initialisers import NARROW_CUT, NARROW_DEVIATION, glorot_uniform_, he_normal_, narrow_normal_
from kamerton.networks.p4m import GroupConvolution, he_normal_orbits_
from kamerton.networks.registry import NETWORKS, build_network, build_to_load


def glorot_limit(weight: torch.Tensor) -> float:
    receptive = weight[0, 0].numel()
    return float((6 / (receptive * (weight.shape[1] + weight.shape[0]))) ** 0.5)


def he_deviation(weight: torch.Tensor) -> float:
    return float((2 / weight[0].numel()) ** 0.5)


DEVIATIONS: dict[Callable[[nn.Module], None], Callable[[torch.Tensor], float]] = {
    glorot_uniform_: lambda weight: glorot_limit(weight) / 3**0.5,
    he_normal_: he_deviation,
    he_normal_orbits_: he_deviation,
    # A normal distribution cut at two deviations has 0.88 of its spread.
    narrow_normal_: lambda weight: 0.88 * 0.02,
}
"""The standard deviation that each initialiser promises."""

KNOWN = [name for name, entry in NETWORKS.items() if entry.initialise in DEVIATIONS]


@pytest.mark.parametrize("name", KNOWN)
def test_kernels_start_with_the_spread_that_was_chosen_and_biases_at_zero(name: str) -> None:
    entry = NETWORKS[name]
    network = build_network(name, size=entry.smallest_size, channels=3, classes=5)
    for module in network.modules():
        if not isinstance(module, nn.Conv2d | nn.Linear | GroupConvolution):
            continue
        if module.weight.numel() >= 200:
            wanted = DEVIATIONS[entry.initialise](module.weight)
            assert module.weight.std().item() == pytest.approx(wanted, rel=0.2)
        bias = getattr(module, "bias", None)
        assert bias is None or not bias.any()


@pytest.mark.parametrize("name", ["lenet5", "alexnet"])
def test_the_notebooks_networks_start_as_keras_does(name: str) -> None:
    assert NETWORKS[name].initialise is glorot_uniform_
    network = build_network(name, size=NETWORKS[name].smallest_size, channels=3, classes=5)
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert all(layer.weight.abs().max() <= glorot_limit(layer.weight) for layer in layers)


@pytest.mark.parametrize(
    "name",
    ["alexnet2012", "vgg16", "googlenet", "resnet18", "resnet50", "densenet121", "efficientnet_b0"],
)
def test_the_other_known_networks_start_for_relu(name: str) -> None:
    assert NETWORKS[name].initialise is he_normal_


def test_a_narrow_start_is_normal_and_cut() -> None:
    layer = nn.Linear(200, 200)
    torch.manual_seed(0)
    narrow_normal_(layer)
    drawn = layer.weight.detach().numpy().ravel()
    assert abs(drawn).max() <= np.float32(NARROW_CUT * NARROW_DEVIATION)
    cut = stats.truncnorm(-NARROW_CUT, NARROW_CUT, scale=NARROW_DEVIATION)
    assert stats.kstest(drawn, cut.cdf).pvalue > 0.01


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_to_be_loaded_has_all_that_is_not_loaded(name: str) -> None:
    shape = {"size": NETWORKS[name].smallest_size, "channels": 3, "classes": 3}
    whole, empty = build_network(name, **shape), build_to_load(name, **shape)
    empty.load_state_dict(whole.state_dict())
    kept, loaded = (dict([*network.named_parameters(), *network.named_buffers()]) for network in (whole, empty))
    assert list(kept) == list(loaded)
    assert all(torch.equal(tensor, loaded[key]) for key, tensor in kept.items())
