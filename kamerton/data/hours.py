"""Whether right ascensions that should be degrees are hours: 12.5 is both, and nothing in a list says which."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kamerton.arrays import PositionsDeg
from kamerton.errors import warn

FEWEST = 20
"""Of fewer galaxies nothing can be said."""

HOURS = 24

STRETCHED = 4
"""A field on the sky is about as wide as it is high; in hours it seems 15 times as narrow, times cos(dec)."""


class Extent:
    """How far positions reach, taken in as they come."""

    def __init__(self) -> None:
        self._known = 0
        self._lowest_deg, self._highest_deg = np.full(2, np.inf), np.full(2, -np.inf)

    def add(self, positions_deg: PositionsDeg) -> None:
        """Take in further positions (n, 2); those that are not known count for nothing."""
        known_deg = positions_deg[np.isfinite(positions_deg).all(axis=1)]
        if len(known_deg):
            self._known += len(known_deg)
            self._lowest_deg = np.minimum(self._lowest_deg, known_deg.min(axis=0))
            self._highest_deg = np.maximum(self._highest_deg, known_deg.max(axis=0))

    def say_if_hours(self, source: Path) -> None:
        """Say that all right ascensions may be hours, where they are such as hours would be."""
        if self._may_be_hours():
            lowest, highest = (f"{ra:g}" for ra in (self._lowest_deg[0], self._highest_deg[0]))
            warn(
                f"{source}: ra is taken as degrees, and looks like hours",
                received=f"{self._known} positions, ra from {lowest} to {highest}, dec from "
                f"{self._lowest_deg[1]:g} to {self._highest_deg[1]:g}",
                allowed="ra and dec in degrees (ICRS)",
                next_step="nothing, if they are; or multiply ra by 15",
            )

    def _may_be_hours(self) -> bool:
        (lowest, _), (highest, _) = self._lowest_deg, self._highest_deg
        if self._known < FEWEST or lowest < 0 or highest > HOURS:
            return False
        width, height = self._highest_deg - self._lowest_deg
        return bool(height > STRETCHED * width or (lowest < 1 and highest > HOURS - 1))
