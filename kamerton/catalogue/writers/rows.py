"""Rows that come in pieces of any size, and leave in pieces of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from kamerton.catalogue.columns import Column, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

PIECE_ROWS = 1 << 16
"""Rows that are held in memory and written at once: a row group of a Parquet file."""

PIECE_NUMBERS = 1 << 24
"""Most numbers of one column in a piece, 64 MiB: AlexNet has 4096 features a galaxy."""


def vectors(cells: pa.ChunkedArray | pa.Array, length: int) -> Float32[np.ndarray, "n length"]:
    """Give cells of so many numbers as an array."""
    from pyarrow import compute

    return np.asarray(compute.list_flatten(cells)).reshape(-1, length)


def piece_rows(columns: tuple[Column, ...]) -> int:
    """Say how many rows leave at once."""
    longest = max(column.length or 1 for column in columns)
    return max(1, min(PIECE_ROWS, PIECE_NUMBERS // longest))


class Rows:
    """Take the rows of a catalogue, and write them in pieces that do not depend on how they came."""

    def __init__(self, columns: tuple[Column, ...], write: Callable[[pa.Table], object]) -> None:
        self.schema = arrow_schema(columns)
        self._piece_rows = piece_rows(columns)
        self._write = write
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self.count = 0
        """Rows so far."""

    def append(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Add rows whose columns are those of the header, by name, kind and order."""
        import pyarrow as pa

        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        assert table.schema.equals(self.schema), (table.schema, self.schema)
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        self.count += table.num_rows
        while self._waiting_rows >= self._piece_rows:
            together = pa.concat_tables(self._waiting)
            self._write(together.slice(0, self._piece_rows).combine_chunks())
            self._waiting = [together.slice(self._piece_rows)]
            self._waiting_rows -= self._piece_rows

    def finish(self, rows: int) -> None:
        """Write what is left; ``rows`` were promised."""
        import pyarrow as pa

        assert self.count == rows, (self.count, rows)
        left = pa.concat_tables([self.schema.empty_table(), *self._waiting])
        if left.num_rows:
            self._write(left.combine_chunks())
