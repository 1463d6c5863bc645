"""The networks: ``NETWORKS`` is the table of contents; adding one is a function in a module here and one entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from kamerton.errors import UnknownNameError, UsageError
from kamerton.networks import alexnet, lenet5
from kamerton.networks.layers import glorot_uniform_


@dataclass(frozen=True)
class Network:
    """One entry of the table: how a network is called, where it comes from and how it is built."""

    title: str
    """The name a reader knows."""
    year: int
    paper: str
    smallest_size: int
    """Side of the smallest image it can take, pixels."""
    build: Callable[[int, int, int], nn.Module]
    """(size, channels, classes) -> network from images (n, channels, size, size) to logits (n, classes)."""


NETWORKS: dict[str, Network] = {
    "lenet5": Network("LeNet-5", 1998, "LeCun et al. 1998, Proc. IEEE 86, 2278", lenet5.SMALLEST_SIZE, lenet5.lenet5),
    "alexnet": Network(
        "AlexNet", 2012, "Krizhevsky et al. 2012, NeurIPS 25, 1097", alexnet.SMALLEST_SIZE, alexnet.alexnet
    ),
}


def find_network(name: str) -> Network:
    """Look a network up by name; UnknownNameError lists the known ones."""
    if name not in NETWORKS:
        raise UnknownNameError("network", name, NETWORKS)
    return NETWORKS[name]


def build_network(name: str, *, size: int, channels: int, classes: int, seed: int = 0) -> nn.Module:
    """Build a network by name with Keras's starting weights, a pure function of ``seed``.

    It maps images (n, channels, size, size) scaled to 0..1 to logits (n, classes). Raises UnknownNameError, and
    UsageError for an image too small for it.
    """
    entry = find_network(name)
    if size < entry.smallest_size:
        raise UsageError(
            f"Images are too small for {entry.title}",
            received=f"{size} x {size} pixels",
            allowed=f"{entry.smallest_size} x {entry.smallest_size} pixels or more",
            next_step=f"use larger cutouts, `--size {entry.smallest_size}` or more, or a smaller network",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = entry.build(size, channels, classes)
        glorot_uniform_(network)
    return network


def count_parameters(network: nn.Module) -> tuple[int, int]:
    """Count (trainable, not trainable) parameters as Keras does: running means and variances are of the second kind."""
    trainable = sum(p.numel() for p in network.parameters())
    running = sum(b.numel() for b in network.buffers() if b.is_floating_point())
    return trainable, running
