"""Seeded mutations of any bytes. The same seed gives the same bytes."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from collections.abc import Callable

Mutation = Callable[[bytes, random.Random], bytes]

NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    9,
    16,
    17,
    255,
    256,
    999,
    4096,
    65_535,
    2**31 - 1,
    2**31,
    2**32 - 1,
    10**12,
    2**62,
    2**63 - 1,
)
UNREADABLE = (
    *(OSError, EOFError, LookupError, RuntimeError, ValueError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""What a file that earlier mutations broke may raise here; then its bytes are changed instead."""

LONGEST = 1 << 20
"""Mutations do not make files longer than this by more than one step."""


def flip_bits(content: bytes, rng: random.Random) -> bytes:
    """Flip one to sixteen bits anywhere."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite_run(content: bytes, rng: random.Random) -> bytes:
    """Overwrite a run of bytes with zeros, ones or noise."""
    start, length = _place(content, rng)
    fill = rng.choice((b"\0", b"\xff", b" ", b""))
    return content[:start] + (fill * length or rng.randbytes(length)) + content[start + length :]


def overwrite_number(content: bytes, rng: random.Random) -> bytes:
    """Write a number that programs stumble over, as an integer of 1 to 8 bytes."""
    width = rng.choice((1, 2, 4, 8))
    start = rng.randrange(max(1, len(content) - width))
    number = rng.choice(NUMBERS) & (256**width - 1)
    return content[:start] + number.to_bytes(width, rng.choice(("little", "big"))) + content[start + width :]


def truncate(content: bytes, rng: random.Random) -> bytes:
    """Cut the end off."""
    return content[: rng.choice((rng.randrange(len(content) + 1), max(0, len(content) - rng.randrange(1, 4000))))]


def delete_run(content: bytes, rng: random.Random) -> bytes:
    """Take a run of bytes out."""
    start, length = _place(content, rng)
    return content[:start] + content[start + length :]


def repeat_run(content: bytes, rng: random.Random) -> bytes:
    """Repeat a run of bytes."""
    start, length = _place(content, rng)
    times = rng.choice((1, 1, 2, 50)) if len(content) < LONGEST else 0
    return content[:start] + content[start : start + length] * (times + 1) + content[start + length :]


def move_run(content: bytes, rng: random.Random) -> bytes:
    """Copy a run of bytes over another place, as a bad sector or a splice does."""
    start, length = _place(content, rng)
    target = rng.randrange(len(content) + 1)
    return content[:target] + content[start : start + length] + content[target + length :]


def append(content: bytes, rng: random.Random) -> bytes:
    """Add noise, or the file once more, at the end."""
    return content + (rng.randbytes(rng.randrange(1, 5000)) if rng.random() < 0.7 else content[:LONGEST])


BYTES: tuple[Mutation, ...] = (
    *(flip_bits, overwrite_run, overwrite_number, truncate, delete_run, repeat_run, move_run, append),
)


def _place(content: bytes, rng: random.Random) -> tuple[int, int]:
    return rng.randrange(len(content) + 1), rng.choice((1, 4, 8, 80, 80, 512, 2880, rng.randrange(1, 5000)))
