"""Galaxies that lie close together on the sky, and the groups that they form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Rows = npt.NDArray[np.int64]


class SkyPair(NamedTuple):
    """Two rows of a catalogue and how far apart they lie."""

    first: int
    second: int
    separation_arcsec: float


def sky_pairs(catalogue: Table, radius_arcsec: float) -> list[SkyPair] | None:
    """List the pairs of rows within ``radius_arcsec`` of each other, by row; None where no positions are known.

    Of k rows at the very same position k - 1 pairs are listed, each with the first of them: enough to hold them
    together, and a survey without real positions does not fill the memory. Rows without a position are alone.
    """
    if not {"ra", "dec"} <= set(catalogue.colnames):
        return None
    positions_deg = np.column_stack([_degrees(catalogue, name) for name in ("ra", "dec")])
    known = np.flatnonzero(np.isfinite(positions_deg).all(axis=1))
    if len(known) == 0:
        return None
    _, first, place = np.unique(positions_deg[known], axis=0, return_index=True, return_inverse=True)
    same = [SkyPair(int(known[first[p]]), int(row), 0.0) for p, row in zip(place, known, strict=True)]
    same = [pair for pair in same if pair.first != pair.second]
    rows = known[first]
    sky = SkyCoord(*positions_deg[rows].T, unit=u.deg, frame="icrs")
    one, two, separation, _ = sky.search_around_sky(sky, radius_arcsec * u.arcsec)
    near = [
        SkyPair(int(min(rows[a], rows[b])), int(max(rows[a], rows[b])), float(s))
        for a, b, s in zip(one, two, separation.to_value(u.arcsec), strict=True)
        if a < b
    ]
    return sorted(same + near)


def connected_groups(count: int, pairs: Iterable[tuple[int, int]]) -> Rows:
    """Number the groups of ``count`` rows that pairs hold together, directly or through others; int64 (count,)."""
    first, second = np.array(list(pairs), np.int64).reshape(-1, 2).T
    _, groups = connected_components(coo_array((np.ones(len(first)), (first, second)), shape=(count, count)), False)
    return np.asarray(groups, np.int64)


def column_pairs(values: Iterable[object]) -> list[tuple[int, int]]:
    """Pair every row with the first one of equal value; empty and missing values are alone."""
    first: dict[str, int] = {}
    pairs = []
    for row, value in enumerate(values):
        text = "" if value is np.ma.masked else str(value).strip()
        if text.lower() not in {"", "nan", "none"} and first.setdefault(text, row) != row:
            pairs.append((first[text], row))
    return pairs


def _degrees(catalogue: Table, name: str) -> npt.NDArray[np.float64]:
    """Read a column as plain float64 degrees, NaN where it is masked."""
    column = np.ma.asarray(catalogue[name], np.float64)
    return np.asarray(np.ma.filled(column, np.nan))
