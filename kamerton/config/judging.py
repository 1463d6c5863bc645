"""Testing, calibrating and comparing networks, and the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kamerton.checks import Settings, is_shown, require
from kamerton.config.machine import DEFAULT_DEVICE, Device

REPORT_PAGE = Path("report.html")
"""Where a report is written."""

MAX_RESULTS_NAME_BYTES = 200
"""Of a folder's name, beside which an unfinished one has a longer name still; file systems allow 255."""


@dataclass(frozen=True)
class CompareSettings(Settings):
    """How networks are compared."""

    dataset: str | None = None
    """Which test to compare, where the runs share several."""
    resamples: int = 2000
    """Bootstrap samples behind each interval; the ends of a 95% interval have 50 of 2000 beyond."""
    seed: int = 0
    """Same seed, same intervals."""

    def check(self) -> None:
        require(200 <= self.resamples <= 1_000_000, "resamples", self.resamples, "200 to 1000000")
        require(self.seed >= 0, "seed", self.seed, "a whole number, 0 or more")


@dataclass(frozen=True)
class ReportSettings(CompareSettings):
    """What a report is about, and for whom."""

    lang: str = "en"
    """Language: en or pl."""


@dataclass(frozen=True)
class EvaluateSettings(Settings):
    """How a run is tested on a cube."""

    by: str | None = None
    """Column of the catalogue whose groups are also measured apart."""
    eight_views: bool = False
    """Average over the turns and mirror images of each galaxy."""
    int8: bool = False
    """Compute in eight-bit integers: faster on the CPU, and about one label in a hundred or less is another."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""
    name: str | None = None
    """Name of the results, and of their folder; by default that of the cube's file."""

    def check(self) -> None:
        name = "test" if self.name is None else self.name
        plain = is_shown(name) and not name.startswith(".") and not set(name) & set("/\\")
        holds = plain and len(name.encode()) <= MAX_RESULTS_NAME_BYTES
        allowed = f"a plain name of at most {MAX_RESULTS_NAME_BYTES} bytes, without / and without a dot before it"
        require(holds, "name", self.name, allowed)


SetMethod = Literal["lac", "aps"]
"""How classes enter a set: the smallest sets (lac), or larger ones for galaxies that are hard (aps)."""


@dataclass(frozen=True)
class CalibrateSettings(Settings):
    """How a run is calibrated on a cube."""

    coverage: float = 0.9
    """Share of each class's galaxies whose set is to hold their class."""
    method: SetMethod = "lac"
    """How classes enter a set: the smallest sets (lac), or larger ones for galaxies that are hard (aps)."""
    eight_views: bool = False
    """For predictions that are averaged over the turns and mirror images of each galaxy."""
    int8: bool = False
    """For predictions that are computed in eight-bit integers."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""

    def check(self) -> None:
        require(0.5 <= self.coverage <= 0.999, "coverage", self.coverage, "0.5 to 0.999")
