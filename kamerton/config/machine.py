"""Where and how is computed, and what of it is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from kamerton.checks import Settings, require

Device = Literal["auto", "cpu", "cuda"]
"""Where to compute; auto takes a CUDA GPU where there is one."""

DEVICES: tuple[Device, ...] = get_args(Device)

DEFAULT_DEVICE: Device = "auto"

ChosenLayout = Literal["plain", "channels_last", "tiles", "mosaic"]
"""How convolutions are computed: PyTorch's own on images (n, channels, height, width) in memory, on images (n, height,
width, channels) in memory, or as the first with wide convolutions in tiles on a CPU: images by themselves, or while a
network learns a whole batch side by side."""

IN_TILES: tuple[ChosenLayout, ...] = ("tiles", "mosaic")
"""Those in tiles."""

Layout = Literal["auto", ChosenLayout]
"""The same, or what is fastest for a network and its size (`kamerton.networks.layouts`)."""

MEASURED_SIZES = range(64, 65537)
"""Sides of images at which a network with a layout of its own has it, pixels: what is faster below, nobody measured."""


@dataclass(frozen=True)
class BenchSettings(Settings):
    """What is measured."""

    networks: tuple[str, ...] = ("alexnet",)
    """Names in `kamerton networks`."""
    size: int = 256
    """Side of the images, pixels."""
    batch_size: int = 32
    """Images of a batch."""
    repeats: int = 5
    """Measurements that each rate is the median of."""

    def check(self) -> None:
        require(8 <= self.size <= 4096, "size", self.size, "8 to 4096 pixels")
        require(1 <= self.batch_size <= 4096, "batch size", self.batch_size, "1 to 4096 images")
        require(1 <= self.repeats <= 1000, "repeats", self.repeats, "1 to 1000")


@dataclass(frozen=True)
class TableSettings(Settings):
    """What the table of networks is for."""

    size: int = 256
    """Side of the images, pixels."""
    classes: int = 10
    """Number of classes."""

    def check(self) -> None:
        require(1 <= self.size <= 65536, "size", self.size, "1 to 65536 pixels")
        require(1 <= self.classes <= 1_000_000, "classes", self.classes, "1 to 1000000")
