"""A catalogue in CSV, put once into a file of row groups: a page of it would else take a pass over all lines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from kamerton.catalogue.readers import open_catalogue
from kamerton.catalogue.readers.opened import OpenedCatalogue
from kamerton.catalogue.readers.parquet_files import ParquetCatalogueFile
from kamerton.catalogue.readers.text_file import facts_beside
from kamerton.catalogue.writers.rows import PIECE_ROWS
from kamerton.data.lists import column_names, open_csv


@contextmanager
def open_to_browse(path: Path) -> Iterator[OpenedCatalogue]:
    """Open a catalogue whose parts are read quickly; errors as `open_catalogue`. What is put aside goes in the end."""
    if path.suffix.lower() != ".csv" or path.is_dir():
        with open_catalogue(path) as opened:
            yield opened
        return
    with tempfile.TemporaryDirectory(prefix="kamerton-") as folder:
        yield _put(path, Path(folder) / "lines.parquet")


def _put(path: Path, place: Path) -> OpenedCatalogue:
    """Write all lines while they are read, once and in the memory of some; every cell stays the text that it is."""
    import pyarrow as pa
    from pyarrow import parquet

    found = open_csv(path)
    some = list(islice(found.rows, PIECE_ROWS))
    names = tuple(column_names(path, found.header, has_rows=bool(some)))
    schema = pa.schema([(name, pa.string()) for name in names])
    with parquet.ParquetWriter(place, schema) as writer:
        while some:
            cells = [[text or None for text in column] for column in zip(*some, strict=True)]
            writer.write_table(pa.table(cells, schema=schema), row_group_size=PIECE_ROWS)
            some = list(islice(found.rows, PIECE_ROWS))
    return OpenedCatalogue(path, facts_beside(path), names, ParquetCatalogueFile(place).parts)
