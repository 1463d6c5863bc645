"""Columns that surveys call otherwise than ``ra`` and ``dec``: found, and told of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kamerton.config.surveys import POSITION_COLUMNS
from kamerton.errors import warn


def position_pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Give the pairs of `POSITION_COLUMNS` that ``names`` hold in any case of letters, as they are written there."""
    folded = {name.lower(): name for name in names}
    return [
        (folded[ra.lower()], folded[dec.lower()])
        for ra, dec in POSITION_COLUMNS
        if ra.lower() in folded and dec.lower() in folded
    ]


def say_taken(source: Path, names: Iterable[str]) -> None:
    """Say which columns were taken as ``ra`` and ``dec`` without saying themselves that they are degrees."""
    warn(
        f"{source}: {' and '.join(names)} are taken as ra and dec, in degrees (ICRS)",
        next_step="nothing, if they are; or call the columns ra and dec that hold the positions",
    )


def say_left(source: Path, names: Iterable[str]) -> None:
    """Say which columns look like positions and are none that are read."""
    warn(
        f"{source}: no positions, for {' and '.join(names)} are not in decimal degrees",
        next_step="write columns ra and dec in degrees (Astropy's SkyCoord converts hours), if they are to count",
    )
