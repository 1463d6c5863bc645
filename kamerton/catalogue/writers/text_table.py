"""CSV and ECSV: the first has the head in a file beside it, the second as comments in YAML before its rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kamerton.catalogue.astropy_head import ecsv_head
from kamerton.catalogue.columns import Header
from kamerton.catalogue.csv_head import csv_head, csv_head_path
from kamerton.catalogue.writers.rows import Rows
from kamerton.files import require_new, whole_file, write_json

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def csv_rows(path: Path, header: Header, rows: int) -> Iterator[Rows]:
    """Write a CSV file: a line of names, and a line a galaxy, empty where a value is null; and what it is beside it."""
    names = ",".join(column.name for column in header.columns)
    require_new(csv_head_path(path))
    with whole_file(path) as partial:
        with partial.open("wb") as file, _lines(file, header, rows, f"{names}\n") as taken:
            yield taken
        write_json(csv_head_path(path), csv_head(header, path.name))


@contextmanager
def ecsv_rows(path: Path, header: Header, rows: int) -> Iterator[Rows]:
    """Write Astropy's enhanced CSV 1.0."""
    with (
        whole_file(path) as partial,
        partial.open("wb") as file,
        _lines(file, header, rows, ecsv_head(header)) as taken,
    ):
        yield taken


@contextmanager
def _lines(file: IO[bytes], header: Header, rows: int, head: str) -> Iterator[Rows]:
    from pyarrow import csv

    file.write(head.encode())
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    taken = Rows(header.columns, lambda piece: csv.write_csv(_spelled(piece), file, options))
    yield taken
    taken.finish(rows)


def _spelled(piece: pa.Table) -> pa.Table:
    """Write truth as Python does, which Astropy and pandas read."""
    import pyarrow as pa
    from pyarrow import compute

    for number, field in enumerate(piece.schema):
        if pa.types.is_boolean(field.type):
            piece = piece.set_column(number, field.name, compute.if_else(piece[number], "True", "False"))
    return piece
