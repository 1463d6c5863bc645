"""Batches of rows as every source gives them, and the positions in them checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamerton.arrays import SquareHWC, ValuesN
from kamerton.config.pictures import PixelOrigin
from kamerton.data.cubes.images import CHUNK_GALAXIES
from kamerton.data.cubes.origin import framing_differs
from kamerton.data.fits.letters import printable
from kamerton.data.hours import Extent
from kamerton.data.pictures.cutout import position_of
from kamerton.data.sky import impossible_positions
from kamerton.data.sources.source import OWN_COLUMNS, ColumnKind
from kamerton.errors import DataError, PictureError, warn
from kamerton.plurals import counted

if TYPE_CHECKING:
    import pyarrow as pa


class Positions:
    """Positions row by row: those that are half known, or not on the sky, are taken as unknown, and counted.

    Whether right ascensions look like hours is said, too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._odd = 0
        self._first = ""
        self._extent = Extent()

    def checked(self, places: Sequence[str], ra_deg: ValuesN, dec_deg: ValuesN) -> tuple[ValuesN, ValuesN]:
        """Give positions, degrees (ICRS), NaN where they are unknown."""
        positions_deg = np.column_stack([ra_deg, dec_deg])
        odd = (np.isnan(positions_deg).sum(axis=1) == 1) | impossible_positions(positions_deg)
        if odd.any():
            row = int(np.flatnonzero(odd)[0])
            self._first = self._first or f"ra {ra_deg[row]:g}, dec {dec_deg[row]:g} of {printable(places[row])}"
            self._odd += int(odd.sum())
            positions_deg[odd] = np.nan
        self._extent.add(positions_deg)
        return positions_deg[:, 0].copy(), positions_deg[:, 1].copy()

    def say(self) -> None:
        """Say how many were odd, if any were, and whether all look like hours."""
        self._extent.say_if_hours(self.path)
        if self._odd:
            warn(
                f"{self.path}: {counted(self._odd, 'position')} half known or not on the sky, and taken as unknown",
                received=f"the first: {self._first}",
                allowed="ra from -180 to 360 and dec from -90 to 90 decimal degrees (ICRS), or nothing where unknown",
                next_step="correct them, if their places on the sky are wanted",
            )


def row_schema(columns: Mapping[str, ColumnKind]) -> pa.Schema:
    """Name and type the columns of a batch."""
    import pyarrow as pa

    types = {"int64": pa.int64(), "float64": pa.float64(), "text": pa.string()}
    own = [("place", pa.string()), ("id", pa.string()), ("ra", pa.float64()), ("dec", pa.float64())]
    return pa.schema(own + [(name, types[kind]) for name, kind in columns.items()])


def row_batch(
    columns: Mapping[str, ColumnKind],
    places: Sequence[str],
    ids: Sequence[str],
    position_deg: tuple[ValuesN, ValuesN] | None,
    carried: Mapping[str, pa.Array],
) -> pa.RecordBatch:
    """Put together one batch; NaN becomes null."""
    import pyarrow as pa

    schema = row_schema(columns)
    unknown = pa.nulls(len(places), pa.float64())
    ra, dec = (unknown, unknown) if position_deg is None else (known_numbers(values) for values in position_deg)
    arrays = [pa.array(places, pa.string()), pa.array(ids, pa.string()), ra, dec, *(carried[name] for name in columns)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def known_numbers(values: ValuesN) -> pa.Array:
    """Take numbers with null in the place of NaN."""
    import pyarrow as pa

    return pa.array(values, pa.float64(), from_pandas=True)


def carried_name(name: str, taken: Sequence[str] = OWN_COLUMNS) -> str:
    """Give a carried column another name where a batch has one of that name already."""
    while name in taken:
        name += "_"
    return name


def known_positions(paths: Iterable[Path]) -> tuple[ValuesN, ValuesN]:
    """Read where FITS cutouts lie, degrees (ICRS), from their headers; NaN for those that do not say."""
    known = [position_of(path) or (np.nan, np.nan) for path in paths]
    ra_deg, dec_deg = np.array(known, np.float64).reshape(-1, 2).T
    return ra_deg, dec_deg


def note_doubtful(
    doubtful: set[str] | None, places: Iterable[str], learned: PixelOrigin | None, origin: PixelOrigin | None
) -> None:
    """Tell that images of this origin are not known to show as much of the sky as those learned from."""
    if doubtful is not None and framing_differs(learned, origin) is not False:
        doubtful.update(places)


def runs(rows: Sequence[int]) -> Iterator[slice]:
    """Cut rows into slices that follow each other, each of at most `CHUNK_GALAXIES`."""
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end] != rows[end - 1] + 1 or end - start == CHUNK_GALAXIES:
            yield slice(rows[start], rows[end - 1] + 1)
            start = end


def row_images(
    places: Sequence[str], read: Callable[[slice], Iterable[SquareHWC | PictureError]]
) -> Iterator[SquareHWC | PictureError]:
    """Read the images of row numbers, those that follow each other at once; of rows that cannot be, one by one."""
    for rows in runs([int(place) for place in places]):
        yield from _run_images(rows, read)


def _run_images(
    rows: slice, read: Callable[[slice], Iterable[SquareHWC | PictureError]]
) -> Iterator[SquareHWC | PictureError]:
    try:
        found = list(read(rows))
    except DataError as error:
        if rows.stop - rows.start == 1:
            yield galaxy_error(error)
            return
        for row in range(rows.start, rows.stop):
            yield from _run_images(slice(row, row + 1), read)
        return
    yield from found


def galaxy_error(error: DataError) -> PictureError:
    """Take the error of a file for that of one galaxy in it."""
    return PictureError(error.what, received=error.received, allowed=error.allowed, next_step=error.next_step)
