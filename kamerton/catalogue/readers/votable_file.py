"""A catalogue in a VOTable with BINARY2, which Astropy reads as a whole."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.catalogue.readers.opened import OpenedCatalogue, damaged
from kamerton.catalogue.readers.votable_head import read_head
from kamerton.catalogue.votable import TABLE_END
from kamerton.catalogue.writers.votable_file import STREAM, STREAM_END
from kamerton.data.lists import LIST_BYTES
from kamerton.data.quiet import quiet_libraries
from kamerton.errors import DataError
from kamerton.files import read_text

if TYPE_CHECKING:
    import pyarrow as pa
    from astropy.table import Table


@dataclass(frozen=True)
class _Whole:
    table: Table

    @property
    def rows(self) -> int:
        return len(self.table)

    def read(self, columns: Sequence[str]) -> pa.Table:
        import pyarrow as pa

        return pa.table({name: _cells(self.table[name]) for name in columns})


def _cells(column: Any) -> pa.Array:
    import pyarrow as pa

    masked, cells = np.ma.getmaskarray(column), np.asarray(np.ma.getdata(column))
    if cells.ndim == 2:
        return pa.FixedSizeListArray.from_arrays(cells.astype(np.float32).reshape(-1), cells.shape[1])
    if cells.dtype.kind in "OU":
        return pa.array([str(text) or None for text in cells.tolist()], pa.string())
    return pa.array(cells.astype(cells.dtype.newbyteorder("=")), mask=masked)


@contextmanager
def open_votable_file(path: Path) -> Iterator[OpenedCatalogue]:
    """Open a file; it is in memory as a whole."""
    from astropy.table import Table

    try:
        text = read_text(path, LIST_BYTES)
        before, stream, after = text.partition(STREAM)
        data, end, tail = after.partition(STREAM_END)
        if not stream or not end or not tail.startswith(TABLE_END):
            raise ValueError("not a VOTable with BINARY2, as `kamerton predict` writes it")
        head = read_head(path, before + tail)
        if not 0 <= head.rows * head.row_bytes <= len(data):
            raise ValueError(f"{head.rows} rows in {len(data)} letters")
        with quiet_libraries:
            table = Table.read(io.BytesIO(text.encode()), format="votable")
    except DataError:
        raise
    # What Astropy raises for a damaged file has no common parent.
    except Exception as error:
        raise damaged(path, error) from error
    if tuple(table.colnames) != head.names or len(table) != head.rows:
        raise damaged(path, "other rows or columns than its head says")
    yield OpenedCatalogue(path, head.facts, head.names, (_Whole(table),) if len(table) else ())
