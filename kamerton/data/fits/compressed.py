"""Images in compressed tiles (FITS standard 4.0, section 10.1): what a header promises of one, held against its table.

The decompressors in Astropy believe what a tile says. Here it is known before one is called that every tile is inside
the heap, that a header asks for no memory that its file does not justify, and that HCOMPRESS writes no further than its
tile is long.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

from kamerton.arrays import Rows
from kamerton.data.fits.cards import BITPIX, MAX_AXES, Header
from kamerton.data.fits.tables import ITEM_BYTES, Column
from kamerton.data.fits.unpacking import RATIO, SMALL_BYTES
from kamerton.errors import FitsError

MAX_TILES = 4_000_000
"""More tiles take minutes to unpack, one by one: a tile a galaxy, as it should be, is a galaxy each."""

MAX_TILE_BYTES = 256 << 20
"""A tile is unpacked as a whole. A galaxy of 4096 pixels in three bands of float32 has 192 MiB."""

COMPRESSIONS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS")

DATA_COLUMNS = ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA")

PARAMETERS = {
    "RICE": {"BLOCKSIZE": (1, 4096), "BYTEPIX": (1, 4)},
    "HCOM": {"SCALE": (0, 2**31 - 1), "SMOOTH": (0, 1)},
}
"""Whole numbers that a compression takes, by its first letters, with their range; others are notes."""

HCOMPRESS_HEAD = struct.Struct(">2sii")
"""What a tile of HCOMPRESS begins with: its mark, and its two sides."""
HCOMPRESS_MARK = b"\xdd\x99"
HCOMPRESS_HEAD_BYTES = 2 + 3 * 4 + 8 + 3
"""Mark, two sides and scale, the sum of all pixels, and the number of bit planes of each quadrant."""

PLIO_HEAD = struct.Struct(">7h")
"""What a tile of PLIO begins with, in words: the second is the length of the head, the fourth and fifth that of all."""

CHUNK_ROWS = 1 << 16


@dataclass(frozen=True)
class CompressedImage:
    """An image in compressed tiles, as its header promises it; the axes are NumPy's, the fastest last."""

    compression: str
    bitpix: int
    shape: tuple[int, ...]
    tile_shape: tuple[int, ...]
    columns: tuple[Column, ...]
    """Those that hold the tiles, by descriptors into the heap."""
    row_bytes: int
    heap_start: int
    """In bytes from the beginning of the data."""

    @property
    def image_bytes(self) -> int:
        """Bytes of the image, unpacked."""
        return abs(self.bitpix) // 8 * math.prod(self.shape)

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return math.prod(self._grid)

    @property
    def _grid(self) -> tuple[int, ...]:
        return tuple(-(-side // step) for side, step in zip(self.shape, self.tile_shape, strict=True))

    def shape_of(self, tile: int) -> tuple[int, ...]:
        """Give the shape of a tile, which is smaller at the far edges."""
        places = np.unravel_index(tile, self._grid)
        sides = zip(self.shape, self.tile_shape, places, strict=True)
        return tuple(min(step, side - step * int(place)) for side, step, place in sides)


def compressed_image(header: Header, columns: list[Column], data_bytes: int) -> CompressedImage:
    """Read what a table's header says of the image in it; FitsError where that cannot be."""
    if not header.is_true("ZIMAGE"):
        raise header.broken(f"has ZIMAGE = {header.value('ZIMAGE')}", "ZIMAGE = T")
    compression = header.text("ZCMPTYPE")
    if compression not in COMPRESSIONS:
        raise header.broken(f"has ZCMPTYPE = '{compression}'", ", ".join(COMPRESSIONS))
    bitpix = header.integer("ZBITPIX", lowest=-64)
    if bitpix not in BITPIX:
        raise header.broken(f"has ZBITPIX = {bitpix}", ", ".join(map(str, BITPIX)))
    axes = range(header.integer("ZNAXIS", 1, MAX_AXES), 0, -1)
    shape = tuple(header.integer(f"ZNAXIS{axis}", lowest=1) for axis in axes)
    tile_shape = tuple(min(_tile_side(header, axis), side) for axis, side in zip(axes, shape, strict=True))
    row_bytes, rows = header.integer("NAXIS1"), header.integer("NAXIS2")
    heap_start = header.integer("THEAP") if "THEAP" in header.cards else row_bytes * rows
    holding = tuple(column for column in columns if column.name in DATA_COLUMNS)
    image = CompressedImage(compression, bitpix, shape, tile_shape, holding, row_bytes, heap_start)
    _check_parameters(header, compression)
    _check_size(header, image, data_bytes)
    _check_columns(header, image, rows, data_bytes)
    return image


def _tile_side(header: Header, axis: int) -> int:
    """Give the side of the tiles along an axis, counted from 1: where nothing is said, a row is a tile."""
    if f"ZTILE{axis}" in header.cards:
        return header.integer(f"ZTILE{axis}", lowest=1)
    return header.integer("ZNAXIS1") if axis == 1 else 1


def _check_parameters(header: Header, compression: str) -> None:
    ranges = PARAMETERS.get(compression[:4], {})
    number = 1
    while f"ZNAME{number}" in header.cards:
        lowest_highest = ranges.get(header.text(f"ZNAME{number}").upper())
        if lowest_highest is not None:
            value = header.integer(f"ZVAL{number}", *lowest_highest)
            if header.text(f"ZNAME{number}").upper() == "BYTEPIX" and value == 3:
                raise header.broken(f"has ZVAL{number} = 3 bytes a pixel", "1, 2 or 4")
        number += 1


def _check_size(header: Header, image: CompressedImage, data_bytes: int) -> None:
    limit_bytes = max(SMALL_BYTES, RATIO * data_bytes)
    if image.image_bytes > limit_bytes:
        what = f"promises {image.image_bytes} bytes of image from {data_bytes} bytes"
        raise header.broken(what, f"{RATIO} times as much, or {SMALL_BYTES} bytes")
    tile_bytes = max(4, abs(image.bitpix) // 8) * math.prod(image.tile_shape)
    if tile_bytes > MAX_TILE_BYTES:
        raise header.broken(f"has tiles of {tile_bytes} bytes", f"{MAX_TILE_BYTES} bytes, with a tile a galaxy")
    if image.tiles > MAX_TILES:
        raise header.broken(f"has {image.tiles} tiles", f"at most {MAX_TILES}, with a tile a galaxy")


def _check_columns(header: Header, image: CompressedImage, rows: int, data_bytes: int) -> None:
    names = [column.name for column in image.columns]
    if names.count("COMPRESSED_DATA") != 1 or len(set(names)) < len(names):
        raise header.broken(f"has the columns {', '.join(names) or 'of no image'}", "one COMPRESSED_DATA")
    for column in image.columns:
        if column.kind not in "PQ" or column.count != 1 or column.more[:1] not in ITEM_BYTES:
            raise header.broken(f"has no descriptors in {column.name}", "a type such as '1PB'")
    if rows != image.tiles:
        raise header.broken(f"has {rows} rows for {image.tiles} tiles", "one row a tile")
    if not rows * image.row_bytes <= image.heap_start <= data_bytes:
        raise header.broken(f"has THEAP = {image.heap_start}", f"{rows * image.row_bytes} to {data_bytes}")


def check_tiles(where: str, file: IO[bytes], start: int, data_bytes: int, image: CompressedImage) -> None:
    """Refuse tiles that are not inside the heap, or that the decompressor would write beyond (FitsError).

    ``start`` is the byte of the file where the table's data begin. Every descriptor is read, and the first bytes of the
    tiles of HCOMPRESS and PLIO.
    """
    heap_bytes = data_bytes - image.heap_start
    check_head = {"HCOMPRESS_1": _check_hcompress, "PLIO_1": _check_plio}.get(image.compression)
    for first, lengths, offsets, column in _descriptors(file, start, image):
        item_bytes = ITEM_BYTES[column.more[0]]
        # Python's division keeps a length of 2**62 from wrapping round.
        outside = (lengths < 0) | (offsets < 0) | (lengths > heap_bytes // item_bytes)
        outside |= offsets > heap_bytes - np.where(outside, 0, lengths) * item_bytes
        if outside.any():
            row = int(np.flatnonzero(outside)[0])
            raise _bad_tile(where, first + row, "is not in the heap", f"{lengths[row]} items from {offsets[row]}")
        if check_head is None or column.name != "COMPRESSED_DATA":
            continue
        for row in np.flatnonzero(lengths).tolist():
            head_bytes = min(HCOMPRESS_HEAD_BYTES, int(lengths[row]) * item_bytes)
            head = os.pread(file.fileno(), head_bytes, start + image.heap_start + int(offsets[row]))
            wrong = check_head(head, int(lengths[row]) * item_bytes, image.shape_of(first + row))
            if wrong:
                raise _bad_tile(where, first + row, f"is none of {image.compression}", wrong)


def _descriptors(file: IO[bytes], start: int, image: CompressedImage) -> Iterator[tuple[int, Rows, Rows, Column]]:
    """Yield the lengths and offsets of the tiles, chunk by chunk, with the number of the first."""
    for first in range(0, image.tiles, CHUNK_ROWS):
        count = min(CHUNK_ROWS, image.tiles - first)
        chunk = os.pread(file.fileno(), count * image.row_bytes, start + first * image.row_bytes)
        rows = np.frombuffer(chunk, np.uint8).reshape(count, image.row_bytes)
        for column in image.columns:
            cells = np.ascontiguousarray(rows[:, column.first_byte : column.first_byte + column.width_bytes])
            pairs = cells.view(">i4" if column.kind == "P" else ">i8").astype(np.int64)
            yield first, pairs[:, 0], pairs[:, 1], column


def _check_hcompress(head: bytes, tile_bytes: int, shape: tuple[int, ...]) -> str:
    sides = tuple(side for side in shape if side != 1)
    if len(head) < HCOMPRESS_HEAD_BYTES:
        return f"{tile_bytes} bytes"
    mark, *found = HCOMPRESS_HEAD.unpack_from(head)
    planes = max(head[HCOMPRESS_HEAD_BYTES - 3 :])
    fits = mark == HCOMPRESS_MARK and tuple(found) == sides and min(sides, default=0) >= 4 and planes < 64
    return "" if fits else f"mark {mark.hex()}, sides {found} and {planes} bit planes for a tile of {shape}"


def _check_plio(head: bytes, tile_bytes: int, _: tuple[int, ...]) -> str:
    if len(head) < PLIO_HEAD.size:
        return f"{tile_bytes} bytes"
    words = PLIO_HEAD.unpack_from(head)
    # The old layout of a list says its length in the third word, and begins behind it.
    first, length = (3, words[2]) if words[2] > 0 else (words[1], (words[4] << 15) + words[3])
    return "" if 3 <= first <= length and 0 < 2 * length <= tile_bytes else f"a list of {length} words from {first}"


def _bad_tile(where: str, tile: int, what: str, received: str) -> FitsError:
    return FitsError(
        f"{where}: tile {tile} {what}", received=received, next_step="fetch the file again, or write it uncompressed"
    )
