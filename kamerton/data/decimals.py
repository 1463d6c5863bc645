"""Decimal commas, as spreadsheets write them where a comma does not part the cells: in Polish, `187,7059`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kamerton.errors import warn

EXPONENT = r"([eE][+-]?\d+)?"
NUMBER = re.compile(rf"[+-]?[\d.,]*\d[\d.,]*{EXPONENT}")
"""Whatever may be meant as a number."""
WITH_COMMA = re.compile(rf"[+-]?(\d+(,\d*)?|,\d+){EXPONENT}")
WITH_POINT = re.compile(rf"[+-]?(\d+(\.\d*)?|\.\d+){EXPONENT}")
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
"""Thousands, as English writes them; they are decimals as well."""
UNKNOWN = {"", "nan"}


@dataclass
class _Column:
    """What the cells of a column have been so far, if all of them may be numbers."""

    is_number: bool = True
    has_value: bool = False
    has_point: bool = False
    has_other_form: bool = False
    """Some cell is no number with a decimal comma."""
    first_comma: str | None = None
    is_grouped: bool = True
    """All commas may part thousands."""

    def add(self, cells: Iterable[str]) -> None:
        for cell in cells:
            if cell.lower() in UNKNOWN:
                continue
            # A day, 26.11.2026, is none, and so is a list, 3,4,5.
            with_comma = WITH_COMMA.fullmatch(cell) is not None
            one = with_comma or WITH_POINT.fullmatch(cell) or {",", "."} <= set(cell)
            if not (one and NUMBER.fullmatch(cell)):
                self.is_number = False
                return
            self.has_value = True
            self.has_point = self.has_point or "." in cell
            self.has_other_form = self.has_other_form or not with_comma
            if "," in cell:
                self.first_comma = self.first_comma or cell
                self.is_grouped = self.is_grouped and GROUPED.fullmatch(cell) is not None


class DecimalCommas:
    """Whether commas in the numbers of a list are decimal commas, told piece by piece."""

    def __init__(self, where: str, names: Iterable[str], as_text: Collection[str]) -> None:
        self._where = where
        self._columns = {name: _Column() for name in names if name not in as_text}

    def add(self, columns: Mapping[str, Sequence[str]]) -> None:
        """Take more rows into account, without blanks at the ends of cells."""
        for name, column in self._columns.items():
            if column.is_number:
                column.add(columns[name])

    def decide(self) -> frozenset[str]:
        """Name the columns whose commas are decimal ones, and say so; say it, too, where that cannot be known."""
        numbers = {name: column for name, column in self._columns.items() if column.is_number and column.has_value}
        commas = {name: column for name, column in numbers.items() if column.first_comma is not None}
        if not commas:
            return frozenset()
        points = [name for name, column in numbers.items() if column.has_point]
        if points or any(column.has_other_form for column in commas.values()):
            self._say_mixed(commas, points)
            return frozenset()
        self._say_read(commas)
        return frozenset(commas)

    def _say_read(self, commas: Mapping[str, _Column]) -> None:
        examples = {name: column.first_comma or "" for name, column in commas.items()}
        read = "; ".join(f"{name}: {cell!r} as {cell.replace(',', '.')}" for name, cell in examples.items())
        doubtful = [name for name, column in commas.items() if column.is_grouped and name not in {"ra", "dec"}]
        warn(
            f"{self._where}: commas in numbers are read as decimal commas",
            received=read,
            next_step=f"if {' and '.join(doubtful)} has thousands, write them without a comma" if doubtful else None,
        )

    def _say_mixed(self, commas: Mapping[str, _Column], points: Sequence[str]) -> None:
        examples = [f"{name}: {column.first_comma!r}" for name, column in commas.items()]
        others = ", ".join(points)
        warn(
            f"{self._where}: columns whose commas may be decimal or of thousands stay text",
            received=f"{'; '.join(examples)}{f', and points in {others}' if others else ''}",
            allowed="commas as decimal commas, or points, and not both in one list",
            next_step="write all numbers with points",
        )


def with_points(where: str, columns: Mapping[str, list[str]], as_text: Collection[str]) -> dict[str, list[str]]:
    """Read commas in numbers as decimal commas, and say so; ``as_text`` names columns that hold no numbers.

    Columns stay as they are, which is said too, where commas and points stand side by side.
    """
    commas = DecimalCommas(where, columns, as_text)
    commas.add({name: [cell.strip() for cell in cells] for name, cells in columns.items()})
    pointed = commas.decide()
    return {
        name: [pointed_cell(cell) for cell in cells] if name in pointed else cells for name, cells in columns.items()
    }


def pointed_cell(cell: str) -> str:
    """Write a number's decimal comma as a point."""
    return cell.strip().replace(",", ".")
