"""An opened catalogue: its rows part by part, and what it says of itself, whatever file it is in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kamerton.arrays import Features, Rows, ValuesN
from kamerton.catalogue.columns import FACT_PREFIX, FEATURES_COLUMN, ID
from kamerton.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


class Part(Protocol):
    """Rows of a catalogue that are read together."""

    @property
    def rows(self) -> int:
        """How many."""

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Read columns; DataError where the part is damaged."""


@dataclass(frozen=True)
class OpenedCatalogue:
    """A catalogue as it is read, in the memory of one of its parts."""

    path: Path
    facts: Mapping[str, str]
    """What it says of how it was made, by names without ``kamerton.``."""
    columns: tuple[str, ...]
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if not len(self):
            raise DataError(f"{self.path}: no galaxy in it", received="0 rows", next_step="name another catalogue")
        if ID.name not in self.columns:
            raise DataError(
                f"{self.path}: not a catalogue of `kamerton predict`",
                received=f"columns {', '.join(self.columns[:20]) or 'none'}",
                allowed=f"a column {ID.name}, and what predict writes beside it",
                next_step="name the file or the folder that predict has written",
            )

    def __len__(self) -> int:
        return sum(part.rows for part in self.parts)

    @cached_property
    def class_names(self) -> dict[str, str]:
        """The classes by how they are written in names of columns, in their order; that itself where no fact tells."""
        slugs = [name[2:] for name in self.columns if name.startswith("p_")]
        told = {slug: self.facts.get(f"class_{slug}") for slug in slugs}
        # A column of the source may begin so, too.
        known = {slug: name for slug, name in told.items() if name is not None}
        return known or {slug: slug for slug in slugs}

    @property
    def has_features(self) -> bool:
        """Whether its galaxies can be compared."""
        return FEATURES_COLUMN in self.columns

    def with_columns(self, names: Sequence[str]) -> list[str]:
        """Keep the names of columns that there are."""
        return [name for name in names if name in self.columns]

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Read columns of all rows, part by part."""
        return (part.read(columns) for part in self.parts)

    def features(self) -> Iterator[Features]:
        """Read the features of all rows, part by part; NaN where a galaxy has none."""
        length = None
        for part in self.parts:
            found = matrix(part.read([FEATURES_COLUMN]), self.path)
            length = length or found.shape[1]
            if found.shape[1] != length:
                raise DataError(
                    f"{self.path}: parts with other numbers of features",
                    received=f"{found.shape[1]}",
                    allowed=f"{length}, as in the first",
                    next_step="keep each catalogue in a place of its own",
                )
            yield found

    def pick(self, rows: Rows, columns: Sequence[str]) -> pa.Table:
        """Read columns of some rows, in their order."""
        import pyarrow as pa

        ends = np.cumsum([part.rows for part in self.parts])
        owners = np.searchsorted(ends, rows, side="right")
        found, order = [], []
        for owner in np.unique(owners):
            places = np.flatnonzero(owners == owner)
            first = int(ends[owner]) - self.parts[owner].rows
            found.append(self.parts[owner].read(columns).take(pa.array(rows[places] - first)))
            order.append(places)
        whole = pa.concat_tables(found, promote_options="permissive")
        return whole.take(pa.array(np.argsort(np.concatenate(order)))).combine_chunks()


def matrix(table: pa.Table, path: Path) -> Features:
    """Give the features of rows as an array; DataError where they are not as many numbers in each row."""
    from pyarrow import compute, types

    column = table[FEATURES_COLUMN]
    kind = column.type
    nested = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if nested and types.is_floating(kind.value_type) and not column.null_count:
        numbers = compute.list_flatten(column)
        length, rest = divmod(len(numbers), max(1, len(column)))
        lengths = compute.list_value_length(column)
        if length and not rest and compute.all(compute.equal(lengths, length)).as_py():
            # Of one part Arrow copies nothing.
            return np.asarray(numbers, np.float32).reshape(-1, length)
    raise DataError(
        f"{path}: its column {FEATURES_COLUMN} is not one row of numbers a galaxy",
        received=str(kind),
        allowed="as many numbers in each row, as `kamerton predict --features` writes them",
        next_step="make the catalogue again",
    )


def values(table: pa.Table, name: str) -> ValuesN:
    """Give a column of numbers, NaN where there is none, or where the table has no such column."""
    import pandas as pd

    if name not in table.column_names:
        return np.full(len(table), np.nan)
    column = table[name].to_numpy(zero_copy_only=False)
    if column.dtype.kind == "f":
        return np.asarray(column, np.float64)
    return np.asarray(pd.to_numeric(pd.Series(column), errors="coerce"), np.float64)


def strings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column of whatever kind as texts."""
    import pyarrow as pa

    return column.cast(pa.string())


def texts(table: pa.Table, name: str) -> list[str]:
    """Give a column of texts, empty where there is none, or where the table has no such column."""
    if name not in table.column_names:
        return [""] * len(table)
    return ["" if value is None else str(value) for value in strings(table[name]).to_pylist()]


def facts_of(found: Mapping[str, str]) -> dict[str, str]:
    """Keep Kamerton's own of what a file says, by their names without its prefix."""
    own = ((name, text) for name, text in found.items() if name.startswith(FACT_PREFIX))
    return {name.removeprefix(FACT_PREFIX): text for name, text in own}


def damaged(path: Path, error: object) -> DataError:
    """Say that a catalogue's file cannot be read."""
    reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return DataError(
        f"{path}: damaged, or no catalogue",
        received=reason,
        next_step="make it again: `kamerton predict` with --resume mends a folder of shards",
    )
