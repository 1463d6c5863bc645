"""What a galaxy is known again by: its pixels, its id, its place on the sky, and its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Int8

from kamerton.arrays import Mask, PositionsDeg

SMALL_SIDE = 32
"""Of the small picture that is kept; a field of Galaxy10 has then a pixel of 2 arcsec."""

FEATURE_BYTES = SMALL_SIDE * SMALL_SIDE

Features = Int8[np.ndarray, f"n {FEATURE_BYTES}"]
"""What is kept of a picture, to know it again; all 0 where it shows nothing."""

SeenBy = Literal["pixels", "id", "position", "overlap", "likeness"]
"""Equal pixels; equal ids; within `SAME_GALAXY_ARCSEC`; within `OVERLAP_ARCSEC`; pictures that are alike."""

ALL_CHECKS: tuple[SeenBy, ...] = get_args(SeenBy)

SURE: tuple[SeenBy, ...] = ("pixels", "id", "position")
"""What leaves no doubt; an overlap shows part of a galaxy, and a likeness may be a coincidence."""


@dataclass(frozen=True, eq=False)
class GalaxyMarks:
    """What some galaxies are known again by, one entry a galaxy."""

    digests: tuple[str, ...]
    """SHA-256 of the pixels."""
    ids: tuple[str, ...] | None = None
    """Empty where a galaxy has no real one; None where nobody recorded them."""
    positions_deg: PositionsDeg | None = None
    """Right ascension and declination, NaN where unknown; None where nobody recorded them."""
    features: Features | None = None
    """Of the pictures, zeros where they show too little; None where nobody recorded them."""

    def __len__(self) -> int:
        return len(self.digests)

    def has(self, check: SeenBy) -> Mask:
        """Mark the galaxies that can be looked for by ``check``."""
        if check == "id" and self.ids is not None:
            return np.array([name != "" for name in self.ids], bool)
        if check in {"position", "overlap"} and self.positions_deg is not None:
            return np.asarray(np.isfinite(self.positions_deg).all(1))
        if check == "likeness" and self.features is not None:
            return np.asarray(self.features.any(1))
        return np.full(len(self), check == "pixels")
