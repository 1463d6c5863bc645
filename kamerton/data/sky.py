"""Galaxies that lie close together on the sky, and the groups that they form."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from jaxtyping import Float64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from kamerton.arrays import Mask, PositionsDeg, Rows, ValuesN
from kamerton.errors import DataError, UsageError

GROUP_COLUMN = "group"
"""Taken as `--group-column` where the catalogue has it: it is where an import writes which pictures are one galaxy."""

NEIGHBOURS_EACH, MANY_NEIGHBOURS = 100, 1_000_000
"""More than both, on average and in all, are no survey of galaxies, and their pairs would fill the memory."""


class SkyPair(NamedTuple):
    """Two rows of a catalogue and how far apart they lie."""

    first: int
    second: int
    separation_arcsec: float


def sky_pairs(catalogue: Table, radius_arcsec: float) -> list[SkyPair] | None:
    """List the pairs of rows within ``radius_arcsec`` of each other, by row; None where no positions are known.

    Of k rows at the very same position k - 1 pairs are listed, each with the first of them: enough to hold them
    together, and a survey without real positions does not fill the memory. Rows without a position are alone.
    Raises DataError for positions that are no degrees, or crowd so that their pairs would fill the memory.
    """
    positions_deg = sky_positions(catalogue)
    if positions_deg is None:
        return None
    wrong = impossible_positions(positions_deg)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise _not_degrees(f"position of row {row}", f"ra {positions_deg[row, 0]}, dec {positions_deg[row, 1]}")
    known = np.flatnonzero(np.isfinite(positions_deg).all(axis=1))
    if len(known) == 0:
        return None
    _, first, inverse = np.unique(positions_deg[known], axis=0, return_index=True, return_inverse=True)
    same = [SkyPair(int(known[first[p]]), int(row), 0.0) for p, row in zip(inverse, known, strict=True)]
    same = [pair for pair in same if pair.first != pair.second]
    rows = known[first]
    sky = as_sky(positions_deg[rows])
    _require_sparse(sky, radius_arcsec)
    one, two, separation, _ = sky.search_around_sky(sky, radius_arcsec * u.arcsec)
    near = [
        SkyPair(int(min(rows[a], rows[b])), int(max(rows[a], rows[b])), float(s))
        for a, b, s in zip(one, two, separation.to_value(u.arcsec), strict=True)
        if a < b
    ]
    return sorted(same + near)


def separation_arcsec(one_deg: PositionsDeg, two_deg: PositionsDeg) -> ValuesN:
    """How far each of one is from that of two on the sky, NaN where a position is not known."""
    both = np.isfinite(one_deg).all(axis=1) & np.isfinite(two_deg).all(axis=1)
    separation = np.full(len(one_deg), np.nan)
    separation[both] = as_sky(one_deg[both]).separation(as_sky(two_deg[both])).to_value(u.arcsec)
    return separation


def nearest_arcsec(positions_deg: PositionsDeg, known_deg: Float64[np.ndarray, "known 2"]) -> ValuesN:
    """How far each position is from the nearest known one, infinite where either is not known."""
    here, there = (np.isfinite(those).all(axis=1) for those in (positions_deg, known_deg))
    nearest = np.full(len(positions_deg), np.inf)
    if here.any() and there.any():
        _, separation, _ = as_sky(positions_deg[here]).match_to_catalog_sky(as_sky(known_deg[there]))
        nearest[here] = separation.to_value(u.arcsec)
    return nearest


def as_sky(positions_deg: PositionsDeg) -> SkyCoord:
    """Take right ascension and declination as Astropy's coordinates."""
    return SkyCoord(*positions_deg.T, unit=u.deg, frame="icrs")


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


def taken_group_column(catalogue: Table, asked: str | None, cube: str | Path) -> str | None:
    """Give the column of a catalogue whose equal values stay together: the one that is asked for, else `GROUP_COLUMN`.

    None where there is neither; UsageError, with the known ones, where what is asked for is none of ``cube``.
    """
    if asked is None:
        return GROUP_COLUMN if GROUP_COLUMN in catalogue.colnames else None
    if asked not in catalogue.colnames:
        raise UsageError(
            f"{cube}: the catalogue has no column {asked!r}",
            allowed=", ".join(catalogue.colnames),
            next_step="name one of these columns",
        )
    return asked


def sky_positions(catalogue: Table) -> PositionsDeg | None:
    """Read ``ra`` and ``dec`` as float64 degrees (N, 2), NaN where unknown; None where there are no such columns.

    Raises DataError for columns that are not numbers, or say that they are in another unit.
    """
    if not {"ra", "dec"} <= set(catalogue.colnames):
        return None
    return np.column_stack([_degrees(catalogue, name) for name in ("ra", "dec")])


def impossible_positions(positions_deg: PositionsDeg) -> Mask:
    """Mark the positions (N, 2) that are known and not on the sky: ra from -180 to 360, dec from -90 to 90 degrees."""
    ra_deg, dec_deg = positions_deg.T
    on_the_sky = (ra_deg >= -180) & (ra_deg <= 360) & (dec_deg >= -90) & (dec_deg <= 90)
    return np.asarray(~on_the_sky & ~np.isnan(positions_deg).any(axis=1))


def _degrees(catalogue: Table, name: str) -> ValuesN:
    """Read a column as plain float64 degrees, NaN where it is masked."""
    unit = catalogue[name].unit
    # What is no unit to Astropy, as "degrees", says nothing against it.
    if unit is not None and not isinstance(unit, u.UnrecognizedUnit) and unit not in {u.deg, u.one}:
        raise _not_degrees(f"column {name!r}", f"values in {unit}")
    try:
        column = np.ma.asarray(catalogue[name], np.float64)
    except (TypeError, ValueError) as error:
        raise _not_degrees(f"column {name!r}", f"{catalogue[name].dtype} values") from error
    if column.ndim != 1:
        raise _not_degrees(f"column {name!r}", f"{column.shape[1:]} values a row")
    return np.asarray(np.ma.filled(column, np.nan))


def _require_sparse(sky: SkyCoord, radius_arcsec: float) -> None:
    """Refuse more pairs than a survey can have; they are counted without being listed."""
    tree = KDTree(sky.cartesian.xyz.value.T)
    neighbours = int(tree.count_neighbors(tree, 2 * math.sin(math.radians(radius_arcsec / 3600) / 2))) - len(sky)
    if neighbours > max(MANY_NEIGHBOURS, NEIGHBOURS_EACH * len(sky)):
        raise DataError(
            "The catalogue's positions crowd, as no galaxies do",
            received=f"{neighbours // len(sky)} neighbours each within {radius_arcsec:g} arcsec, on average",
            allowed=f"{NEIGHBOURS_EACH}",
            next_step="use a smaller radius, or correct the positions",
        )


def _not_degrees(what: str, received: str) -> DataError:
    return DataError(
        f"The catalogue's {what} is not in degrees",
        received=received,
        allowed="ra from -180 to 360 and dec from -90 to 90 decimal degrees (ICRS), NaN where unknown",
        next_step="correct it, or rename the columns if they are no positions",
    )
