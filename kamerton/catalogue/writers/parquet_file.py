"""Parquet after the IVOA note VOParquet 1.0: the head is a VOTable without rows in the footer.

Astropy's own writer of that name breaks the VOTable schema and loses units, so this one is ours.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from kamerton.catalogue.astropy_head import astropy_yaml
from kamerton.catalogue.columns import FACT_PREFIX, Header, arrow_schema
from kamerton.catalogue.votable import votable_text
from kamerton.catalogue.writers.rows import PIECE_ROWS, Rows
from kamerton.files import whole_file

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

VERSION_KEY, CONTENT_KEY = "IVOA.VOTable-Parquet.version", "IVOA.VOTable-Parquet.content"
VERSION = "1.0"
ASTROPY_KEY = "table_meta_yaml"
"""Where Astropy's plain Parquet reader finds units and descriptions."""

ARROW_KEY = "ARROW:schema"
"""Where Arrow and Astropy read how many numbers each cell of a column has; Parquet itself does not say."""

DATA_BYTES, DATA_SHA256, ROWS = "data_bytes", "data_sha256", "rows"
"""Facts by which a file is known to be as it was written: all before the footer, and how many rows there are."""


class ParquetRows(Rows):
    """Rows of a Parquet file, whose footer may be told more until the block ends."""

    def __init__(self, header: Header, writer: ParquetWriter) -> None:
        super().__init__(header.columns, self._write_group)
        self._header, self._writer = header, writer
        self._letters = {column.name: 1 for column in header.columns if column.kind == "text"}

    def note(self, facts: Mapping[str, str]) -> None:
        """Add to the footer what is known only once the rows are, each under ``kamerton.`` and its name."""
        self._writer.add_key_value_metadata({f"{FACT_PREFIX}{name}": value for name, value in facts.items()})

    def finish(self, rows: int) -> None:
        """Write what is left, and then the head, which tells how long texts are: Astropy's readers ask for it."""
        super().finish(rows)
        head = head_of(self._header, rows, self._letters)
        self._writer.add_key_value_metadata(head)
        if any(column.length is not None for column in self._header.columns):
            self._writer.add_key_value_metadata({ARROW_KEY: _arrow_text(self.schema, head)})

    def _write_group(self, piece: pa.Table) -> None:
        from pyarrow import compute

        for name, most in self._letters.items():
            self._letters[name] = max(most, compute.max(compute.utf8_length(piece[name])).as_py() or 1)
        self._writer.write_table(piece, row_group_size=PIECE_ROWS)


def _arrow_text(schema: pa.Schema, head: Mapping[str, str]) -> str:
    """Describe the columns in Arrow's own words, as it writes them itself."""
    return base64.b64encode(schema.with_metadata(dict(head)).serialize()).decode("ascii")


def head_of(header: Header, rows: int, letters: Mapping[str, int]) -> dict[str, str]:
    """Give what the footer says of so many rows, whose texts have so many letters at most."""
    votable = votable_text(header, rows, letters)
    head = {VERSION_KEY: VERSION, CONTENT_KEY: votable, ASTROPY_KEY: astropy_yaml(header)}
    return head | header.prefixed_facts() | {f"table::len::{name}": str(most) for name, most in letters.items()}


class _Counted:
    """A file that counts and hashes what is written to it."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._bytes = 0

    def write(self, content: bytes) -> int:
        """See BinaryIO."""
        self._digest.update(content)
        self._bytes += len(content)
        return self._file.write(content)

    def tell(self) -> int:
        """See BinaryIO."""
        return self._bytes

    def flush(self) -> None:
        """See BinaryIO."""
        self._file.flush()

    def facts(self) -> dict[str, str]:
        """Say what was written so far."""
        return {DATA_BYTES: str(self._bytes), DATA_SHA256: self._digest.hexdigest()}


@contextmanager
def parquet_rows(path: Path, header: Header, rows: int) -> Iterator[ParquetRows]:
    """Write a Parquet file, whose footer has the head as a VOTable, and each fact under ``kamerton.`` and its name."""
    from pyarrow import parquet

    schema = arrow_schema(header.columns)
    with (
        whole_file(path) as partial,
        partial.open("wb") as file,
        # Arrow's own description would hide what the footer is told after the first row.
        parquet.ParquetWriter(sink := _Counted(file), schema, compression="zstd", store_schema=False) as writer,
    ):
        taken = ParquetRows(header, writer)
        yield taken
        taken.finish(rows)
        taken.note({ROWS: str(rows), **sink.facts()})
