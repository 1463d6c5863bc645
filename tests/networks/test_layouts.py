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
def test_the_notebooks_network_is_in_tiles_at_every_size(size: int) -> None:
    """Its bits are promised."""
    assert fastest_layout(find_network("alexnet"), size, CPU, deterministic=True) == "tiles"


def test_channels_last_begins_at_the_size_from_which_it_is_faster() -> None:
    ruled = [(network, network.channels_last_from) for network in NETWORKS.values()]
    assert any(least is not None for _, least in ruled)
    for network, least in ruled:
        if least is not None:
            assert fastest_layout(network, least, CPU, deterministic=True) == "channels_last"
            assert fastest_layout(network, least - 1, CPU, deterministic=True) != "channels_last"


def test_a_gpu_has_channels_last_where_bits_may_differ() -> None:
    for network in NETWORKS.values():
        chosen = [fastest_layout(network, 128, CUDA, deterministic=exact) for exact in (True, False)]
        assert chosen == ["plain", "channels_last"]


@pytest.mark.parametrize("asked", ["plain", "channels_last", "tiles"])
def test_what_is_asked_for_is_taken(asked: Layout) -> None:
    for name in ("alexnet", "efficientnet_lite0"):
        assert asked_layout(asked, find_network(name), 128, CPU, deterministic=True) == asked
