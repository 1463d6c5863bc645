"""A FITS binary table; what the catalogue says of itself is in its cards, and whole as a VOTable before it.

How wide texts are, and whether they need escapes, is known only after the last row, so rows wait in a file until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

import numpy as np
from astropy.io import fits
from jaxtyping import Shaped

from kamerton.catalogue.columns import KINDS, Column, Header
from kamerton.catalogue.votable import votable_text
from kamerton.catalogue.writers.rows import Rows, vectors
from kamerton.data.cubes.own import BLOCK_BYTES
from kamerton.data.cubes.writer import add_checksums, reserve_checksums
from kamerton.data.fits.letters import ESCAPES_CARD, ESCAPES_KEYWORD, escaped, to_ascii
from kamerton.errors import DataError
from kamerton.files import whole_file

if TYPE_CHECKING:
    import pyarrow as pa

EXTENSION = "CATALOGUE"

FITS_COLUMNS = 999
"""Most columns of a binary table (FITS standard 4.0, section 7.3.1)."""
VOTABLE_CARD = ("VOTMETA", True, "these bytes are the table's head as VOTable")
"""TOPCAT and STILTS read UCDs, descriptions and facts there (their ``fits-plus``)."""

NOT_PLAIN = r"[^ -~]| $"
"""A letter that FITS has not, or a blank at the end, which it loses."""

NOT_ITSELF = r"[^ -\[\]-~]| $"
"""The same, and a backslash: what `escaped` changes."""

Values = Shaped[np.ndarray, "n *length"]


@contextmanager
def fits_rows(path: Path, header: Header, rows: int) -> Iterator[Rows]:
    """Write a FITS file: HDU 0 the head in XML, HDU 1 the table."""
    import pyarrow as pa

    with whole_file(path) as partial, TemporaryFile(dir=path.parent) as waiting:
        seen = _Seen(header.columns)
        with pa.ipc.new_stream(waiting, seen.rows.schema) as stream:
            seen.keep = stream.write_table
            yield seen.rows
            seen.rows.finish(rows)
        waiting.seek(0)
        pieces = pa.ipc.open_stream(waiting)
        with partial.open("wb") as file:
            file.write(_primary(header, rows))
            _write_table(file, header, seen, pieces)
        add_checksums(partial)


def _primary(header: Header, rows: int) -> bytes:
    """Write HDU 0, whose bytes are the table's head in XML."""
    xml = votable_text(header, rows).encode()
    hdu = fits.PrimaryHDU(np.frombuffer(xml, np.uint8))
    # It is known by where this card is.
    hdu.header.insert("NAXIS1", VOTABLE_CARD, after=True)
    hdu.header["EXTEND"] = True
    reserve_checksums(hdu.header)
    return _blocks(hdu.header) + xml + bytes(-len(xml) % BLOCK_BYTES)


def _blocks(header: fits.Header) -> bytes:
    return str(header.tostring()).encode("ascii")


class _Seen:
    """Look at all rows before the first is written."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.rows = Rows(columns, self._look)
        self.keep: Callable[[pa.Table], object]
        self._plain = {column.name: 1 for column in columns if column.kind == "text"}
        self._escaped = dict(self._plain)
        self.has_escapes = False
        self._integers = {column.name: _Integers(column) for column in columns if column.kind.startswith("int")}

    def _look(self, piece: pa.Table) -> None:
        for name in self._plain:
            self._look_at_texts(name, piece[name])
        for name, integers in self._integers.items():
            integers.look(piece[name])
        self.keep(piece)

    def _look_at_texts(self, name: str, texts: pa.ChunkedArray) -> None:
        from pyarrow import compute

        is_changed = compute.match_substring_regex(texts, NOT_ITSELF)
        lengths = map(len, map(cell_text, texts.filter(is_changed).to_pylist()))
        longest = compute.max(compute.binary_length(texts)).as_py() or 1
        self._plain[name] = max(self._plain[name], longest)
        self._escaped[name] = max(self._escaped[name], longest, *lengths)
        self.has_escapes |= bool(compute.any(compute.match_substring_regex(texts, NOT_PLAIN)).as_py())

    def fits_columns(self, columns: Iterable[Column]) -> list[fits.Column]:
        widths = self._escaped if self.has_escapes else self._plain
        return [
            fits.Column(
                column.name,
                f"{widths.get(column.name, column.length or '')}{KINDS[column.kind].fits}",
                unit=column.unit,
                null=self.null(column),
            )
            for column in columns
        ]

    def null(self, column: Column) -> int | None:
        """Name the number that stands for null in a column of integers that has one."""
        integers = self._integers.get(column.name)
        return None if integers is None else integers.null()


class _Integers:
    """Look for a number that no row has, and for rows that have none."""

    def __init__(self, column: Column) -> None:
        self._name = column.name
        limits = np.iinfo(KINDS[column.kind].numpy)
        self._free = [int(limits.min), int(limits.max)]
        self._has_nulls = False

    def look(self, values: pa.ChunkedArray) -> None:
        from pyarrow import compute

        self._has_nulls |= values.null_count > 0
        found = compute.min_max(values).as_py().values()
        self._free = [number for number in self._free if number not in found]

    def null(self) -> int | None:
        if not self._has_nulls:
            return None
        if not self._free:
            raise DataError(
                f"Column {self._name} cannot be written to FITS",
                received="its lowest and its highest number, and rows without one",
                next_step="write another format, or leave the column out",
            )
        return self._free[0]


def _write_table(file: IO[bytes], header: Header, seen: _Seen, pieces: Iterable[pa.RecordBatch]) -> None:
    columns = seen.fits_columns(header.columns)
    cards = _table_header(header, columns, seen)
    file.write(_blocks(cards))
    start = file.tell()
    stored = np.dtype(
        [(c.name, _stored(c, given), given.length or ()) for c, given in zip(columns, header.columns, strict=True)]
    )
    for piece in pieces:
        cells = np.zeros(piece.num_rows, stored)
        for column in header.columns:
            cells[column.name] = _values(column, piece[column.name], seen)
        file.write(cells.tobytes())
    file.write(bytes(-(file.tell() - start) % BLOCK_BYTES))


def _table_header(header: Header, columns: list[fits.Column], seen: _Seen) -> fits.Header:
    hdu = fits.BinTableHDU.from_columns(columns, nrows=0, name=EXTENSION)
    cards = hdu.header
    cards["NAXIS2"] = seen.rows.count
    for number, column in enumerate(header.columns, start=1):
        cards[f"TCOMM{number}"] = to_ascii(column.description)
        if column.ucd is not None:
            cards[f"TUCD{number}"] = column.ucd
    if seen.has_escapes:
        cards[ESCAPES_KEYWORD] = ESCAPES_CARD
    for line in (header.description, *(f"{name}: {value}" for name, value in header.prefixed_facts().items())):
        cards.add_comment(to_ascii(line))
    reserve_checksums(cards)
    return cards


def _stored(column: fits.Column, given: Column) -> str:
    return f"S{column.format.removesuffix('A')}" if given.kind == "text" else KINDS[given.kind].numpy


def _values(column: Column, values: pa.Array, seen: _Seen) -> Values:
    if column.length is not None:
        return vectors(values, column.length)
    if column.kind == "text":
        write = cell_text if seen.has_escapes else str
        return np.array([write(text).encode("ascii") for text in values.fill_null("").to_pylist()], np.bytes_)
    if column.kind == "bool":
        is_true = values.fill_null(False).to_numpy(zero_copy_only=False)
        letters = np.where(is_true, ord("T"), ord("F")).astype(np.uint8)
        return np.where(np.asarray(values.is_null()), np.uint8(0), letters)
    null = seen.null(column) if column.kind.startswith("int") else np.nan
    return np.asarray(values if null is None else values.fill_null(null))


def cell_text(text: str) -> str:
    """Write a text in ASCII, so that `unescaped` gives it back, with its last blanks."""
    inner = text.rstrip(" ")
    return escaped(inner) + r"\x20" * (len(text) - len(inner))
