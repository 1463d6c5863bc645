"""Which layout of images and kernels a network learns fastest with: the measured rules' one home.

A network's entry says at which sizes channels last is faster on a CPU (`benchmarks/all_networks.py` measures it);
else its convolutions are in tiles, each where `kamerton.machine.tiled_convolutions.Convolution.gains` says so.
"""

from __future__ import annotations

import torch

from kamerton.config.machine import ChosenLayout, Layout
from kamerton.machine.computation import usual_layout
from kamerton.networks.entry import Network


def fastest_layout(network: Network, size: int, device: torch.device, *, deterministic: bool) -> ChosenLayout:
    """Name what a network learns fastest with on a device, with images of ``size`` x ``size`` pixels."""
    if device.type == "cpu" and size in network.channels_last_sizes:
        return "channels_last"
    return usual_layout(device, deterministic=deterministic)


def asked_layout(
    asked: Layout, network: Network, size: int, device: torch.device, *, deterministic: bool
) -> ChosenLayout:
    """Give the layout that was asked for, and for ``auto`` the fastest."""
    return fastest_layout(network, size, device, deterministic=deterministic) if asked == "auto" else asked
