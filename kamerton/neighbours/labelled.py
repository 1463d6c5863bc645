"""Galaxies that have a label already, from a list of decisions or a labelled cube."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kamerton.data.cubes.cube import open_cube
from kamerton.data.decided import DECISION_COLUMNS, ID, LABEL, WHO, is_history, last_words, say_out_of_time
from kamerton.data.lists import column_names, is_list, open_csv, read_list
from kamerton.errors import DataError, UsageError


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
        return _labelled(path, names, place, found.rows)
    columns = read_list(path)
    names = list(columns)
    return _labelled(path, names, _place(path, names), zip(*columns.values(), strict=True))


def _labelled(path: Path, names: list[str], place: int, rows: Iterable[Sequence[str]]) -> set[str]:
    """Give the ids; of a history of decisions those that somebody stands by, unsure ones too."""
    if not is_history(names):
        return {row[place].strip() for row in rows}
    kept = [name for name in names if name in DECISION_COLUMNS]
    cells = [[row[names.index(name)] for name in kept] for row in rows]
    columns = {name: [row[number] for row in cells] for number, name in enumerate(kept)}
    found = last_words(columns[ID], columns[LABEL], columns.get(WHO))
    say_out_of_time(path, columns, LABEL, found)
    return {columns[ID][row].strip() for row in found.counting}


def _place(path: Path, names: list[str]) -> int:
    if ID not in names:
        raise DataError(
            f"{path}: no column {ID!r}",
            received=f"columns {', '.join(names)}",
            allowed="the ids of galaxies that are labelled already",
            next_step="name the list that the labels are written to",
        )
    return names.index(ID)
