"""WRITERS: a catalogue's rows, streamed into a file of a format, whole or not at all.

Every writer is a context that takes (path, header, number of rows) and gives `Rows`; it takes flat memory, whatever the
number of rows, and gives the same bytes for the same rows, however they come in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from kamerton.catalogue.columns import Column, Header
from kamerton.catalogue.csv_head import csv_head_path
from kamerton.catalogue.writers.fits_table import FITS_COLUMNS, fits_rows
from kamerton.catalogue.writers.parquet_file import parquet_rows
from kamerton.catalogue.writers.rows import Rows
from kamerton.catalogue.writers.text_table import csv_rows, ecsv_rows
from kamerton.catalogue.writers.votable_file import votable_rows
from kamerton.errors import UsageError

Writer = Callable[[Path, Header, int], AbstractContextManager[Rows]]

WRITERS: dict[str, Writer] = {
    ".parquet": parquet_rows,
    ".fits": fits_rows,
    ".vot": votable_rows,
    ".csv": csv_rows,
    ".ecsv": ecsv_rows,
}
"""By the ending of the file's name."""

TEXT_ENDINGS = (".csv", ".ecsv")


def find_writer(path: Path) -> Writer:
    """Find the format that a file's name asks for (UsageError where none does)."""
    try:
        return WRITERS[path.suffix.lower()]
    except KeyError:
        raise UsageError(
            f"{path}: no name for a catalogue",
            received=f"the ending {path.suffix!r}" if path.suffix else "no ending",
            allowed=", ".join(WRITERS),
            next_step="choose a name with one of these endings",
        ) from None


def files_of(path: Path) -> list[Path]:
    """Name all the files that a catalogue becomes: a CSV file has one beside it."""
    return [path, csv_head_path(path)] if path.suffix.lower() == ".csv" else [path]


def require_format(path: Path, columns: Sequence[Column]) -> None:
    """Refuse what a file's format cannot hold (UsageError), before the work of filling it."""
    vectors = [column.name for column in columns if column.length is not None]
    if vectors and path.suffix.lower() in TEXT_ENDINGS:
        raise UsageError(
            f"{path}: no format for cells of many numbers, as in the column {vectors[0]}",
            received=f"the ending {path.suffix!r}",
            allowed=", ".join(ending for ending in WRITERS if ending not in TEXT_ENDINGS),
            next_step="choose a name with one of these endings",
        )
    if path.suffix.lower() == ".fits" and len(columns) > FITS_COLUMNS:
        raise UsageError(
            f"{path}: too many columns for FITS",
            received=f"{len(columns)}",
            allowed=f"at most {FITS_COLUMNS}",
            next_step="write another format, such as .parquet or .vot",
        )
