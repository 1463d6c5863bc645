"""Galaxies that have a label already, from a list of decisions or a labelled cube."""

from __future__ import annotations

from pathlib import Path

from kamerton.data.cubes.cube import open_cube
from kamerton.data.lists import column_names, is_list, open_csv, read_list
from kamerton.errors import DataError, UsageError

ID_COLUMN = "id"


def labelled_ids(path: Path) -> set[str]:
    """Read the ids of a list with a column ``id``, as decisions.csv, which may have no rows yet, or of a cube.

    UsageError where there is nothing of that name, DataError where it is neither.
    """
    if not path.exists():
        raise UsageError(
            f"{path}: no galaxies that are labelled already",
            received="no file of that name",
            allowed="a CSV or Parquet list with a column id, or a labelled cube",
            next_step="check the name, or leave it out before the first label",
        )
    if not is_list(path):
        with open_cube(path) as cube:
            return set(cube.ids)
    if path.suffix.lower() == ".csv":
        found = open_csv(path)
        names = column_names(path, found.header, has_rows=True)
        place = _place(path, names)
        return {row[place].strip() for row in found.rows}
    columns = read_list(path)
    _place(path, list(columns))
    return set(columns[ID_COLUMN])


def _place(path: Path, names: list[str]) -> int:
    if ID_COLUMN not in names:
        raise DataError(
            f"{path}: no column {ID_COLUMN!r}",
            received=f"columns {', '.join(names)}",
            allowed="the ids of galaxies that are labelled already",
            next_step="name the list that the labels are written to",
        )
    return names.index(ID_COLUMN)
