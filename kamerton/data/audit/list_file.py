"""One CSV or Parquet list of positions and labels, without images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kamerton.arrays import Labels, ValuesN
from kamerton.data.audit.findings import BadRow
from kamerton.data.audit.galaxies import AuditedGalaxies, FileAudit, bad_rows, known_positions, note_empty_classes
from kamerton.data.lists import column_remedy, read_list
from kamerton.errors import DataError

COLUMNS = ("ra", "dec", "label")

MOST_DIGITS = 1000
"""Of a class index, zeros in front of it among them."""


def examine_list(path: Path, *, is_named: bool = True) -> FileAudit:
    """Find what is wrong with a list of ``ra``, ``dec`` (degrees, ICRS) and ``label`` alone.

    Another list, of pictures say, is passed over where only its folder was named.
    """
    found = FileAudit(str(path))
    with found.noting():
        columns = read_list(path, as_text=("label",))
        if not is_named and not set(COLUMNS) <= set(columns):
            found.add("note", f"no list of {', '.join(COLUMNS)}, so it is passed over")
            return found
        _require_columns(path, columns)
        count = len(columns["label"])
        ids = columns.get("id") or [f"{path.stem}#{row}" for row in range(count)]
        labels, names = _labels(columns["label"], ids, found)
        note_empty_classes(labels, names, found)
        positions_deg = np.column_stack([_degrees(name, columns[name], ids, found) for name in ("ra", "dec")])
        known_deg = known_positions(positions_deg, ids, found)
        found.galaxies = AuditedGalaxies(str(path), ids, labels, names, known_deg, has_indices=names is None)
    return found


def _require_columns(path: Path, columns: Mapping[str, list[str]]) -> None:
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise DataError(
            f"{path}: no column {' and no column '.join(map(repr, missing))}",
            received=f"columns {', '.join(columns)}",
            allowed=f"a list of {', '.join(COLUMNS)}",
            next_step=column_remedy(list(columns), "rename the columns"),
        )


def _labels(texts: Sequence[str], ids: list[str], found: FileAudit) -> tuple[Labels, tuple[str, ...] | None]:
    """Take whole numbers as class indices, ``3.0`` among them, and all else as names, as an import does."""
    texts = [text.strip() for text in texts]
    if all(re.fullmatch(r"(-?\d+(\.0*)?)?", text) for text in texts):
        labels, names = np.array([_class_index(text) for text in texts], np.int64), None
    else:
        names = tuple(sorted({text for text in texts if text}))
        index = {name: label for label, name in enumerate(names)}
        labels = np.array([index.get(text, -1) for text in texts], np.int64)
    bad = bad_rows(labels < 0, ids, lambda row: repr(texts[row]))
    found.add_rows("bad_labels", "{} labels are neither a class index nor a name", bad)
    return labels, names


def _class_index(text: str) -> int:
    """Read a whole number; -1 for none, and for one that no class has."""
    digits, _, _ = text.partition(".")
    # Python reads no number of more than some thousand digits.
    number = int(digits) if digits and len(digits) <= MOST_DIGITS else -1
    return number if 0 <= number < 2**31 else -1


def _degrees(name: str, texts: Sequence[str], ids: list[str], found: FileAudit) -> ValuesN:
    """Read a column of decimal degrees; an empty cell is unknown, and a cell that is no number is noted."""
    values = np.full(len(texts), np.nan)
    bad: list[BadRow] = []
    for row, text in enumerate(texts):
        try:
            values[row] = float(text.strip() or "nan")
        except ValueError:
            bad.append(BadRow(row, ids[row], repr(text)))
    found.add_rows("bad_positions", "{} cells of " + name + " are no decimal degrees", bad)
    return values
