"""Galaxies that have a label already, from a list of decisions or a labelled cube."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kamerton.data.cubes.cube import open_cube
from kamerton.data.decided import LABEL, UNDONE, WHO, is_history
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
        found = open_csv(path, may_be_cut=True)
        names = column_names(path, found.header, has_rows=True)
        place = _place(path, names)
        return _labelled(names, place, found.rows)
    columns = read_list(path)
    names = list(columns)
    return _labelled(names, _place(path, names), zip(*columns.values(), strict=True))


def _labelled(names: list[str], place: int, rows: Iterable[Sequence[str]]) -> set[str]:
    """Give the ids; of a history of decisions those that somebody stands by, unsure ones too."""
    if not is_history(names):
        return {row[place].strip() for row in rows}
    label, who = names.index(LABEL), names.index(WHO) if WHO in names else None
    standing = {(row[place].strip(), "" if who is None else row[who].strip()): row[label].strip() for row in rows}
    return {galaxy for (galaxy, _), said in standing.items() if said != UNDONE}


def _place(path: Path, names: list[str]) -> int:
    if ID_COLUMN not in names:
        raise DataError(
            f"{path}: no column {ID_COLUMN!r}",
            received=f"columns {', '.join(names)}",
            allowed="the ids of galaxies that are labelled already",
            next_step="name the list that the labels are written to",
        )
    return names.index(ID_COLUMN)
