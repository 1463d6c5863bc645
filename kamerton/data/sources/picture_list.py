"""A CSV or Parquet list of pictures as a source; its other columns pass through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamerton.config.pictures import ID_COLUMN
from kamerton.data.classes import shown
from kamerton.data.fits.letters import printable
from kamerton.data.lists import ID_NAMES, column_remedy, id_column_of, row_of, with_ids
from kamerton.data.sources.cells import ColumnFacts
from kamerton.data.sources.digests import file_digest
from kamerton.data.sources.list_rows import degrees, open_rows
from kamerton.data.sources.pictures import PictureFiles
from kamerton.data.sources.rows import Positions, carried_name, known_positions, row_batch
from kamerton.data.sources.source import ColumnKind, SourceRequest
from kamerton.errors import DataError, warn
from kamerton.plurals import counted

if TYPE_CHECKING:
    import pyarrow as pa


class ListSource(PictureFiles):
    """Pictures of a list, in its order."""

    kind = "list"

    def __init__(self, request: SourceRequest) -> None:
        self._path_column = request.path_column
        self._id = id_column_of(request.id_column, self._path_column)
        self._rows = open_rows(request.path, {ID_COLUMN, self._id, self._path_column})
        _require_column(request.path, self._rows.names, self._path_column)
        with_ids(request.path, self._rows.names, self._id)
        folder = request.path.parent
        super().__init__(request, self._rows.texts(self._path_column), lambda place: folder / place)
        self.has_own_ids = self._id in self._rows.names
        if not self.has_own_ids:
            _tell_of_other_names(self.path, self._rows.names)
        self._lists_positions = bool({"ra", "dec"} & set(self._rows.names))
        self.has_positions = {"ra", "dec"} <= set(self._rows.names) or (not self._lists_positions and self.are_cutouts)

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the size and both ends of the file."""
        return file_digest(self.path)

    @cached_property
    def columns(self) -> Mapping[str, ColumnKind]:
        """All other columns of the list, with the paths where it has ids."""
        return {carried_name(name): self._rows.kinds[name] for name in self._carried}

    @property
    def _carried(self) -> list[str]:
        """The path is the id of a list without."""
        own = {self._id if self.has_own_ids else self._path_column, "ra", "dec"}
        return [name for name in self._rows.names if name not in own]

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Give the galaxies; all rows are looked at before the first."""
        self._check_cells()
        positions = Positions(self.path)
        for columns in self._rows.chunks(self._rows.names, rows):
            places = columns[self._path_column].to_pylist()
            ids = [printable(name) for name in columns[self._id if self.has_own_ids else self._path_column].to_pylist()]
            carried = {carried_name(name): columns[name] for name in self._carried}
            yield row_batch(self.columns, places, ids, self._positions(positions, places, columns), carried)
        positions.say()

    def _positions(
        self, positions: Positions, places: Sequence[str], columns: Mapping[str, pa.Array]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        if self._lists_positions:
            unknown = np.full(len(places), np.nan)
            ra_deg, dec_deg = (degrees(columns[name]) if name in columns else unknown for name in ("ra", "dec"))
            return positions.checked(places, ra_deg, dec_deg)
        return known_positions(map(self._locate, places)) if self.has_positions else None

    def _check_cells(self) -> None:
        facts = self._rows.facts
        for name in dict.fromkeys([self._path_column, *([self._id] if self.has_own_ids else [])]):
            _require_cells(self.path, name, facts[name])
        for name in {"ra", "dec"} & set(facts):
            if facts[name].has_value and facts[name].kind == "text":
                raise _not_degrees(self.path, name, facts[name])


@contextmanager
def open_list_source(request: SourceRequest) -> Iterator[ListSource]:
    """Open a list of pictures; paths are relative to it."""
    yield ListSource(request)


def _tell_of_other_names(source: Path, names: Sequence[str]) -> None:
    """Warn where galaxies are named by their paths, and a column is called as if it named them."""
    found = [name for name in names if name.lower() in ID_NAMES]
    if found:
        warn(
            f"{source}: galaxies are named by their paths, since no column is called 'id'",
            received=f"{shown(map(repr, found))}, by which others may know them",
            next_step="name with --id-column the column that names the galaxies, if one does",
        )


def _require_column(source: Path, names: Sequence[str], name: str) -> None:
    if name not in names:
        raise DataError(
            f"{source}: no column {name!r}",
            received=f"columns {', '.join(map(printable, names))}",
            allowed="a column of paths",
            next_step=column_remedy(names, "name the right column with --path-column"),
        )


def _require_cells(source: Path, name: str, facts: ColumnFacts) -> None:
    if facts.first_empty is not None:
        raise DataError(
            f"{row_of(source, facts.first_empty)}: empty {name!r}",
            received=f"{facts.empty} of {counted(facts.rows, 'row')}",
            allowed="a value in every row",
            next_step="fill them in or filter these rows out",
        )


def _not_degrees(source: Path, name: str, facts: ColumnFacts) -> DataError:
    return DataError(
        f"{source}: column {name!r} is not in degrees",
        received=f"among others {facts.first_text!r}",
        allowed="decimal degrees (ICRS), or nothing where unknown",
        next_step="write numbers with a point, convert hours by Astropy's SkyCoord, or rename the column",
    )
