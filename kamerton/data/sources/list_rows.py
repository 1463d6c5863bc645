"""The rows of a CSV or Parquet list, a few at a time: a list may be longer than the memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamerton.arrays import ValuesN
from kamerton.data.decimals import DecimalCommas, pointed_cell
from kamerton.data.lists import column_names, is_simple, open_csv, say_positions, unreadable_list
from kamerton.data.sources.cells import ColumnFacts, as_column
from kamerton.data.sources.source import ColumnKind
from kamerton.errors import DataError
from kamerton.parquet import parquet_batches, parquet_schema

if TYPE_CHECKING:
    import pyarrow as pa

TEXT = "text"
"""Stands for a cell that is no number."""

CHECKED_ROWS = 10_000
"""Rows looked at together where a whole list is passed over."""


class CsvRows:
    """A CSV list. What its columns hold only all of its cells tell, so that it is read twice."""

    def __init__(self, path: Path, as_text: Collection[str]) -> None:
        self.path, self._as_text = path, as_text
        found = open_csv(path)
        self._may_have_commas = found.has_decimal_commas
        first_row = next(found.rows, None)
        self.names = column_names(path, found.header, has_rows=first_row is not None, first_row=first_row)
        say_positions(path, found.header, self.names)

    @cached_property
    def _told(self) -> tuple[dict[str, ColumnFacts], frozenset[str]]:
        """What the cells of every column are, and in which columns commas are decimal ones."""
        facts = {name: ColumnFacts() for name in self.names}
        commas = DecimalCommas(str(self.path), self.names if self._may_have_commas else (), {"id", *self._as_text})
        for columns in self._columns(self.names, CHECKED_ROWS):
            commas.add(columns)
            for name, cells in columns.items():
                facts[name].add(cells)
        pointed = commas.decide()
        # Now that they are numbers.
        facts.update({name: ColumnFacts() for name in pointed})
        for columns in self._columns(pointed, CHECKED_ROWS) if pointed else ():
            for name, cells in columns.items():
                facts[name].add([pointed_cell(cell) for cell in cells])
        return facts, pointed

    @property
    def facts(self) -> Mapping[str, ColumnFacts]:
        """What the cells of every column are."""
        return self._told[0]

    @cached_property
    def kinds(self) -> Mapping[str, ColumnKind]:
        """What each column holds; those in ``as_text`` are text."""
        return {name: "text" if name in self._as_text else self.facts[name].kind for name in self.names}

    def chunks(self, names: Collection[str], rows: int) -> Iterator[dict[str, pa.Array]]:
        """Give columns of the list, at most ``rows`` rows at once."""
        _, pointed = self._told
        for columns in self._columns(names, rows):
            for name in pointed & columns.keys():
                columns[name] = [pointed_cell(cell) for cell in columns[name]]
            try:
                yield {name: as_column(cells, self.kinds[name]) for name, cells in columns.items()}
            except ValueError as error:
                raise DataError(
                    f"{self.path}: was changed while it was read",
                    received=str(error),
                    next_step="read a list that stays as it is",
                ) from error

    def texts(self, name: str) -> Iterator[str]:
        """Give the cells of one column as they stand, without blanks at their ends."""
        for columns in self._columns({name}, CHECKED_ROWS):
            yield from columns[name]

    def _columns(self, names: Collection[str], rows: int) -> Iterator[dict[str, list[str]]]:
        places = {name: place for place, name in enumerate(self.names) if name in names}
        cells = open_csv(self.path).rows
        while chunk := list(islice(cells, rows)):
            yield {name: [row[place].strip() for row in chunk] for name, place in places.items()}


class ParquetRows:
    """A Parquet list, which says what its columns hold."""

    def __init__(self, path: Path, as_text: Collection[str]) -> None:
        self.path, self._as_text = path, as_text
        self._schema, count = _described(path)
        stored = [field.name for field in self._schema if is_simple(field.type)]
        # A column of numbers is in degrees, for hours and minutes are text.
        first = ["0" if _declared_kind(self._schema.field(name).type) != "text" else TEXT for name in stored]
        self.names = column_names(path, stored, has_rows=count > 0, first_row=first)
        say_positions(path, stored, self.names)
        self._stored = dict(zip(self.names, stored, strict=True))

    @cached_property
    def facts(self) -> Mapping[str, ColumnFacts]:
        """What the cells are of the columns that stay text, and of positions that were written as text."""
        names = [name for name in self.names if self.kinds[name] == "text" and name in {*self._as_text, "ra", "dec"}]
        facts = {name: ColumnFacts() for name in names}
        for columns in self.chunks(names, CHECKED_ROWS):
            for name, cells in columns.items():
                facts[name].add(cells.fill_null("").to_pylist())
        return facts

    @cached_property
    def kinds(self) -> Mapping[str, ColumnKind]:
        """What each column holds; those in ``as_text`` are text."""
        declared = {name: _declared_kind(self._schema.field(stored).type) for name, stored in self._stored.items()}
        return {name: "text" if name in self._as_text else kind for name, kind in declared.items()}

    def chunks(self, names: Collection[str], rows: int) -> Iterator[dict[str, pa.Array]]:
        """Give columns of the list, at most ``rows`` rows at once."""
        import pyarrow as pa

        stored = [self._stored[name] for name in self.names if name in names]
        try:
            for batch in parquet_batches(self.path, lambda _: stored, rows):
                columns = {name: batch.column(self._stored[name]) for name in self.names if name in names}
                yield {name: _cast(column, self.kinds[name]) for name, column in columns.items()}
        except (OSError, ValueError, pa.ArrowException) as error:
            raise error if isinstance(error, DataError) else unreadable_list(self.path, error) from error

    def texts(self, name: str) -> Iterator[str]:
        """Give the cells of one column as they stand, without blanks at their ends."""
        for columns in self.chunks([name], CHECKED_ROWS):
            yield from columns[name].fill_null("").to_pylist()


ListRows = CsvRows | ParquetRows


def open_rows(path: Path, as_text: Collection[str]) -> ListRows:
    """Open a list; the columns in ``as_text`` are text whatever they hold."""
    return ParquetRows(path, as_text) if path.suffix.lower() == ".parquet" else CsvRows(path, as_text)


def degrees(column: pa.Array) -> ValuesN:
    """Take a column of positions, which may be text, as numbers, NaN where nothing is known."""
    import pyarrow as pa

    if pa.types.is_string(column.type):
        return np.array([float(cell or "nan") for cell in column.fill_null("").to_pylist()], np.float64)
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _described(path: Path) -> tuple[pa.Schema, int]:
    try:
        return parquet_schema(path)
    except (OSError, ValueError) as error:
        raise unreadable_list(path, error) from error


def _declared_kind(declared: pa.DataType) -> ColumnKind:
    from pyarrow import types

    if types.is_integer(declared) and not types.is_uint64(declared):
        return "int64"
    return "float64" if types.is_floating(declared) or types.is_decimal(declared) else "text"


def _cast(column: pa.Array, kind: ColumnKind) -> pa.Array:
    """Take a column of a Parquet file as this kind; NaN and empty texts are null."""
    import pyarrow as pa
    from pyarrow import compute

    if kind == "int64":
        return column.cast(pa.int64())
    if kind == "float64":
        numbers = column.cast(pa.float64())
        return compute.if_else(compute.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    texts = compute.utf8_trim_whitespace(column.cast(pa.string()))
    return compute.if_else(compute.equal(texts, ""), pa.scalar(None, pa.string()), texts)
