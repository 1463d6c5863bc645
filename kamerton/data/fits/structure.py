"""The skeleton of a FITS file, walked before Astropy reads it: headers that end, sizes that the file really has.

Astropy believes a header: NAXIS of a thousand million makes it count for hours, and some broken cards only make it
warn. What is refused here is refused by the standard (FITS 4.0, sections 3, 4.4.1, 7.3 and 10.1) or has no place in a
labelled cube or a cutout.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO

from kamerton.data.fits.cards import BITPIX, KEYWORD_LENGTH, MAX_AXES, Header
from kamerton.data.fits.compressed import CompressedImage, compressed_image
from kamerton.data.fits.tables import MAX_COLUMNS, columns_of
from kamerton.errors import FitsError

BLOCK_BYTES, CARD_BYTES = 2880, 80

MAX_HEADER_BLOCKS = 2000
"""Headers of one file take no more than this together: 72,000 cards."""

MAX_HDUS = 1000
"""More HDUs are no labelled cube, which has two or three, and no cutout of one galaxy."""

HEADS = re.compile(rb"SIMPLE  =|XTENSION=")

KEYWORDS = re.compile(rb"([ -~]{8}[^\0]{72}){36}", re.DOTALL)
"""A block of cards, each with a keyword that is text."""

SCALES, BLANKS = {"BSCALE", "BZERO"}, {"BLANK", "ZBLANK"}


@dataclass(frozen=True)
class HduLayout:
    """Where an HDU is: its header and its data, in bytes from the beginning of the file."""

    header: int
    data: int
    data_bytes: int
    """Without the filling up to whole blocks."""
    cards: Mapping[str, str] = field(repr=False)
    """The value of each keyword, as it stands."""
    compressed: CompressedImage | None
    """Where the HDU is a table that holds an image in compressed tiles."""

    @property
    def end(self) -> int:
        """Where the next HDU begins."""
        return self.data + -(-self.data_bytes // BLOCK_BYTES) * BLOCK_BYTES


def check_structure(path: object, file: IO[bytes]) -> list[HduLayout]:
    """List the HDUs of a FITS file; FitsError for the first one that is not sound."""
    return list(walk_structure(path, file))


def walk_structure(path: object, file: IO[bytes]) -> Iterator[HduLayout]:
    """Yield the HDUs of a FITS file one after another, reading only headers.

    Raises FitsError with HDU and byte where a header does not end, misses or garbles what it must have, can be read in
    two ways, or promises more data than there are.
    """
    size_bytes = file.seek(0, os.SEEK_END)
    start = blocks = count = 0
    while start < size_bytes:
        header = Header(f"{path} HDU {count}", start)
        data = _read_header(header, file, blocks)
        blocks += (data - start) // BLOCK_BYTES
        layout = HduLayout(start, data, _data_bytes(header), header.cards, None)
        if layout.data + layout.data_bytes > size_bytes:
            raise FitsError(
                f"{header.where}: the file is truncated",
                received=f"{size_bytes} bytes",
                allowed=f"{layout.data + layout.data_bytes} bytes, as the header at byte {start} promises",
                next_step="fetch or write it again",
            )
        count += 1
        if count > MAX_HDUS:
            raise header.broken("is one too many", f"at most {MAX_HDUS}")
        yield replace(layout, compressed=_check_kind(header, layout.data_bytes))
        start = layout.end


def _read_header(header: Header, file: IO[bytes], blocks_before: int) -> int:
    """Read the cards of a header, and give the byte where the data begin."""
    first: list[str] = []
    file.seek(header.start)
    for number in range(1, MAX_HEADER_BLOCKS - blocks_before + 1):
        block = file.read(BLOCK_BYTES)
        if number == 1 and not block.startswith((b"SIMPLE  =", b"XTENSION=")[header.start > 0 :][:1]):
            found = "bytes after the last HDU that are no header" if header.start else "no FITS header"
            raise header.broken(f"holds {found}", f"a card {'XTENSION' if header.start else 'SIMPLE'} first")
        # Where END is lost, the header seems to run on into the data, and through them to the next header.
        if len(block) < BLOCK_BYTES or (number > 1 and HEADS.match(block)) or not KEYWORDS.fullmatch(block):
            break
        for at in range(0, BLOCK_BYTES, CARD_BYTES):
            card = block[at : at + CARD_BYTES].decode("latin-1")
            if header.add(card):
                _check_order(header, first)
                return header.start + number * BLOCK_BYTES
            if len(first) < MAX_AXES:
                first.append(card[:KEYWORD_LENGTH].rstrip())
    raise header.broken("has no END", f"a header of at most {MAX_HEADER_BLOCKS} blocks that ends with END")


def _check_order(header: Header, first: list[str]) -> None:
    """Refuse a header whose first cards are not those of the standard, in its order, or that has axes beyond NAXIS."""
    # What is missing altogether is told by its name.
    header.integer("BITPIX", lowest=-64)
    axes = header.integer("NAXIS", highest=MAX_AXES)
    for axis in range(1, axes + 1):
        header.integer(f"NAXIS{axis}")
    wanted = ["BITPIX", "NAXIS", *(f"NAXIS{axis}" for axis in range(1, axes + 1))]
    if first[1 : len(wanted) + 1] != wanted[: len(first) - 1]:
        raise header.broken("begins with cards in another order", f"{first[0]}, {', '.join(wanted[:5])}...")
    beyond = next((name for name in header.cards if re.fullmatch(r"NAXIS\d+", name) and name not in wanted), None)
    if beyond is not None:
        raise header.broken(f"has {beyond} with NAXIS = {axes}", "one card an axis")


def _data_bytes(header: Header) -> int:
    """Work out how long the data are from the keywords that every header must have."""
    primary = header.start == 0
    if primary and not header.is_true("SIMPLE"):
        raise header.broken("does not follow the standard", "SIMPLE = T")
    bitpix = header.integer("BITPIX", lowest=-64)
    if bitpix not in BITPIX:
        raise header.broken(f"has BITPIX = {bitpix}", ", ".join(map(str, BITPIX)))
    axes = header.integer("NAXIS", highest=MAX_AXES)
    pixels = math.prod(header.integer(f"NAXIS{axis}") for axis in range(1, axes + 1))
    if primary:
        if header.is_true("GROUPS"):
            raise header.broken("holds random groups", "images")
        return abs(bitpix) // 8 * pixels if axes else 0
    heap, groups = header.integer("PCOUNT"), header.integer("GCOUNT")
    return abs(bitpix) // 8 * groups * (heap + pixels) if axes else 0


def _check_kind(header: Header, data_bytes: int) -> CompressedImage | None:
    """Refuse scales that are no numbers, and images and tables that are not as the standard has them."""
    for keyword in sorted(SCALES & header.cards.keys()):
        header.check_number(keyword)
    for keyword in sorted(BLANKS & header.cards.keys()):
        header.integer(keyword, lowest=-(2**63))
    kind = "IMAGE" if header.start == 0 else header.text("XTENSION")
    if kind == "IMAGE" and header.start and (header.integer("PCOUNT"), header.integer("GCOUNT")) != (0, 1):
        raise header.broken("has parameters or groups", "PCOUNT = 0 and GCOUNT = 1 in an image")
    if "TFIELDS" in header.cards:
        header.integer("TFIELDS", highest=MAX_COLUMNS)
    columns = columns_of(header) if kind == "BINTABLE" else []
    if "ZIMAGE" not in header.cards:
        return None
    if not columns:
        raise header.broken(f"has ZIMAGE with XTENSION = '{kind}'", "a compressed image in a BINTABLE")
    return compressed_image(header, columns, data_bytes)
