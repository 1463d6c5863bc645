"""One galaxy as an answer names it, and how it is found by its name."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

NEAR_NAMES = 3
"""Known names that an unknown one is answered with."""

COMPARED_NAMES = 5000
"""Names that are compared letter by letter; those of about the same length that begin or end alike come first."""

SHARED_LETTERS = 3


@dataclass(frozen=True)
class Galaxy:
    """One galaxy of those among which neighbours are looked for."""

    row: int
    """From 0."""
    id: str
    predicted_class: str
    probability: float
    """Of that class."""
    ra: float
    """Degrees (ICRS); NaN where it is not known, as ``dec``."""
    dec: float
    true_class: str | None = None
    """Of a training galaxy."""

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in dataclasses.asdict(self).items()
        }


def row_named(where: str, name: str, ids: Iterable[pa.ChunkedArray]) -> int | None:
    """Find the row of a name among the ids of all galaxies, which come in pieces; None where there is none.

    DataError where two galaxies have it.
    """
    from pyarrow import compute

    rows: list[int] = []
    done = 0
    for piece in ids:
        rows += (done + np.flatnonzero(compute.equal(piece, name).fill_null(False).to_numpy())).tolist()
        done += len(piece)
    if len(rows) > 1:
        raise DataError(
            f"{where}: {len(rows)} galaxies have the id {name!r}",
            received=f"rows {', '.join(map(str, rows[:5]))}, counted from 0",
            allowed="one id a galaxy",
            next_step="give each its own id, and make the catalogue again",
        )
    return rows[0] if rows else None


def unknown_name(where: str, name: str, ids: Iterable[pa.ChunkedArray]) -> UsageError:
    """Say that no galaxy has a name, with those that come near."""
    close = near_names(name, (str(one) for piece in ids for one in piece.to_pylist()))
    return UsageError(
        f"{where}: no galaxy of the id {name!r}, and no file of that name",
        allowed="an id that is there, or a picture or FITS cutout",
        next_step=f"did you mean {' or '.join(map(repr, close))}?" if close else "look it up in its column id",
    )


def near_names(name: str, names: Iterable[str]) -> list[str]:
    """Find the known names that are most like one."""
    folded = name.casefold().strip()
    likely: list[str] = []
    for one in names:
        other = one.casefold()
        if folded and (folded in other or _may_be_near(folded, other)):
            likely.append(one)
            if len(likely) == COMPARED_NAMES:
                break
    by_folded = {one.casefold(): one for one in likely}
    close = difflib.get_close_matches(folded, list(by_folded), n=NEAR_NAMES)
    inside = sorted((one for one in by_folded if folded in one), key=len)
    return [by_folded[one] for one in dict.fromkeys([*close, *inside])][:NEAR_NAMES]


def _may_be_near(name: str, other: str) -> bool:
    alike = name[:SHARED_LETTERS] == other[:SHARED_LETTERS] or name[-SHARED_LETTERS:] == other[-SHARED_LETTERS:]
    return alike and abs(len(name) - len(other)) <= SHARED_LETTERS
