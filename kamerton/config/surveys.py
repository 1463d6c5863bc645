"""Galaxies and their parts: made up, downloaded, split and looked through."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from kamerton.checks import Settings, require

SPLIT_NAMES = ("train", "valid", "test")

DEMO_FOLDER = Path("demo")
"""Where the demo works."""

DOWNLOAD_FOLDER = Path()
"""Where downloads are put."""

SAME_GALAXY_ARCSEC = 1.0
"""Galaxies closer than this on the sky are one galaxy: surveys agree in places to a tenth of it."""

OVERLAP_ARCSEC = 33.5
"""Pictures of galaxies closer than this on the sky show each other's; half of Galaxy10's field of 67 arcsec."""

POSITION_COLUMNS = (
    ("RA_ICRS", "DE_ICRS"),
    ("RAJ2000", "DEJ2000"),
    ("_RAJ2000", "_DEJ2000"),
    ("RAdeg", "DEdeg"),
    ("ALPHA_J2000", "DELTA_J2000"),
)
"""What VizieR and SExtractor call right ascension and declination, in any case of letters; the first pair that is there
counts. J2000 and ICRS are less than 0.1 arcsec apart."""


def require_radius(setting: str, radius_arcsec: float | None) -> None:
    """Refuse a radius on the sky that is none (UsageError); None is off."""
    holds = radius_arcsec is None or 0 < radius_arcsec <= 3600
    require(holds, setting, radius_arcsec, "more than 0 and at most 3600 arcsec")


@dataclass(frozen=True)
class SynthSettings(Settings):
    """A synthetic survey."""

    count: int = 3000
    """Galaxies in the whole survey, before it is split."""
    size: int = 64
    """Side of a cutout, pixels."""
    seed: int = 0
    """Same seed, same survey."""

    def check(self) -> None:
        require(self.count >= 1, "count", self.count, "a whole number of galaxies, 1 or more")
        require(16 <= self.size <= 1024, "size", self.size, "16 to 1024 pixels")
        require(self.seed >= 0, "seed", self.seed, "a whole number, 0 or more")


@dataclass(frozen=True)
class SplitSettings(Settings):
    """How a cube is parted into train, valid and test."""

    fractions: tuple[float, float, float] = (0.64, 0.16, 0.20)
    """Shares of the galaxies for train, valid and test; the notebook's 64/16/20."""
    group_radius_arcsec: float | None = OVERLAP_ARCSEC
    """Galaxies closer than this on the sky overlap and stay together; half of Galaxy10's field of 67 arcsec."""
    group_column: str | None = None
    """Column of the catalogue whose equal values stay together; by default the column group, where there is one."""
    seed: int = 0
    """Same seed, same split."""

    def check(self) -> None:
        whole = math.isclose(sum(self.fractions), 1.0, abs_tol=1e-9)
        positive = all(f > 0 for f in self.fractions)
        require(
            len(self.fractions) == 3 and whole and positive,
            "fractions",
            self.fractions,
            "three positive shares that add up to 1",
        )
        require_radius("group radius", self.group_radius_arcsec)
        require(self.seed >= 0, "seed", self.seed, "a whole number, 0 or more")


@dataclass(frozen=True)
class AuditSettings(Settings):
    """What is looked for in cubes and lists."""

    radius_arcsec: float | None = SAME_GALAXY_ARCSEC
    """Galaxies closer than this on the sky are one galaxy, listed twice."""

    def check(self) -> None:
        require_radius("radius", self.radius_arcsec)


@dataclass(frozen=True)
class DemoSettings(Settings):
    """The demo: small enough for three minutes on two cores, large enough that a network learns."""

    count: int = 2400
    """Galaxies in the survey."""
    size: int = 67
    """Side of a cutout, pixels: the smallest that AlexNet takes."""
    recipe: str = "modern"
    """The notebook's own leaves AlexNet near chance on so few galaxies."""
    epochs: int = 12
    """Instead of the recipe's."""
    batch_size: int = 32
    """Instead of the recipe's."""
    networks: tuple[str, ...] = ("alexnet", "lenet5")
    """Networks to train, in this order."""
    new_galaxies: int = 300
    """Galaxies without labels, for the catalogue at its end."""
    seed: int = 0
