"""A catalogue in a FITS binary table, whose head is a VOTable before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from kamerton.catalogue.readers.opened import OpenedCatalogue, damaged
from kamerton.catalogue.readers.votable_head import read_head
from kamerton.catalogue.writers.fits_table import EXTENSION
from kamerton.catalogue.writers.rows import PIECE_NUMBERS, PIECE_ROWS
from kamerton.data.fits.checksums import check_checksums
from kamerton.data.fits.hdus import fits_errors, open_fits
from kamerton.data.fits.letters import ESCAPES_KEYWORD, unescaped

if TYPE_CHECKING:
    import pyarrow as pa

HEAD_BYTES = 64 << 20
"""A longer head is none: it has a line a column."""


@dataclass(frozen=True)
class _Rows:
    path: Path
    hdu: Any
    start: int
    rows: int

    def read(self, columns: Sequence[str]) -> pa.Table:
        import pyarrow as pa

        has_escapes = ESCAPES_KEYWORD in self.hdu.header
        with fits_errors(self.path, 1):
            found = self.hdu.data[self.start : self.start + self.rows]
            nulls = {name: self.hdu.columns[name].null for name in columns}
            return pa.table({name: _cells(np.asarray(found[name]), has_escapes, nulls[name]) for name in columns})


def _cells(cells: Any, has_escapes: bool, null: int | None) -> pa.Array:
    """Give a column as Arrow has it; an empty text is none, and so is the number that the file takes for none."""
    import pyarrow as pa

    if cells.dtype.kind in "SU":
        written = np.char.rstrip(np.char.decode(cells, "ascii") if cells.dtype.kind == "S" else cells).tolist()
        read = [unescaped(text) for text in written] if has_escapes else written
        return pa.array([text or None for text in read], pa.string())
    native = np.ascontiguousarray(cells).astype(cells.dtype.newbyteorder("="))
    if native.ndim == 2:
        return pa.FixedSizeListArray.from_arrays(native.reshape(-1), native.shape[1])
    return pa.array(native, mask=None if null is None else native == null)


@contextmanager
def open_fits_file(path: Path) -> Iterator[OpenedCatalogue]:
    """Open a file, whose bytes are held against its checksums."""
    file, hdus = open_fits(path)
    with closing(hdus):
        check_checksums(path, file)
        with fits_errors(path, None):
            if len(hdus) < 2 or not isinstance(hdus[1], fits.BinTableHDU) or hdus[1].name != EXTENSION:
                raise damaged(path, "no catalogue in its HDU 1")
            hdu = hdus[1]
            names, count = tuple(map(str, hdu.columns.names)), int(hdu.header["NAXIS2"])
            first = hdus[0].data if hdus[0].header.get("NAXIS1", 0) <= HEAD_BYTES else None
            head = "" if first is None else np.asarray(first, np.uint8).tobytes().decode("utf-8", "replace")
            widest = max([1, *(int(np.prod(hdu.columns.dtype[name].shape)) for name in names)])
        step = max(1, min(PIECE_ROWS, PIECE_NUMBERS // widest))
        parts = tuple(_Rows(path, hdu, start, min(step, count - start)) for start in range(0, count, step))
        yield OpenedCatalogue(path, read_head(path, head).facts if head else {}, names, parts)
