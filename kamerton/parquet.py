"""Parquet files, read only where they cannot become more than they are.

A few bytes of Parquet can promise any number of rows, repeat one long text in all of them, or unpack to gigabytes. All
of it is declared, by the file's description and by the head of each page, and is held against the file's size first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from kamerton.opening import open_plain
from kamerton.parquet_pages import group_bytes

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAX_COLUMNS = 2000
"""A FITS table has 999, and predictions have one a class."""

MAX_CELLS = 50_000_000
"""Half a million galaxies with a hundred columns."""

RATIO = 200
"""A table may take this many times the memory of its file."""

SMALL_BYTES = 16 << 20
"""Below this, the ratio does not matter."""

SMALL_ROWS = 1_000_000
"""A stream may have so many rows, or as many as its file has bytes: equal ones take none."""

BUFFER_BYTES = 1 << 16
"""Read at once of each column of a stream."""

PIECE_ROWS = 16
"""Of a stream, unpacked at once: each row may repeat the longest text of the file."""

FOOTER_ITEMS = 1_000_000
"""Most items of a list in the file's description: a row group and column each has one."""


def read_parquet(path: Path, choose: Callable[[pa.Schema], Sequence[str]]) -> pa.Table:
    """Read the columns of a Parquet file that ``choose`` names, whose texts become ``string``.

    Raises OSError where the file cannot be read, and ValueError where it is damaged or would take more memory than a
    file of its size can need; ``choose`` may raise ValueError too.
    """
    with _plain(path) as (file, size_bytes):
        return _read(file, size_bytes, choose)


def parquet_schema(path: Path) -> tuple[pa.Schema, int]:
    """Read the names and types of the columns of a Parquet file, and how many rows it promises."""
    with _plain(path) as (file, size_bytes), _opened(file, size_bytes) as described:
        return described.schema_arrow, described.metadata.num_rows


def parquet_metadata(path: Path) -> pq.FileMetaData:
    """Read what a Parquet file says of itself; errors as `read_parquet`."""
    with _plain(path) as (file, size_bytes), _opened(file, size_bytes) as described:
        return described.metadata


def parquet_batches(path: Path, choose: Callable[[pa.Schema], Sequence[str]], rows: int) -> Iterator[pa.RecordBatch]:
    """Give the columns of a Parquet file that ``choose`` names, at most ``rows`` rows at once, texts as ``string``.

    Memory does not grow with the number of rows. Raises errors as `read_parquet` does, where they show.
    """
    with _plain(path) as (file, size_bytes):
        yield from _batches(file, size_bytes, choose, rows)


@dataclass(frozen=True)
class ParquetGroups:
    """A Parquet file whose row groups are read one at a time, in the memory of one."""

    path: Path
    schema: pa.Schema
    facts: Mapping[bytes, bytes]
    """What its footer says beside the columns."""
    rows: tuple[int, ...]
    """Of each row group."""

    def read(self, number: int, columns: Sequence[str]) -> pa.Table:
        """Read columns of a row group, texts as ``string``; errors as `read_parquet`."""
        with _plain(self.path) as (file, size_bytes):
            texts = [name for name in columns if _is_text(self.schema.field(name).type)]
            with _opened(file, size_bytes, read_dictionary=texts) as content:
                table = content.read_row_group(number, columns=list(columns), use_threads=False)
            if table.num_rows != self.rows[number] or table.column_names != list(columns):
                raise ValueError(f"{table.num_rows} rows of {', '.join(table.column_names)}, not what it promises")
            return _plain_texts(table, texts, size_bytes)


def parquet_groups(path: Path) -> ParquetGroups:
    """Look at a Parquet file whose row groups are to be read; errors as `read_parquet`."""
    with _plain(path) as (file, size_bytes):
        found, _, _ = _described(file, size_bytes, lambda _: ())
        rows = tuple(found.row_group(number).num_rows for number in range(found.num_row_groups))
        with _opened(file, size_bytes, metadata=found) as described:
            schema = described.schema_arrow
        if min(rows, default=0) < 0 or sum(rows) != found.num_rows or found.num_rows > max(SMALL_ROWS, size_bytes):
            raise ValueError(f"{found.num_rows} rows cannot be in a file of {size_bytes} bytes")
        # Where there are no rows, there may be no pages.
        for number, unpacked_bytes in enumerate(group_bytes(file, size_bytes) if found.num_rows else ()):
            _require_memory(unpacked_bytes, size_bytes)
            _require_memory(rows[number] * sum(_cell_bytes(field.type) for field in schema), size_bytes)
        return ParquetGroups(path, schema, found.metadata or {}, rows)


def _cell_bytes(kind: pa.DataType) -> int:
    """Say what a null takes in a column of so many numbers a cell; of others it takes as good as nothing."""
    from pyarrow import types

    return kind.list_size * _cell_bytes(kind.value_type) if types.is_fixed_size_list(kind) else 8


@contextmanager
def _plain(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    import pyarrow as pa

    with open_plain(path) as file:
        try:
            yield file, os.fstat(file.fileno()).st_size
        # What PyArrow raises for a damaged file is sometimes that of one that cannot be read.
        except (OSError, LookupError, pa.ArrowException) as error:
            raise ValueError(str(error)) from error


def _read(file: IO[bytes], size_bytes: int, choose: Callable[[pa.Schema], Sequence[str]]) -> pa.Table:
    found, columns, texts = _described(file, size_bytes, choose)
    if found.num_rows > size_bytes or found.num_rows * len(columns) > MAX_CELLS:
        raise ValueError(f"{found.num_rows} rows of {len(columns)} columns cannot be in a file of {size_bytes} bytes")
    _require_memory(_declared_bytes(found), size_bytes)
    _require_memory(sum(group_bytes(file, size_bytes)), size_bytes)
    with _opened(file, size_bytes, metadata=found, read_dictionary=texts) as content:
        table = content.read(columns=columns, use_threads=False)
    if table.num_rows != found.num_rows or table.column_names != columns:
        raise ValueError(f"{table.num_rows} rows of {', '.join(table.column_names)}, which is not what it promises")
    return _plain_texts(table, texts, size_bytes)


def _plain_texts(table: pa.Table, texts: Sequence[str], size_bytes: int) -> pa.Table:
    """Give columns of texts as ``string``, which has each text again in every row."""
    import pyarrow as pa

    for name in texts:
        column = table[name]
        if isinstance(column.type, pa.DictionaryType):
            _require_memory(sum(map(_text_bytes, column.chunks)), size_bytes)
        table = table.set_column(table.column_names.index(name), name, column.cast(pa.string()))
    return table


def _batches(
    file: IO[bytes], size_bytes: int, choose: Callable[[pa.Schema], Sequence[str]], rows: int
) -> Iterator[pa.RecordBatch]:
    found, columns, texts = _described(file, size_bytes, choose)
    if found.num_rows > max(SMALL_ROWS, size_bytes):
        raise ValueError(f"{found.num_rows} rows cannot be in a file of {size_bytes} bytes")
    for number in range(found.num_row_groups):
        _require_memory(max(0, found.row_group(number).total_byte_size), size_bytes)
    for unpacked_bytes in group_bytes(file, size_bytes):
        _require_memory(unpacked_bytes, size_bytes)
    count = 0
    # Read piece by piece, for a row group may be the whole file; by dictionaries, one of all texts would be gathered.
    with _opened(file, size_bytes, metadata=found, buffer_size=BUFFER_BYTES) as content:
        pieces = content.iter_batches(min(rows, PIECE_ROWS), columns=columns, use_threads=False)
        while taken := list(_taken(pieces, rows)):
            batch = _joined(taken, texts)
            if batch.schema.names != columns:
                raise ValueError(f"columns {', '.join(batch.schema.names)}, which is not what it promises")
            count += batch.num_rows
            yield batch
    if count != found.num_rows:
        raise ValueError(f"{count} rows, and it promises {found.num_rows}")


def _taken(pieces: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Take pieces that together have at most ``rows`` rows and `SMALL_BYTES` bytes, at least one."""
    left_rows, left_bytes = rows, SMALL_BYTES
    for piece in pieces:
        left_rows, left_bytes = left_rows - piece.num_rows, left_bytes - piece.nbytes
        yield piece
        if left_rows < PIECE_ROWS or left_bytes < 0:
            return


def _joined(pieces: Sequence[pa.RecordBatch], texts: Sequence[str]) -> pa.RecordBatch:
    import pyarrow as pa

    table = pa.Table.from_batches(pieces)
    for name in texts:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.string()))
    return table.combine_chunks().to_batches()[0]


def _described(
    file: IO[bytes], size_bytes: int, choose: Callable[[pa.Schema], Sequence[str]]
) -> tuple[pq.FileMetaData, list[str], list[str]]:
    """Read what the file says of itself: of all, the columns that are chosen, and those of them that are texts."""
    with _opened(file, size_bytes) as described:
        found, schema = described.metadata, described.schema_arrow
    if found.num_columns > MAX_COLUMNS:
        raise ValueError(f"{found.num_columns} columns; at most {MAX_COLUMNS} are read")
    columns = list(choose(schema))
    return found, columns, [name for name in columns if _is_text(schema.field(name).type)]


def _opened(file: IO[bytes], size_bytes: int, **options: Any) -> pq.ParquetFile:
    """Open it to be read by this thread alone.

    Arrow's own threads still hold a Python file when the call that they worked for has returned, and can end the
    process when they let go of it.
    """
    from pyarrow import parquet

    limits = {"thrift_string_size_limit": max(SMALL_BYTES, size_bytes), "thrift_container_size_limit": FOOTER_ITEMS}
    return parquet.ParquetFile(file, pre_buffer=False, **limits, **options)


def _is_text(kind: pa.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind))


def _declared_bytes(found: pq.FileMetaData) -> int:
    """Add up what the rows take once they are unpacked, as the file says.

    What it says of single columns ends the process where it is damaged: Arrow's C++ lets an exception through.
    """
    return sum(max(0, found.row_group(number).total_byte_size) for number in range(found.num_row_groups))


def _text_bytes(chunk: pa.DictionaryArray) -> int:
    """Say how long all texts together are, of which each different one is there once."""
    from pyarrow import compute

    lengths = compute.binary_length(chunk.dictionary)
    return int(compute.sum(lengths.take(chunk.indices)).as_py() or 0)


def _require_memory(wanted_bytes: int, size_bytes: int) -> None:
    limit_bytes = max(SMALL_BYTES, RATIO * size_bytes)
    if wanted_bytes > limit_bytes:
        raise ValueError(f"it unpacks to {wanted_bytes} bytes; at most {limit_bytes} are read of such a file")
