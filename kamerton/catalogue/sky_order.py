"""Rows put in the order of the sky, more than memory holds: sorted pieces in files, and from them tile by tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamerton.catalogue.sky_tiles import Tile, tile_numbers

if TYPE_CHECKING:
    import pyarrow as pa

INDEX_COLUMN = "_healpix_29"
"""As HATS names it."""

PIECE_ROWS = 1 << 17
"""Rows that are held in memory until they are sorted."""


@dataclass(frozen=True)
class _Piece:
    """A file of sorted rows, a batch a tile."""

    path: Path
    tiles: list[int]
    """Numbers of the tiles that it has rows of, in the order of the batches."""


class SkyOrder:
    """Take rows in any order, and give those of a tile in the order of their index; equal ones as they came."""

    def __init__(self, folder: Path, schema: pa.Schema, tiles: Sequence[Tile]) -> None:
        self._folder, self._schema, self._tiles = folder, schema, tiles
        self._waiting: list[pa.Table] = []
        self._pieces: list[_Piece] = []

    def append(self, rows: pa.Table) -> None:
        """Add rows, whose indices are in the column of that name."""
        self._waiting.append(rows)
        if sum(table.num_rows for table in self._waiting) >= PIECE_ROWS:
            self.finish()

    def finish(self) -> None:
        """Sort what waits."""
        import pyarrow as pa

        if not self._waiting:
            return
        rows = _sorted(pa.concat_tables(self._waiting))
        self._waiting = []
        numbers, starts = np.unique(tile_numbers(_indices(rows), self._tiles), return_index=True)
        path = self._folder / f"{len(self._pieces):06d}.arrow"
        with pa.ipc.new_file(path, self._schema) as file:
            for start, stop in zip(starts, [*starts[1:], rows.num_rows], strict=True):
                file.write_batch(rows.slice(start, stop - start).combine_chunks().to_batches()[0])
        self._pieces.append(_Piece(path, numbers.tolist()))

    def read(self, number: int) -> pa.Table:
        """Give the rows of a tile."""
        import pyarrow as pa

        found = [piece for piece in self._pieces if number in piece.tiles]
        batches = [_read(piece.path, piece.tiles.index(number)) for piece in found]
        return _sorted(pa.Table.from_batches(batches, self._schema))


def _read(path: Path, batch: int) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path))).get_batch(batch)


def _indices(rows: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(rows[INDEX_COLUMN], np.int64)


def _sorted(rows: pa.Table) -> pa.Table:
    from pyarrow import compute

    # Arrow's sort keeps equal ones as they are.
    return rows.take(compute.sort_indices(rows, [(INDEX_COLUMN, "ascending")]))
