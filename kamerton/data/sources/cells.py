"""Columns of a list as whole numbers, numbers or text, told from all of their cells without keeping them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kamerton.arrays import ValuesN
from kamerton.data.sources.rows import known_numbers
from kamerton.data.sources.source import ColumnKind

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")

WOULD_CHANGE = re.compile(r".*_|-?0\d")
"""Python reads 12_34, a plate and a fibre, as 1234, and a number would lose the zeros of 0012."""

EXACT = 2**53
"""Larger numbers are identifiers, which a float would round."""


@dataclass
class ColumnFacts:
    """What the cells of a column have been so far."""

    rows: int = 0
    empty: int = 0
    first_empty: int | None = None
    """Row of the first empty cell, counted from 0."""
    all_whole: bool = True
    largest: float = 0.0
    first_text: str | None = None
    """The first cell that is no number."""

    def add(self, cells: Sequence[str]) -> None:
        """Take more cells into account, without blanks at their ends."""
        self._count_empty(cells)
        self.rows += len(cells)
        if self.first_text is not None:
            return
        self.all_whole = self.all_whole and all(WHOLE.fullmatch(cell) for cell in cells if cell)
        numbers = as_numbers(cells)
        if numbers is None:
            self.first_text = next(cell for cell in cells if as_numbers([cell]) is None)
        else:
            self.largest = float(np.abs(numbers[np.isfinite(numbers)]).max(initial=self.largest))

    def _count_empty(self, cells: Sequence[str]) -> None:
        count = cells.count("")
        if count and self.first_empty is None:
            self.first_empty = self.rows + cells.index("")
        self.empty += count

    @property
    def has_value(self) -> bool:
        """Whether any cell is not empty."""
        return self.empty < self.rows

    @property
    def kind(self) -> ColumnKind:
        """What the column is."""
        if self.has_value and self.all_whole:
            return "int64"
        is_number = self.has_value and self.first_text is None and self.largest < EXACT
        return "float64" if is_number else "text"


def as_numbers(cells: Sequence[str]) -> ValuesN | None:
    """Take cells as numbers, NaN where they are empty; None where one of them is text."""
    if any(map(WOULD_CHANGE.match, cells)):
        return None
    try:
        return np.array([float(cell or "nan") for cell in cells], np.float64)
    except ValueError:
        return None


def as_column(cells: Sequence[str], kind: ColumnKind) -> pa.Array:
    """Take cells of a column of this kind, null where they are empty."""
    import pyarrow as pa

    if kind == "int64":
        return pa.array([int(cell) if cell else None for cell in cells], pa.int64())
    if kind == "float64":
        return known_numbers(np.array([float(cell or "nan") for cell in cells], np.float64))
    return pa.array([cell or None for cell in cells], pa.string())
