"""Every network starts from the weights that its paper, its reference code or the notebook gives it."""

from __future__ import annotations

import pytest
from torch import nn

from kamerton.networks.p4m import GroupConvolution
from kamerton.networks.registry import NETWORKS, build_network
from kamerton.networks.starts import glorot_uniform_, he_normal_, narrow_normal_


@pytest.mark.parametrize("name", NETWORKS)
def test_kernels_start_with_the_spread_that_was_chosen_and_biases_at_zero(name: str) -> None:
    entry = NETWORKS[name]
    network = build_network(name, size=entry.smallest_size, channels=3, classes=5)
    for module in network.modules():
        if not isinstance(module, nn.Conv2d | nn.Linear | GroupConvolution):
            continue
        outputs, inputs = module.weight.shape[0], module.weight[0].numel()
        if entry.start is glorot_uniform_:
            receptive = inputs // module.weight.shape[1]
            limit = (6 / (receptive * (module.weight.shape[1] + outputs))) ** 0.5
            assert module.weight.abs().max() <= limit
            wanted = limit / 3**0.5
        else:
            # A normal distribution cut at two deviations has 0.88 of its spread.
            wanted = 0.88 * 0.02 if entry.start is narrow_normal_ else (2 / inputs) ** 0.5
        if module.weight.numel() >= 200:
            assert module.weight.std().item() == pytest.approx(wanted, rel=0.2)
        bias = getattr(module, "bias", None)
        assert bias is None or not bias.any()


def test_the_notebooks_networks_start_as_keras_does_and_the_others_for_relu() -> None:
    assert {name for name, entry in NETWORKS.items() if entry.start is glorot_uniform_} == {"lenet5", "alexnet"}
    assert NETWORKS["resnet18"].start is he_normal_
