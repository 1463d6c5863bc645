"""A CSV or Parquet list, as columns of text."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from kamerton.config.pictures import ID_COLUMN
from kamerton.data.decimals import with_points
from kamerton.data.position_columns import position_pairs, say_left, say_taken
from kamerton.errors import DataError, warn
from kamerton.opening import open_plain
from kamerton.parquet import MAX_CELLS, MAX_COLUMNS, read_parquet

LIST_BYTES = 1 << 30
"""A longer list holds more galaxies than a cube can."""

LINE_LETTERS = 1 << 20
"""A longer line is no row of a list: one of 2000 columns has 500 letters a cell."""

KNOWN_COLUMNS = {"id", "ra", "dec", "group", "source"}
"""Columns that Kamerton knows are found in any case of letters."""

ID_NAMES = {
    *("objid", "object_id", "objname", "galaxy_id", "source_id", "specobjid", "dr7objid", "dr8objid", "main_id"),
    *("name", "iauname", "iau_name", "designation", "identifier", "pgc"),
}
"""What surveys call the name of a galaxy, in any case of letters; such a column is told of, and not taken."""

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
"""Between the cells of a CSV file; where the header has as many of several, the first one counts."""


STRANGE_SEPARATORS = re.compile(r"[|: ^~]")
"""What other programs put between cells; in the only name of a header it hardly belongs to the name."""


def is_list(path: Path) -> bool:
    """Tell a list by its file's ending; nothing else tells CSV from other text."""
    return path.is_file() and path.suffix.lower() in {".csv", ".parquet"}


def row_of(source: Path | str, row: int) -> str:
    """Name a row of a list for a message; rows count from 0 everywhere, which editors and TOPCAT do not."""
    return f"{source} row {row}, counted from 0"


def read_list(path: Path, as_text: Collection[str] = (), *, may_be_cut: bool = False) -> dict[str, list[str]]:
    """Read the columns of a list, every cell as text: identifiers of 18 digits would not survive as numbers.

    Where cells are not parted by commas, commas in numbers become points, aloud; columns ``as_text`` hold no numbers.
    ``may_be_cut``: see `open_csv`. Raises DataError where the file cannot be read, has no rows, or has columns of one
    name.
    """
    return _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path, as_text, may_be_cut)


def _read_csv(source: Path, as_text: Collection[str], may_be_cut: bool) -> dict[str, list[str]]:
    found = open_csv(source, most_bytes=LIST_BYTES, may_be_cut=may_be_cut)
    rows: list[list[str]] = []
    for row in found.rows:
        if len(row) * len(rows) > MAX_CELLS:
            raise unreadable_list(source, ValueError(f"more than {MAX_CELLS} cells"))
        rows.append(row)
    columns = _as_columns(source, found.header, [list(cells) for cells in zip(*rows, strict=True)])
    return with_points(str(source), columns, {"id", *as_text}) if found.has_decimal_commas else columns


@dataclass(frozen=True)
class CsvList:
    """A CSV list as it is read, row by row in the memory of one; empty lines are no rows."""

    header: list[str]
    separator: str
    rows: Iterator[list[str]]
    """Those after the header."""

    @property
    def has_decimal_commas(self) -> bool:
        """Whether commas in numbers may be meant as decimal commas."""
        return self.separator != ","


def open_csv(source: Path, *, most_bytes: int | None = None, may_be_cut: bool = False) -> CsvList:
    """Read the header of a CSV list, and its rows as they are asked for.

    Raises DataError, where it shows, for a file that cannot be read, is longer than ``most_bytes``, or has a row with
    another number of cells than the header. With ``may_be_cut`` a last row that a crash has cut, without the end of a
    line and with fewer cells, is left out, aloud.
    """
    rows = _rows(source, most_bytes, may_be_cut)
    header, separator = next(rows, ([], ","))
    return CsvList(header, separator, _checked_rows(source, len(header), rows))


def _checked_rows(source: Path, width: int, rows: Iterator[tuple[list[str], str]]) -> Iterator[list[str]]:
    for number, (row, separator) in enumerate(rows):
        if len(row) != width:
            raise DataError(
                f"{row_of(source, number)}: another number of cells than the header",
                received=f"{len(row)} cells",
                allowed=f"{width}",
                next_step=f"quote cells that contain the separator, {SEPARATORS[separator]}",
            )
        yield row


def _rows(source: Path, most_bytes: int | None, may_be_cut: bool) -> Iterator[tuple[list[str], str]]:
    """Give each row with the separator of all."""
    try:
        with open_plain(source) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            size_bytes = os.fstat(file.fileno()).st_size
            if most_bytes is not None and size_bytes > most_bytes:
                raise ValueError(f"{size_bytes} bytes; a list of at most {most_bytes} bytes is read")
            lines = _lines(text)
            first = next(lines, "")
            separator = _separator(first)
            rest = _without_cut(source, first, lines, separator) if may_be_cut else lines
            for row in csv.reader(chain([first], rest), strict=True, delimiter=separator):
                if len(row) > MAX_COLUMNS:
                    raise ValueError(f"{len(row)} columns in a row; at most {MAX_COLUMNS}")
                if row:
                    yield row, separator
    except (OSError, ValueError, csv.Error) as error:
        raise unreadable_list(source, error) from error


def _without_cut(source: Path, header: str, lines: Iterator[str], separator: str) -> Iterator[str]:
    for line in lines:
        if is_cut(line, _count_names(header, separator), separator):
            warn(
                f"{source}: its last line was cut, and is left out",
                received=repr(line),
                next_step="nothing, if what wrote it was killed: the line before is whole",
            )
            return
        yield line


def is_cut(line: str, width: int, separator: str) -> bool:
    """Tell a line that a crash has cut: it does not end, and has not as many cells as the header."""
    return not line.endswith(("\n", "\r")) and _count_names(line, separator) != width


def _separator(header: str) -> str:
    """Tell the separator by the header: the one that parts it into most names."""
    return max(SEPARATORS, key=lambda separator: _count_names(header, separator))


def separator_of(header: str) -> tuple[str, list[str]]:
    """Tell the separator of a CSV list by its first line, and the names of its columns."""
    separator = _separator(header)
    try:
        return separator, next(csv.reader([header], strict=True, delimiter=separator), [])
    except csv.Error:
        return separator, [header]


def _count_names(header: str, separator: str) -> int:
    try:
        return len(next(csv.reader([header], strict=True, delimiter=separator), []))
    except csv.Error:
        # Without its separator, a long header is one name that is too long.
        return 0


def _lines(text: TextIO) -> Iterator[str]:
    """Give line by line, none of which takes more memory than a line of a list can need."""
    while line := text.readline(LINE_LETTERS):
        if len(line) == LINE_LETTERS and not line.endswith(("\n", "\r")):
            raise ValueError(f"a line of more than {LINE_LETTERS} letters")
        yield line


def _read_parquet(source: Path) -> dict[str, list[str]]:
    """Read every column of simple values as text, like a CSV file; lists and bytes are left out."""
    import pyarrow as pa

    try:
        # A column may hold whole pictures as bytes, so the others are chosen before anything is read.
        table = read_parquet(source, lambda schema: _simple_columns(source, schema))
        cells = [column.cast(pa.string()).fill_null("").to_pylist() for column in table.columns]
    except DataError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise unreadable_list(source, error) from error
    return _as_columns(source, table.column_names, cells if len(table) else [])


def _simple_columns(source: Path, schema: Any) -> list[str]:
    names = [field.name for field in schema if is_simple(field.type)]
    column_names(source, names, has_rows=True)
    return names


def is_simple(kind: Any) -> bool:
    """Tell whether a type of Parquet's has one value a cell, which can be written as text."""
    from pyarrow import types

    others = (types.is_nested, types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    return not any(is_other(kind) for is_other in others)


def _as_columns(source: Path, header: Sequence[str], cells: Sequence[list[str]]) -> dict[str, list[str]]:
    first_row = [column[0] for column in cells]
    names = column_names(source, header, has_rows=bool(cells), first_row=first_row)
    say_positions(source, header, names)
    return dict(zip(names, cells, strict=True))


def column_names(
    source: Path, header: Sequence[str], *, has_rows: bool, first_row: Sequence[str] | None = None
) -> list[str]:
    """Name the columns as they are known; DataError where two have one name, or there are no rows.

    Without ``ra`` and ``dec`` a pair of `POSITION_COLUMNS` becomes these, where ``first_row`` has degrees in it.
    """
    names = [name.strip().lower() if name.strip().lower() in KNOWN_COLUMNS else name.strip() for name in header]
    if first_row and not {"ra", "dec"} & set(names):
        names = _with_positions(names, first_row)
    # FITS does not tell upper from lower case in names of columns.
    folded = [name.lower() for name in names]
    twice = [name for name in names if folded.count(name.lower()) > 1]
    if twice or "" in names or not has_rows:
        raise DataError(
            f"{source}: not a list of galaxies",
            received="no rows" if not has_rows else f"columns {', '.join(map(repr, names))}",
            allowed="a header of distinct names, and one row a galaxy",
            next_step="correct the header" if has_rows else "add rows",
        )
    return names


def _with_positions(names: list[str], first_row: Sequence[str]) -> list[str]:
    """Call the first pair of columns that hold positions ``ra`` and ``dec``."""
    cells = {name.lower(): cell for name, cell in zip(names, first_row, strict=False)}
    for pair in position_pairs(names):
        if all(name.lower() in cells and _is_degrees(cells[name.lower()]) for name in pair):
            known = dict(zip(pair, ("ra", "dec"), strict=True))
            return [known.get(name, name) for name in names]
    return names


def _is_degrees(cell: str) -> bool:
    """Tell decimal degrees, or an empty cell, from hours and minutes; a decimal comma may be one."""
    try:
        float(cell.strip().replace(",", ".") or "nan")
    except ValueError:
        return False
    return True


def column_remedy(names: Sequence[str], usual: str) -> str:
    """Say what helps where a column is missing: ``usual``, or other separators where a header is one strange name."""
    strange = STRANGE_SEPARATORS.search(names[0]) if len(names) == 1 else None
    return (
        usual
        if strange is None
        else f"put commas, semicolons or tabs between the cells, in the place of {strange[0]!r}"
    )


def id_column_of(id_column: str, path_column: str) -> str:
    """Tell ``id`` in any case of letters, and take the paths for the ids that they are where there are no others."""
    return ID_COLUMN if id_column.lower() == ID_COLUMN or id_column == path_column else id_column


def with_ids(source: Path, names: Sequence[str], id_column: str) -> list[str]:
    """Call the column ``id`` that names the galaxies; DataError where it is not there, or another is called so."""
    if id_column == ID_COLUMN:
        return list(names)
    if id_column not in names or ID_COLUMN in names:
        raise DataError(
            f"{source}: no column {id_column!r}" if id_column not in names else f"{source}: two columns of ids",
            received=f"columns {', '.join(names)}",
            allowed="one column that names the galaxies",
            next_step="name the right one with --id-column",
        )
    return [ID_COLUMN if name == id_column else name for name in names]


def say_positions(source: Path, header: Sequence[str], names: Sequence[str]) -> None:
    """Say which columns were taken as ``ra`` and ``dec``, and which look like positions and were not."""
    given = [name.strip() for name in header]
    taken = [name for name, known in zip(given, names, strict=True) if known in {"ra", "dec"} and name.lower() != known]
    left = position_pairs(given)
    if taken:
        say_taken(source, taken)
    elif left and not {"ra", "dec"} & set(names):
        say_left(source, left[0])


def unreadable_list(source: Path, error: Exception) -> DataError:
    """Say that a file is no list."""
    return DataError(
        f"{source}: cannot be read as a list of galaxies",
        received=f"{type(error).__name__}: {error}",
        allowed="CSV in UTF-8 with a header and commas, semicolons or tabs, or Parquet",
        next_step="write the file again: in Excel as CSV UTF-8, in pandas with encoding='utf-8'",
    )
