"""The headers of binary tables, whose columns fill their rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kamerton.data.fits.cards import Header

MAX_COLUMNS = 999
"""Columns of a table, as the standard has it."""

FORM = re.compile(r" *'(\d{0,9})([LXBIJKAEDCMPQ])([^']*)' *(/.*)?")
ITEM_BYTES = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
"""Bytes of one item of each type of column (FITS standard 4.0, table 18); X counts bits."""


@dataclass(frozen=True)
class Column:
    """A column of a binary table: its name, the letter of its type, what stands behind it, and its bytes in a row."""

    name: str
    kind: str
    more: str
    first_byte: int
    count: int

    @property
    def width_bytes(self) -> int:
        """Bytes that it takes in a row."""
        return -(-self.count // 8) if self.kind == "X" else self.count * ITEM_BYTES[self.kind]


def columns_of(header: Header) -> list[Column]:
    """List the columns of a binary table; FitsError where they are not those of its rows."""
    for keyword, value in {"BITPIX": 8, "NAXIS": 2, "GCOUNT": 1}.items():
        if header.integer(keyword, lowest=-64) != value:
            raise header.broken(f"has {keyword} = {header.value(keyword)}", f"{keyword} = {value} in a BINTABLE")
    columns = list(_columns(header))
    width_bytes = sum(column.width_bytes for column in columns)
    if width_bytes != header.integer("NAXIS1"):
        raise header.broken(
            f"has columns of {width_bytes} bytes in rows of {header.value('NAXIS1')}", "columns that fill the rows"
        )
    return columns


def _columns(header: Header) -> Iterator[Column]:
    first_byte = 0
    for number in range(1, header.integer("TFIELDS", highest=MAX_COLUMNS) + 1):
        keyword = f"TFORM{number}"
        found = FORM.fullmatch(header.cards.get(keyword, ""))
        if found is None:
            raise header.broken(f"has no type of column in {keyword}: {header.value(keyword)}", "a type such as '1E'")
        name = header.text(f"TTYPE{number}") if f"TTYPE{number}" in header.cards else ""
        column = Column(name, found[2], found[3], first_byte, int(found[1] or 1))
        first_byte += column.width_bytes
        yield column
