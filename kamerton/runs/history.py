"""``history.csv``: the learning history, one row an epoch, as the notebook has it and with more columns."""

from __future__ import annotations

import csv
import hashlib
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kamerton.files import cannot_write, read_text, whole_file

if TYPE_CHECKING:
    import pandas as pd

HISTORY_FILE = "history.csv"
NOTEBOOK_COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")
TIME_COLUMNS = ("seconds", "images_per_second")
RATE, PENALTY = "lr", "penalty_c"
"""The learning rate of an epoch; of a linear probe, the inverse strength of its penalty, as scikit-learn's C."""
HISTORY_COLUMNS = (*NOTEBOOK_COLUMNS, RATE, *TIME_COLUMNS)

HISTORY_BYTES = 8 << 20
"""A longer file is no history: 50,000 epochs are shorter."""

MAX_COLUMNS = 100
"""No history has more columns."""


def read_history(path: Path) -> pd.DataFrame:
    """Read a history, a CSV of numbers with an index column, to the last digit.

    Raises OSError where the file cannot be read, and ValueError where it is anything else.
    """
    import numpy as np
    import pandas as pd

    try:
        columns, epochs, numbers = _parse(read_text(path, HISTORY_BYTES))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if not epochs:
        raise ValueError("no epoch in it")
    cells = np.array(numbers).reshape(len(epochs), len(columns))
    for name in {RATE, PENALTY, *TIME_COLUMNS} & set(columns):
        # A loss may be NaN or infinite, where a training has diverged.
        measured = cells[:, columns.index(name)]
        if not (np.isfinite(measured) & (measured >= 0)).all():
            raise ValueError(f"{name}: not numbers from 0")
    return pd.DataFrame(cells, index=pd.Index(list(epochs), dtype="int64"), columns=columns)


def _parse(text: str) -> tuple[list[str], Sequence[int], Sequence[float]]:
    """Give the columns' names, the epochs, and all numbers row by row."""
    rows = csv.reader(text.splitlines(), strict=True)
    columns = next(rows, [""])[1:]
    if len(columns) > MAX_COLUMNS or len(set(columns)) < len(columns) or not set(NOTEBOOK_COLUMNS) <= set(columns):
        raise ValueError(f"{len(columns)} columns that are not those of a history")
    epochs, numbers = array("q"), array("d")
    for row in rows:
        if len(row) != 1 + len(columns):
            raise ValueError(f"{len(row)} fields in line {rows.line_num} instead of {1 + len(columns)}")
        try:
            epochs.append(int(row[0]))
        except OverflowError as error:
            raise ValueError(f"line {rows.line_num} does not begin with the number of an epoch") from error
        numbers.extend(map(float, row[1:]))
    return columns, epochs, numbers


def write_history(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write the whole history anew, as a resumed training takes it up; without rows there is no file."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    with whole_file(path) as partial:
        for epoch, row in enumerate(rows):
            append_epoch(partial, epoch, row)


def append_epoch(path: Path, epoch: int, row: Mapping[str, float]) -> None:
    """Add an epoch as pandas writes it, with the header first where the file is new; OutputError where it cannot be."""
    try:
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            columns = [PENALTY if name == RATE and PENALTY in row else name for name in HISTORY_COLUMNS]
            if file.tell() == 0:
                writer.writerow(["", *columns])
            writer.writerow([epoch, *(repr(float(row[name])) for name in columns)])
    except OSError as error:
        raise cannot_write(path, error) from error


def history_sha256(history: pd.DataFrame) -> str:
    """SHA-256 of a history without its times, which no two trainings share."""
    lines = history.drop(columns=list(TIME_COLUMNS), errors="ignore").to_csv(lineterminator="\n")
    return hashlib.sha256(lines.encode()).hexdigest()
