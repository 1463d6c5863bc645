"""VOTable with rows in BINARY2, which has a flag for every cell that is null."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Int64, UInt8

from kamerton.catalogue.columns import KINDS, Column, Header
from kamerton.catalogue.votable import TABLE_END, votable_text
from kamerton.catalogue.writers.rows import Rows, vectors
from kamerton.files import whole_file

if TYPE_CHECKING:
    import pyarrow as pa

LINE_BYTES = 57
"""Bytes in a line of base64."""

STREAM = '<DATA><BINARY2><STREAM encoding="base64">\n'
STREAM_END = "</STREAM></BINARY2></DATA>"

Bytes = UInt8[np.ndarray, "_"]
Lengths = Int64[np.ndarray, "n"]


class _Base64:
    """Write bytes as whole lines of base64."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = b""

    def write(self, data: bytes) -> None:
        data = self._left + data
        whole = len(data) - len(data) % LINE_BYTES
        self._left = data[whole:]
        self._file.write(base64.encodebytes(data[:whole]))

    def finish(self) -> None:
        self._file.write(base64.encodebytes(self._left))


@contextmanager
def votable_rows(path: Path, header: Header, rows: int) -> Iterator[Rows]:
    """Write a VOTable."""
    before, end, after = votable_text(header, rows).rpartition(TABLE_END)
    with whole_file(path) as partial, partial.open("wb") as file:
        file.write((before + STREAM).encode())
        stream = _Base64(file)
        taken = Rows(header.columns, lambda piece: stream.write(binary2(header.columns, piece)))
        yield taken
        taken.finish(rows)
        stream.finish()
        file.write((STREAM_END + end + after).encode())


def binary2(columns: tuple[Column, ...], piece: pa.Table) -> bytes:
    """Write rows one after another: the flags of the cells that are null, then the cells (VOTable 1.4, section 5.4)."""
    nulls = np.column_stack([np.asarray(cells.is_null()) for cells in piece.columns])
    flags = np.packbits(nulls, axis=1)
    cells = [(flags.reshape(-1), np.full(piece.num_rows, flags.shape[1], np.int64))]
    for column, values in zip(columns, piece.columns, strict=True):
        cells.append(_texts(values) if column.kind == "text" else _numbers(column, values))
    return _woven(cells).tobytes()


def _numbers(column: Column, values: pa.ChunkedArray) -> tuple[Bytes, Lengths]:
    """Give the bytes of a column and how many each cell takes; a null is a cell, too."""
    stored = np.dtype(KINDS[column.kind].numpy)
    if column.length is not None:
        cells = vectors(values, column.length).astype(stored)
        return cells.view(np.uint8).reshape(-1), np.full(len(values), stored.itemsize * column.length, np.int64)
    if column.kind == "bool":
        numbers = _booleans(values)
    else:
        nothing = np.nan if stored.kind == "f" else 0
        numbers = values.fill_null(nothing).to_numpy().astype(stored)
    return numbers.view(np.uint8), np.full(len(values), stored.itemsize, np.int64)


def _booleans(values: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    is_true: Bool[np.ndarray, " n"] = values.fill_null(False).to_numpy(zero_copy_only=False)
    letters = np.where(is_true, ord("T"), ord("F")).astype(np.uint8)
    return np.where(np.asarray(values.is_null()), np.uint8(ord("?")), letters)


def _texts(values: pa.ChunkedArray) -> tuple[Bytes, Lengths]:
    """Give texts in UCS-2, each after the number of its letters in four bytes."""
    encoded = [(text or "").encode("utf-16-be") for text in values.to_pylist()]
    cells = [(len(text) // 2).to_bytes(4, "big") + text for text in encoded]
    return np.frombuffer(b"".join(cells), np.uint8), np.array([len(cell) for cell in cells], np.int64)


def _woven(columns: list[tuple[Bytes, Lengths]]) -> Bytes:
    """Put the cells of columns together, row by row."""
    ends = np.cumsum(np.column_stack([lengths for _, lengths in columns]).reshape(-1))
    starts = np.concatenate([[0], ends[:-1]]).reshape(-1, len(columns))
    whole = np.empty(ends[-1], np.uint8)
    for (data, lengths), targets in zip(columns, starts.T, strict=True):
        # Where each byte goes: the start of its cell, and its place in it.
        sources = np.cumsum(lengths) - lengths
        whole[np.repeat(targets - sources, lengths) + np.arange(len(data))] = data
    return whole
