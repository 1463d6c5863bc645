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
from dataclasses import dataclass, field
from typing import IO

from kamerton.errors import FitsError

BLOCK_BYTES, CARD_BYTES = 2880, 80

BITPIX = (8, 16, 32, 64, -32, -64)

MAX_AXES = 999
"""Axes of an image, and columns of a table, as the standard has it."""

MAX_RATIO = 1100
"""A tile-compressed image is at most this many times its table: DEFLATE, the densest of the methods, reaches 1032."""

SMALL_BYTES = 16 << 20
"""Below this, the ratio does not matter."""

MAX_HEADER_BLOCKS = 2000
"""Headers of one file take no more than this together: 72,000 cards."""

MAX_HDUS = 1000
"""More HDUs are no labelled cube, which has two or three, and no cutout of one galaxy."""

HEADS = re.compile(rb"SIMPLE  =|XTENSION=")

KEYWORDS = re.compile(rb"([ -~]{8}[^\0]{72}){36}", re.DOTALL)
"""A block of cards, each with a keyword that is text."""

INTEGER = re.compile(r" *([+-]?\d{1,20}) *(/.*)?")


@dataclass(frozen=True)
class HduLayout:
    """Where an HDU is: its header and its data, in bytes from the beginning of the file."""

    header: int
    data: int
    data_bytes: int
    """Without the filling up to whole blocks."""
    cards: Mapping[str, str] = field(repr=False)
    """The first value of each keyword, as it stands."""

    @property
    def end(self) -> int:
        """Where the next HDU begins."""
        return self.data + -(-self.data_bytes // BLOCK_BYTES) * BLOCK_BYTES


def check_structure(path: object, file: IO[bytes]) -> list[HduLayout]:
    """List the HDUs of a FITS file; FitsError for the first one that is not sound."""
    return list(walk_structure(path, file))


def walk_structure(path: object, file: IO[bytes]) -> Iterator[HduLayout]:
    """Yield the HDUs of a FITS file one after another, reading only headers.

    Raises FitsError with HDU and byte where a header does not end, misses or garbles what it must have, or promises
    more data than there are.
    """
    size_bytes = file.seek(0, os.SEEK_END)
    start = blocks = count = 0
    while start < size_bytes:
        where = f"{path} HDU {count}"
        cards, data = _header(where, file, start, blocks)
        blocks += (data - start) // BLOCK_BYTES
        layout = HduLayout(start, data, _data_bytes(where, start, cards, primary=count == 0), cards)
        if layout.data + layout.data_bytes > size_bytes:
            raise FitsError(
                f"{where}: the file is truncated",
                received=f"{size_bytes} bytes",
                allowed=f"{layout.data + layout.data_bytes} bytes, as the header at byte {start} promises",
                next_step="fetch or write it again",
            )
        _check_table(where, start, cards, layout)
        count += 1
        if count > MAX_HDUS:
            raise _broken(where, start, "is one too many", f"at most {MAX_HDUS}")
        yield layout
        start = layout.end


def _header(where: str, file: IO[bytes], start: int, blocks_before: int) -> tuple[dict[str, str], int]:
    """Read a header: the first value of each keyword, as it stands, and the byte where the data begin."""
    cards: dict[str, str] = {}
    file.seek(start)
    for number in range(1, MAX_HEADER_BLOCKS - blocks_before + 1):
        block = file.read(BLOCK_BYTES)
        if number == 1 and not block.startswith((b"SIMPLE  =", b"XTENSION=")[start > 0 :][:1]):
            found = "no FITS header" if start == 0 else "bytes after the last HDU that are no header"
            raise _broken(where, start, f"holds {found}", f"a card {'XTENSION' if start else 'SIMPLE'} first")
        # Where END is lost, the header seems to run on into the data, and through them to the next header.
        if len(block) < BLOCK_BYTES or (number > 1 and HEADS.match(block)) or not KEYWORDS.fullmatch(block):
            break
        for at in range(0, BLOCK_BYTES, CARD_BYTES):
            card = block[at : at + CARD_BYTES].decode("latin-1")
            keyword = card[:8].rstrip()
            if keyword == "END" and not card[8:].strip():
                return cards, start + number * BLOCK_BYTES
            if card[8:10] == "= ":
                cards.setdefault(keyword, card[10:])
    raise _broken(where, start, "has no END", f"a header of at most {MAX_HEADER_BLOCKS} blocks that ends with END")


def _data_bytes(where: str, start: int, cards: dict[str, str], primary: bool) -> int:
    """Work out how long the data are from the keywords that every header must have."""
    if primary and cards.get("SIMPLE", "").split("/")[0].strip() != "T":
        raise _broken(where, start, "does not follow the standard", "SIMPLE = T")
    bitpix = _integer(where, start, cards, "BITPIX")
    if bitpix not in BITPIX:
        raise _broken(where, start, f"has BITPIX = {bitpix}", ", ".join(map(str, BITPIX)))
    axes = _integer(where, start, cards, "NAXIS", highest=MAX_AXES)
    sides = [_integer(where, start, cards, f"NAXIS{axis}") for axis in range(1, axes + 1)]
    if axes == 0:
        return 0
    if primary:
        if cards.get("GROUPS", "").split("/")[0].strip() == "T":
            raise _broken(where, start, "holds random groups", "images")
        return abs(bitpix) // 8 * math.prod(sides)
    heap, groups = (_integer(where, start, cards, name) for name in ("PCOUNT", "GCOUNT"))
    return abs(bitpix) // 8 * groups * (heap + math.prod(sides))


def _check_table(where: str, start: int, cards: dict[str, str], layout: HduLayout) -> None:
    """Refuse a table of more columns than there can be, and a compressed image larger than its table can hold."""
    if "TFIELDS" in cards:
        _integer(where, start, cards, "TFIELDS", highest=MAX_AXES)
    if "ZIMAGE" not in cards:
        return
    bitpix = _integer(where, start, cards, "ZBITPIX")
    axes = _integer(where, start, cards, "ZNAXIS", highest=MAX_AXES)
    sides = [_integer(where, start, cards, f"ZNAXIS{axis}") for axis in range(1, axes + 1)]
    image_bytes = abs(bitpix) // 8 * math.prod(sides)
    if image_bytes > max(SMALL_BYTES, MAX_RATIO * layout.data_bytes):
        what = f"promises {image_bytes} bytes of image from {layout.data_bytes} bytes"
        raise _broken(where, start, what, f"{MAX_RATIO} times as much")


def _integer(where: str, start: int, cards: dict[str, str], keyword: str, highest: int = 2**63 - 1) -> int:
    found = INTEGER.fullmatch(cards.get(keyword, ""))
    lowest = -64 if keyword in {"BITPIX", "ZBITPIX"} else 0
    if found is None or not lowest <= int(found[1]) <= highest:
        value = cards[keyword].split("/")[0].strip() if keyword in cards else None
        raise _broken(
            where,
            start,
            f"has no {keyword}" if value is None else f"has {keyword} = {value}",
            f"{keyword}, a whole number from {lowest} to {highest}",
        )
    return int(found[1])


def _broken(where: str, start: int, what: str, allowed: str) -> FitsError:
    return FitsError(
        f"{where}: cannot be read as FITS: the header at byte {start} {what}",
        allowed=allowed,
        next_step="check that the file arrived whole, and fetch or write it again",
    )
