"""Parquet files, read only where they cannot become more than they are.

A few bytes of Parquet can promise any number of rows, repeat one long text in all of them, or unpack to gigabytes. All
of it is declared before the numbers, and is held against the size of the file first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kamerton.opening import open_plain

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

FOOTER_ITEMS = 1_000_000
"""Most items of a list in the file's description: a row group and column each has one."""


def read_parquet(path: Path, choose: Callable[[pa.Schema], Sequence[str]]) -> pa.Table:
    """Read the columns of a Parquet file that ``choose`` names, whose texts become ``string``.

    Raises OSError where the file cannot be read, and ValueError where it is damaged or would take more memory than a
    file of its size can need; ``choose`` may raise ValueError too.
    """
    import pyarrow as pa

    with open_plain(path) as file:
        try:
            return _read(file, os.fstat(file.fileno()).st_size, choose)
        # What PyArrow raises for a damaged file is sometimes that of one that cannot be read.
        except (OSError, LookupError, pa.ArrowException) as error:
            raise ValueError(str(error)) from error


def _read(file: object, size_bytes: int, choose: Callable[[pa.Schema], Sequence[str]]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    limits = {"thrift_string_size_limit": max(SMALL_BYTES, size_bytes), "thrift_container_size_limit": FOOTER_ITEMS}
    with parquet.ParquetFile(file, **limits) as described:
        found, schema = described.metadata, described.schema_arrow
    if found.num_columns > MAX_COLUMNS:
        raise ValueError(f"{found.num_columns} columns; at most {MAX_COLUMNS} are read")
    columns = list(choose(schema))
    if found.num_rows > size_bytes or found.num_rows * len(columns) > MAX_CELLS:
        raise ValueError(f"{found.num_rows} rows of {len(columns)} columns cannot be in a file of {size_bytes} bytes")
    _require_memory(_declared_bytes(found), size_bytes)
    texts = [name for name in columns if _is_text(schema.field(name).type)]
    with parquet.ParquetFile(file, metadata=found, read_dictionary=texts, **limits) as content:
        table = content.read(columns=columns)
    if table.num_rows != found.num_rows or table.column_names != columns:
        raise ValueError(f"{table.num_rows} rows of {', '.join(table.column_names)}, which is not what it promises")
    for name in texts:
        column = table[name]
        if isinstance(column.type, pa.DictionaryType):
            _require_memory(sum(map(_text_bytes, column.chunks)), size_bytes)
        table = table.set_column(columns.index(name), name, column.cast(pa.string()))
    return table


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
