"""A CSV or Parquet list, as columns of text."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kamerton.errors import DataError

KNOWN_COLUMNS = {"id", "ra", "dec", "group", "source"}
"""Columns that Kamerton knows are found in any case of letters."""


SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
"""Between the cells of a CSV file; where the header has as many of several, the first one counts."""


def is_list(path: Path) -> bool:
    """Tell a list by its file's ending; nothing else tells CSV from other text."""
    return path.is_file() and path.suffix.lower() in {".csv", ".parquet"}


def read_list(path: Path) -> dict[str, list[str]]:
    """Read the columns of a list, every cell as text: identifiers of 18 digits would not survive as numbers.

    Raises DataError where the file cannot be read, has no rows, or has columns of one name.
    """
    return _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)


def _read_csv(source: Path) -> dict[str, list[str]]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            separator = _separator(file.readline())
            file.seek(0)
            rows = [row for row in csv.reader(file, strict=True, delimiter=separator) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable_list(source, error) from error
    header, *body = rows or [[]]
    for number, row in enumerate(body, start=1):
        if len(row) != len(header):
            raise DataError(
                f"{source} row {number}: another number of cells than the header",
                received=f"{len(row)} cells",
                allowed=f"{len(header)}",
                next_step=f"quote cells that contain the separator, {SEPARATORS[separator]}",
            )
    return _as_columns(source, header, [list(cells) for cells in zip(*body, strict=True)])


def _separator(header: str) -> str:
    """Tell the separator by the header: the one that parts it into most names."""
    return max(SEPARATORS, key=lambda separator: len(next(csv.reader([header], delimiter=separator), [])))


def _read_parquet(source: Path) -> dict[str, list[str]]:
    """Read every column of simple values as text, like a CSV file; lists and bytes are left out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source) as file:
            # A column may hold whole pictures as bytes, so the others are chosen before anything is read.
            table = file.read(columns=[field.name for field in file.schema_arrow if _is_simple(field.type)])
        cells = [column.cast(pa.string()).fill_null("").to_pylist() for column in table.columns]
    except (OSError, pa.ArrowException) as error:
        raise _unreadable_list(source, error) from error
    return _as_columns(source, table.column_names, cells if len(table) else [])


def _is_simple(kind: Any) -> bool:
    from pyarrow import types

    others = (types.is_nested, types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    return not any(is_other(kind) for is_other in others)


def _as_columns(source: Path, header: Sequence[str], cells: Sequence[list[str]]) -> dict[str, list[str]]:
    names = [name.strip().lower() if name.strip().lower() in KNOWN_COLUMNS else name.strip() for name in header]
    # FITS does not tell upper from lower case in names of columns.
    folded = [name.lower() for name in names]
    twice = [name for name in names if folded.count(name.lower()) > 1]
    if twice or "" in names or not cells:
        raise DataError(
            f"{source}: not a list of galaxies",
            received="no rows" if not cells else f"columns {', '.join(map(repr, names))}",
            allowed="a header of distinct names, and one row a galaxy",
            next_step="correct the header" if cells else "add rows",
        )
    return dict(zip(names, cells, strict=True))


def _unreadable_list(source: Path, error: Exception) -> DataError:
    return DataError(
        f"{source}: cannot be read as a list of galaxies",
        received=f"{type(error).__name__}: {error}",
        allowed="CSV in UTF-8 with a header and commas, semicolons or tabs, or Parquet",
        next_step="write the file again",
    )
