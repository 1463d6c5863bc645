"""Which galaxies are compared by what a network sees in them."""

from __future__ import annotations

from dataclasses import dataclass

from kamerton.checks import SEEDS, Settings, require
from kamerton.config.machine import DEFAULT_DEVICE, Device


@dataclass(frozen=True)
class SimilarSettings(Settings):
    """How galaxies are found that a network sees as most like one."""

    count: int = 10
    """Galaxies to find."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""
    lang: str = "en"
    """Language of the gallery: en or pl."""

    def check(self) -> None:
        require(1 <= self.count <= 500, "count", self.count, "1 to 500 galaxies")


@dataclass(frozen=True)
class NextSettings(Settings):
    """Which galaxies are labelled next."""

    count: int = 100
    """Galaxies to label."""
    random: bool = False
    """Take any galaxies, to compare with."""
    seed: int = 0
    """Which galaxies --random takes."""

    def check(self) -> None:
        require(1 <= self.count <= 1000, "count", self.count, "1 to 1000 galaxies")
        require(0 <= self.seed < 2**32, "seed", self.seed, SEEDS)
