"""``decisions.csv``: what a person decided about labels, read from outside and held against the galaxies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kamerton.data.classes import shown
from kamerton.data.decided import ID, LABEL, WHO, is_history, kept_decisions
from kamerton.data.lists import read_list, row_of
from kamerton.errors import DataError, UnknownNameError
from kamerton.files import file_sha256


@dataclass(frozen=True)
class Decisions:
    """The labels that a person decided on."""

    path: Path
    sha256: str
    label_of: dict[str, str]
    """The name of a class, by the galaxy's id."""


def read_decisions(path: Path, ids: Sequence[str], class_names: Sequence[str]) -> Decisions:
    """Read a CSV or Parquet list with the columns ``id`` and ``label``, in whatever order, one row a galaxy.

    With a column ``when`` it is a history, as the page of `kamerton serve` writes it: of each galaxy the last word
    counts, ``unsure`` is no class, and an empty label undoes what the same person (``who``) said; all of it is said
    aloud, as is a last line that was cut. DataError names the first row with an id that no galaxy or more than one
    has, with an id that an earlier row has, and with no class of ``class_names``.
    """
    columns = read_list(path, as_text=(ID, LABEL, WHO), may_be_cut=True)
    missing = [name for name in (ID, LABEL) if name not in columns]
    if missing:
        raise DataError(
            f"{path}: no column {missing[0]!r}",
            received=f"columns {shown(columns)}",
            allowed=f"the columns {ID} and {LABEL}; others are let be",
            next_step="name the columns so",
        )
    known = Counter(name.strip() for name in ids)
    rows: dict[str, int] = {}
    found: dict[str, str] = {}
    has_history = is_history(columns)
    for row in kept_decisions(path, columns, LABEL, class_names) if has_history else range(len(columns[ID])):
        galaxy, decided = columns[ID][row].strip(), columns[LABEL][row].strip()
        _require_galaxy(path, row, galaxy, known[galaxy])
        if galaxy in rows:
            raise DataError(
                f"{row_of(path, row)}: decided before, in row {rows[galaxy]}",
                received=f"id {galaxy!r} with {decided!r}, and before with {found[galaxy]!r}",
                allowed="one row a galaxy, or a column when, which tells the last word",
                next_step="leave one of the two rows",
            )
        rows[galaxy], found[galaxy] = row, _class(path, row, decided, class_names)
    return Decisions(path, file_sha256(path), found)


def _require_galaxy(path: Path, row: int, galaxy: str, galaxies: int) -> None:
    if galaxies != 1:
        raise DataError(
            f"{row_of(path, row)}: {'no galaxy has' if not galaxies else f'{galaxies} galaxies have'} this id",
            received=f"id {galaxy!r}",
            allowed="ids that one galaxy of the data has, as in labels.csv",
            next_step="correct it, or leave the row out" if not galaxies else "give each galaxy an id of its own",
        )


def _class(path: Path, row: int, decided: str, class_names: Sequence[str]) -> str:
    if decided in class_names:
        return decided
    unknown = UnknownNameError("class name", decided, class_names)
    raise DataError(
        f"{row_of(path, row)}: no class of this name",
        received=repr(decided),
        allowed=unknown.allowed,
        next_step=unknown.next_step,
    )
