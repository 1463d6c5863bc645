"""The networks: ``NETWORKS`` is the table of contents; a network is a module here and one line in it."""

from __future__ import annotations

import torch
from torch import nn

from kamerton.errors import UnknownNameError, UsageError
from kamerton.networks import timm_networks
from kamerton.networks.alexnet import ALEXNET
from kamerton.networks.alexnet2012 import ALEXNET2012
from kamerton.networks.convnext import CONVNEXT
from kamerton.networks.densenet import DENSENET121
from kamerton.networks.efficientnet import EFFICIENTNET_B0
from kamerton.networks.efficientnet_lite import (
    EFFICIENTNET_LITE0,
    EFFICIENTNET_LITE0_STAGES,
    EFFICIENTNET_LITE1,
    EFFICIENTNET_LITE2,
)
from kamerton.networks.entry import Network
from kamerton.networks.googlenet import GOOGLENET
from kamerton.networks.initialisers import Uninitialised
from kamerton.networks.lenet5 import LENET5
from kamerton.networks.p4m import P4M_RESNET
from kamerton.networks.resnet import RESNET18, RESNET50
from kamerton.networks.vgg import VGG16

ENTRIES: tuple[Network, ...] = (
    LENET5,
    ALEXNET,
    ALEXNET2012,
    VGG16,
    GOOGLENET,
    RESNET18,
    RESNET50,
    DENSENET121,
    EFFICIENTNET_B0,
    EFFICIENTNET_LITE0,
    EFFICIENTNET_LITE1,
    EFFICIENTNET_LITE2,
    EFFICIENTNET_LITE0_STAGES,
    CONVNEXT,
    P4M_RESNET,
)

NETWORKS: dict[str, Network] = {entry.name: entry for entry in ENTRIES}
"""Every network but timm's, by name, in the order of the table."""


def find_network(name: str) -> Network:
    """Look a network up by name, or one of timm as ``timm:NAME``.

    UnknownNameError lists the known ones; MissingExtraError tells how timm is installed.
    """
    if isinstance(name, str) and name.startswith(timm_networks.PREFIX):
        return timm_networks.describe(name.removeprefix(timm_networks.PREFIX))
    if not isinstance(name, str) or name not in NETWORKS:
        raise UnknownNameError("network", name, NETWORKS)
    return NETWORKS[name]


def build_network(name: str, *, size: int, channels: int, classes: int, seed: int = 0) -> nn.Module:
    """Build a network by name with its starting weights, a pure function of ``seed``.

    It maps images (n, channels, size, size) scaled to 0..1 to logits (n, classes). Raises UnknownNameError, and
    UsageError for an image too small for it.
    """
    entry = _fitting(name, size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = entry.build(size, channels, classes)
        if not next(network.parameters()).is_meta:
            entry.initialise(network)
    return network


def build_to_load(name: str, *, size: int, channels: int, classes: int) -> nn.Module:
    """Build a network whose weights are about to be loaded, and whatever memory held until then; else as above."""
    with Uninitialised():
        return _fitting(name, size).build(size, channels, classes)


def _fitting(name: str, size: int) -> Network:
    """Find the entry of a network that takes images of ``size`` pixels."""
    entry = find_network(name)
    if size < entry.smallest_size:
        raise UsageError(
            f"Images are too small for {entry.title}",
            received=f"{size} x {size} pixels",
            allowed=f"{entry.smallest_size} x {entry.smallest_size} pixels or more",
            next_step=f"use larger cutouts, `--size {entry.smallest_size}` or more, or a smaller network",
        )
    return entry


def count_parameters(network: nn.Module) -> tuple[int, int]:
    """Count (trainable, not trainable) parameters as Keras does: running means and variances are of the second kind."""
    trainable = sum(p.numel() for p in network.parameters())
    running = sum(b.numel() for b in network.buffers() if b.is_floating_point())
    return trainable, running
