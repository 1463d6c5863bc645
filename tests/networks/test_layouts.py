"""What a network is computed with follows from measured rules, and never from them where something is asked for."""

from __future__ import annotations

import pytest
import torch

from kamerton.config.machine import Layout
from kamerton.networks.layouts import asked_layout, fastest_layout
from kamerton.networks.registry import NETWORKS, find_network
from tests.conftest import needs_nnpack

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@needs_nnpack
@pytest.mark.parametrize("size", [96, 256])
@pytest.mark.parametrize("name", ["alexnet", "lenet5", "vgg16", "p4m_resnet"])
def test_these_are_in_tiles_at_every_size(name: str, size: int) -> None:
    """LeNet-5's bits are promised, and with the others channels last is slower."""
    assert fastest_layout(find_network(name), size, CPU, deterministic=True) == "mosaic"


def test_channels_last_is_taken_at_the_sizes_at_which_it_is_faster() -> None:
    ruled = [network for network in NETWORKS.values() if network.channels_last_sizes]
    assert ruled
    for network in ruled:
        first, last = network.channels_last_sizes[0], network.channels_last_sizes[-1]
        chosen = [fastest_layout(network, size, CPU, deterministic=True) for size in (first - 1, first, last, last + 1)]
        assert [layout == "channels_last" for layout in chosen] == [False, True, True, False]


def test_a_gpu_has_channels_last_where_bits_may_differ() -> None:
    for network in NETWORKS.values():
        chosen = [fastest_layout(network, 128, CUDA, deterministic=exact) for exact in (True, False)]
        assert chosen == ["plain", "channels_last"]


@pytest.mark.parametrize("asked", ["plain", "channels_last", "tiles", "mosaic"])
def test_what_is_asked_for_is_taken(asked: Layout) -> None:
    for name in ("alexnet", "efficientnet_lite0"):
        assert asked_layout(asked, find_network(name), 128, CPU, deterministic=True) == asked
