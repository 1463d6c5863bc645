"""Seeded mutations of the structures that binary formats live by: HDF5, zip, safetensors, PNG, JPEG, Parquet."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator

from tests.fuzz.of_bytes import BYTES, NUMBERS, flip_bits
from tests.fuzz.of_texts import edit_json

HDF5_MARKS = (b"\x89HDF", b"TREE", b"SNOD", b"HEAP", b"OHDR", b"OCHK", b"FRHP", b"BTHD", b"GCOL")


def edit_hdf5(content: bytes, rng: random.Random) -> bytes:
    """Write a number into the structures of an HDF5 file: headers, trees, heaps, not the numbers that they hold."""
    mark = rng.choice(HDF5_MARKS)
    places = [start for start in range(0, len(content), 8) if content[start : start + 4] == mark]
    if places and rng.random() < 0.5:
        start = rng.choice(places) + rng.randrange(0, 400)
    else:
        # An object's header of the first version has no mark: its own begins with 1, 0.
        headers = [at for at in range(0, len(content), 8) if content[at : at + 2] == b"\x01\0" and content[at + 4]]
        start = (rng.choice(headers) if headers else 0) + rng.randrange(0, 160)
    width = rng.choice((1, 1, 2, 4, 8))
    number = rng.choice((*NUMBERS, rng.randrange(256), len(content), start)) & (256**width - 1)
    return content[:start] + number.to_bytes(width, "little") + content[start + width :]


def edit_directory(content: bytes, rng: random.Random) -> bytes:
    """Write a number into the headers of a zip: sizes, flags, methods, offsets."""
    marks = [content.find(mark, rng.randrange(len(content) + 1)) for mark in (b"PK\1\2", b"PK\3\4", b"PK\5\6")]
    places = [start for start in marks if start >= 0] or [max(0, len(content) - 22)]
    start = rng.choice(places) + rng.randrange(4, 46)
    width = rng.choice((1, 2, 4))
    number = rng.choice((*NUMBERS, rng.randrange(65_536))) & (256**width - 1)
    return content[:start] + number.to_bytes(width, "little") + content[start + width :]


def edit_safetensors(content: bytes, rng: random.Random) -> bytes:
    """Let the header of a safetensors file lie, or its length."""
    length = int.from_bytes(content[:8], "little")
    if rng.random() < 0.3 or length > len(content):
        return struct.pack("<Q", rng.choice((*NUMBERS, length + 1, length - 1)) % 2**64) + content[8:]
    header = edit_json(content[8 : 8 + length], rng)
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


def edit_png(content: bytes, rng: random.Random) -> bytes:
    """Change a chunk of a PNG, its place or its kind, and put its checksum right."""
    chunks = list(_png_chunks(content))
    if not chunks:
        return flip_bits(content, rng)
    place = rng.randrange(len(chunks))
    kind, data = chunks[place]
    what = rng.choice(("data", "data", "head", "kind", "delete", "twice", "inflated"))
    if what == "data":
        chunks[place] = kind, rng.choice(BYTES)(data, rng)
    elif what == "head":
        head = bytearray(chunks[0][1].ljust(13, b"\0"))
        field = rng.choice((0, 4, 8, 9, 10, 11, 12))
        width = 4 if field < 8 else 1
        head[field : field + width] = (rng.choice(NUMBERS) % 256**width).to_bytes(width, "big")
        chunks[0] = chunks[0][0], bytes(head)
    elif what == "kind":
        chunks[place] = (
            rng.choice((b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"acTL", b"fcTL", b"eXIf", b"abcd")),
            data,
        )
    elif what == "delete":
        del chunks[place]
    elif what == "twice":
        chunks.insert(rng.randrange(len(chunks) + 1), chunks[place])
    else:
        chunks[place] = kind, zlib.compress(bytes(rng.choice((0, 1, 1000, 1 << 22))))
    return content[:8] + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        yield content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        place += 12 + length


def edit_jpeg(content: bytes, rng: random.Random) -> bytes:
    """Change the marker, the length or a number of a segment of a JPEG."""
    places = [at for at in range(len(content) - 9) if content[at] == 0xFF and content[at + 1] not in {0, 0xFF}]
    if not places:
        return flip_bits(content, rng)
    start = rng.choice(places) + rng.choice((1, 2, 4, 5, 7, 9))
    width = rng.choice((1, 2))
    number = rng.choice((*NUMBERS, rng.randrange(65_536))) & (256**width - 1)
    return content[:start] + number.to_bytes(width, "big") + content[start + width :]


def edit_parquet(content: bytes, rng: random.Random) -> bytes:
    """Change a number in the description at the end of a Parquet file, its length, or the head of a page."""
    length = int.from_bytes(content[-8:-4], "little")
    if rng.random() < 0.1 or length == 0 or length + 8 > len(content):
        return content[:-8] + (rng.choice(NUMBERS) % 2**32).to_bytes(4, "little") + content[-4:]
    start = len(content) - 8 - length
    place = rng.randrange(start, len(content) - 8) if rng.random() < 0.8 else 4 + rng.randrange(max(1, min(60, start)))
    # Numbers there have seven bits a byte, the lowest first, and the highest bit tells that more come.
    new = rng.choice((bytes([rng.randrange(256)]), b"\xff\xff\xff\xff\x0f", b"\xfe" * 9 + b"\x01", b"\0"))
    end = place + (len(new) if rng.random() < 0.5 else 1)
    changed = content[:place] + new + content[end:]
    if place >= start:
        changed = changed[:-8] + (len(changed) - 8 - start).to_bytes(4, "little") + changed[-4:]
    return changed
