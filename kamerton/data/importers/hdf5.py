"""Datasets of an HDF5 file, read only where they cannot become more than the file holds.

A dataset says how large it is and costs its file nothing; a chunk is read as a whole, and unpacks to whatever it does.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

RATIO = 200
"""A dataset may be this many times what is stored of it. Galaxies give 2, a blank sky of bytes about 1000."""

SMALL_BYTES = 64 << 20
"""Below this, the ratio does not matter."""

CHUNK_BYTES = 64 << 20
"""A chunk is unpacked as a whole. h5py's own choice is at most 1 MiB."""

FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 32_000: "lzf"}
DEFLATE, LZF = 1, 32_000

MAX_DEFLATE = 1032
"""DEFLATE makes no more of a byte."""


def why_not_plain(dataset: Any) -> str | None:
    """Say why a dataset is not to be read; None where it is in this file and takes no more memory than it should."""
    if dataset.is_virtual or dataset.external:
        return "it is stored elsewhere"
    needed_bytes = math.prod(dataset.shape) * dataset.dtype.itemsize
    stored_bytes = dataset.id.get_storage_size()
    if needed_bytes > max(SMALL_BYTES, RATIO * stored_bytes):
        return f"it promises {needed_bytes} bytes, of which {stored_bytes} are stored"
    return _why_no_chunks(dataset) if dataset.chunks else None


def _why_no_chunks(dataset: Any) -> str | None:
    chunk_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
    if chunk_bytes > CHUNK_BYTES:
        return f"its chunks have {chunk_bytes} bytes; at most {CHUNK_BYTES} are read"
    settings = dataset.id.get_create_plist()
    filters = [settings.get_filter(place)[0] for place in range(settings.get_nfilters())]
    if len(set(filters)) < len(filters) or not set(filters) <= set(FILTERS):
        return f"its filters are {filters}; each of {', '.join(FILTERS.values())} is known once"
    if DEFLATE in filters and LZF in filters:
        return "it is compressed twice"
    chunks: list[tuple[int, tuple[int, ...]]] = []
    # Nothing is given back, which goes on to the next.
    dataset.id.chunk_iter(lambda chunk: chunks.append((chunk.size, chunk.chunk_offset)))
    for stored_bytes, place in chunks:
        if stored_bytes > chunk_bytes + chunk_bytes // 8 + 4096:
            return f"a chunk of {chunk_bytes} bytes is stored in {stored_bytes}"
        if DEFLATE in filters and stored_bytes * MAX_DEFLATE > CHUNK_BYTES + chunk_bytes:
            why = _why_not_inflated(dataset, place, chunk_bytes)
            if why:
                return why
    return None


def _why_not_inflated(dataset: Any, place: tuple[int, ...], chunk_bytes: int) -> str | None:
    """Unpack a chunk that may be a bomb, and forget it, before HDF5 unpacks it to its end."""
    _, content = dataset.id.read_direct_chunk(place)
    unpacking, total_bytes, rest = zlib.decompressobj(), 0, content
    try:
        while rest and not unpacking.eof:
            total_bytes += len(unpacking.decompress(rest, 1 << 20))
            rest = unpacking.unconsumed_tail
            # A checksum is stored behind the numbers.
            if total_bytes > chunk_bytes + 4:
                return f"a chunk of {chunk_bytes} bytes unpacks to more"
    except zlib.error as error:
        return f"a chunk is damaged: {error}"
    return None
