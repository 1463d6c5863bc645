"""A catalogue in CSV, put once into a file of row groups: a page of it would else take a pass over all lines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

from kamerton.catalogue.readers import open_catalogue
from kamerton.catalogue.readers.opened import OpenedCatalogue
from kamerton.catalogue.readers.parquet_files import ParquetCatalogueFile
from kamerton.catalogue.writers.rows import PIECE_ROWS
from kamerton.data.lists import open_csv


@contextmanager
def open_to_browse(path: Path) -> Iterator[OpenedCatalogue]:
    """Open a catalogue whose parts are read quickly; errors as `open_catalogue`. What is put aside goes in the end."""
    with open_catalogue(path) as opened:
        if path.suffix.lower() != ".csv" or path.is_dir():
            yield opened
            return
        with tempfile.TemporaryDirectory(prefix="kamerton-") as folder:
            place = Path(folder) / "lines.parquet"
            _put(path, opened.columns, place)
            yield replace(opened, parts=ParquetCatalogueFile(place).parts)


def _put(path: Path, columns: tuple[str, ...], place: Path) -> None:
    """Write all lines, in the memory of some; every cell stays the text that it is."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(name, pa.string()) for name in columns])
    rows = open_csv(path).rows
    with parquet.ParquetWriter(place, schema) as writer:
        while some := list(islice(rows, PIECE_ROWS)):
            cells = [[text or None for text in column] for column in zip(*some, strict=True)]
            writer.write_table(pa.table(cells, schema=schema), row_group_size=PIECE_ROWS)
