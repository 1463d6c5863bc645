"""What the table knows of a network; each module of networks exports its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, kw_only=True)
class Network:
    """One entry of the table: how a network is called, where it comes from and how it is built."""

    name: str
    """What ``--network`` calls it."""
    title: str
    """The name a reader knows."""
    year: int
    paper: str
    smallest_size: int
    """Side of the smallest image it can take, pixels."""
    build: Callable[[int, int, int], nn.Module]
    """(size, channels, classes) -> network from images (n, channels, size, size) to logits (n, classes)."""
    initialise: Callable[[nn.Module], None]
    """Gives a network that was just built its starting weights."""
    channels_last_sizes: range = range(0)
    """Sides of images at which it learns faster on a CPU with channels last in memory, pixels."""
    build_learned: Callable[[int, int, int], nn.Module] | None = None
    """As ``build``, with weights that its name itself asks for, and that may have to be fetched; None where it asks for
    none."""
