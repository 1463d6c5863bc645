"""CHECKSUM and DATASUM of a FITS file's HDUs (FITS standard 4.0, sections 4.4.2.7 and J), held against every byte.

Astropy's own check leaves out the filling of a header, and the data of an HDU that has a CHECKSUM but no DATASUM.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from kamerton.data.fits.structure import HduLayout, check_structure
from kamerton.errors import FitsError

CHUNK_BYTES = 1 << 20
"""A whole number of the sum's words, which have four bytes."""

ALL_ONES = 0xFFFFFFFF
"""What the sum over an HDU comes to where its CHECKSUM is right: the ones' complement's minus zero."""

TEXT = re.compile(r" *'([^']*)'")


def check_checksums(path: Path, file: IO[bytes]) -> None:
    """Refuse a file that is not as it was written (FitsError); an HDU without checksums passes."""
    for error in checksum_errors(path, file, check_structure(path, file)):
        raise error


def checksum_errors(path: Path, file: IO[bytes], layouts: Sequence[HduLayout]) -> list[FitsError]:
    """List the HDUs that do not match their checksums; every byte is read once, in constant memory."""
    found = [_error(path, number, file.fileno(), layout) for number, layout in enumerate(layouts)]
    return [error for error in found if error is not None]


def _error(path: Path, number: int, descriptor: int, layout: HduLayout) -> FitsError | None:
    datasum, checksum = (_text(layout.cards.get(name, "")) for name in ("DATASUM", "CHECKSUM"))
    if datasum and not datasum.isdecimal():
        received = f"{datasum!r} in the header at byte {layout.header}"
        return _changed(path, number, "DATASUM is no number", received)
    if not datasum and not checksum:
        return None
    data_sum = _ones_complement_sum(descriptor, layout.data, layout.end)
    if datasum and int(datasum) != data_sum:
        received = f"bytes {layout.data} to {layout.end - 1} with the sum {data_sum}"
        return _changed(path, number, "the data do not match their DATASUM", received, datasum)
    header_sum = _ones_complement_sum(descriptor, layout.header, layout.data)
    if checksum and _fold(header_sum + data_sum) != ALL_ONES:
        what = "the header does not match its CHECKSUM" if datasum else "header and data do not match their CHECKSUM"
        return _changed(
            path, number, what, f"bytes {layout.header} to {layout.data - 1 if datasum else layout.end - 1}"
        )
    return None


def _text(value: str) -> str:
    """Take the text out of a card's value; a blank one means that the sum is not known."""
    found = TEXT.match(value)
    return (found[1] if found else value.split("/", maxsplit=1)[0]).strip()


def _ones_complement_sum(descriptor: int, start: int, end: int) -> int:
    """Add up big-endian words of 32 bits, with the carry brought round to the front."""
    total = 0
    while start < end and (chunk := os.pread(descriptor, min(CHUNK_BYTES, end - start), start)):
        start += len(chunk)
        words = np.frombuffer(chunk + bytes(-len(chunk) % 4), ">u4")
        total = _fold(total + int(words.sum(dtype=np.uint64)))
    return total


def _fold(total: int) -> int:
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total


def _changed(path: Path, number: int, what: str, received: str, promised: str = "") -> FitsError:
    return FitsError(
        f"{path} HDU {number}: {what}",
        received=received,
        allowed=f"an HDU as it was written{f', with the sum {promised}' if promised else ''}",
        next_step="fetch the file again; if you changed it yourself, write it again with Astropy's checksum=True",
    )
