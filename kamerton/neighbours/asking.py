"""Which galaxies a network is least sure of, and of these some that differ from each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from kamerton.arrays import Mask, Rows, ValuesN
from kamerton.neighbours.nearest import Directions

SHORTLIST = 10
"""So many times the wanted galaxies are looked at for what they look like: the least sure of all."""


def margins(probabilities: Float64[np.ndarray, "n classes"]) -> ValuesN:
    """How far the likeliest class is from the second (n,), 0 to 1; NaN where there are no probabilities."""
    if probabilities.shape[1] == 1:
        return np.asarray(probabilities[:, 0])
    two = np.sort(probabilities, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


@dataclass
class Shortlist:
    """The galaxies of the lowest keys so far, in their order; of equal ones the first row comes first."""

    most: int
    rows: Rows
    keys: ValuesN

    @staticmethod
    def of(most: int) -> Shortlist:
        """Begin one of so many galaxies."""
        return Shortlist(most, np.empty(0, np.int64), np.empty(0))

    def add(self, first_row: int, keys: ValuesN, may_be_asked: Mask) -> None:
        """Take further galaxies, whose rows follow each other."""
        fresh = np.flatnonzero(may_be_asked)
        rows = np.concatenate([self.rows, first_row + fresh])
        both = np.concatenate([self.keys, keys[fresh]])
        kept = np.argsort(both, kind="stable")[: self.most]
        self.rows, self.keys = rows[kept], both[kept]


def spread(points: Directions, count: int) -> Int64[np.ndarray, " chosen"]:
    """Choose places of galaxies that differ: the first, and then again and again the one farthest from all chosen.

    (Gonzalez 1985; for labels Sener & Savarese 2018.) Of equal ones the first comes first; galaxies without a direction
    come last.
    """
    is_known = np.isfinite(points).all(1)
    far = np.where(is_known, np.inf, -1.0)
    chosen: list[int] = []
    for _ in range(min(count, len(points))):
        place = int(far.argmax())
        chosen.append(place)
        if is_known[place]:
            far = np.where(is_known, np.minimum(far, 1 - points @ points[place]), far)
        far[chosen] = -2.0
    return np.array(chosen, np.int64)
