"""A catalogue in CSV, which is without features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from kamerton.catalogue.csv_head import csv_head_path
from kamerton.catalogue.readers.opened import OpenedCatalogue, facts_of
from kamerton.catalogue.record import RECORD_BYTES
from kamerton.data.lists import column_names, open_csv
from kamerton.files import read_json

if TYPE_CHECKING:
    import pyarrow as pa

READ_ROWS = 4096


@dataclass(frozen=True)
class _Lines:
    path: Path
    names: tuple[str, ...]
    rows: int

    def read(self, columns: Sequence[str]) -> pa.Table:
        import pyarrow as pa

        places = {name: self.names.index(name) for name in columns}
        schema = pa.schema([(name, pa.string()) for name in columns])
        rows = open_csv(self.path).rows
        found = []
        while some := list(islice(rows, READ_ROWS)):
            cells = {name: [row[place] or None for row in some] for name, place in places.items()}
            found.append(pa.table(cells, schema=schema))
        return pa.concat_tables(found) if found else schema.empty_table()


@contextmanager
def open_csv_file(path: Path) -> Iterator[OpenedCatalogue]:
    """Open a file, with the facts beside it where they are."""
    found = open_csv(path)
    count = sum(1 for _ in found.rows)
    names = tuple(column_names(path, found.header, has_rows=count > 0))
    yield OpenedCatalogue(path, facts_beside(path), names, (_Lines(path, names, count),))


def facts_beside(path: Path) -> dict[str, str]:
    """Read what stands beside a CSV file; nothing where that is gone, or no longer what was written."""
    try:
        (notes,) = read_json(csv_head_path(path), RECORD_BYTES)["notes"]
        return facts_of({str(name): str(text) for name, text in notes.items()})
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
