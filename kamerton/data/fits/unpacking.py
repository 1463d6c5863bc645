"""A gzipped file as a plain one on disk, so that any galaxy can be read without unpacking those before it."""

from __future__ import annotations

import gzip
import logging
import os
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import IO

from kamerton.errors import FitsError
from kamerton.opening import open_plain

LOG = logging.getLogger(__name__)

GZIP_MAGIC = b"\x1f\x8b"
CHUNK_BYTES = 1 << 20

RATIO = 200
"""A file, gzipped or in compressed tiles, may unpack to this many times its own size.

Galaxies give 2 to 10, a blank sky of bytes about 1000.
"""

SMALL_BYTES = 64 << 20
"""Below this, the ratio does not matter."""


def as_plain_file(path: Path) -> IO[bytes]:
    """Open a file for reading; a gzipped one is first unpacked to a nameless temporary file, in constant memory.

    Raises FitsError where the file is missing, empty, unreadable or damaged.
    """
    try:
        file = open_plain(path)
    except OSError as error:
        raise FitsError(
            f"{path}: cannot be opened", received=error.strerror, next_step="check the name and your permissions"
        ) from error
    LOG.info("reading %s", path)
    head = file.read(2)
    file.seek(0)
    if not head:
        file.close()
        raise FitsError(f"{path}: an empty file", received="0 bytes", next_step="fetch or write it again")
    return _unpacked(path, file) if head == GZIP_MAGIC else file


def _unpacked(path: Path, packed: IO[bytes]) -> IO[bytes]:
    with packed, tempfile.NamedTemporaryFile(prefix="kamerton-") as plain:
        try:
            _unpack(path, packed, plain)
            plain.flush()
        except FitsError:
            raise
        except (OSError, EOFError, zlib.error) as error:
            raise FitsError(
                f"{path}: cannot be unpacked", received=f"{type(error).__name__}: {error}", next_step="fetch it again"
            ) from error
        # Opened again to read only; the name goes at the end of the block, the content when the file is closed.
        return Path(plain.name).open("rb")


def _unpack(path: Path, packed: IO[bytes], plain: IO[bytes]) -> None:
    """Unpack in constant memory, and stop where a gzip bomb goes on: the format does not say how much comes."""
    packed_bytes = os.fstat(packed.fileno()).st_size
    free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    limit_bytes = min(max(SMALL_BYTES, RATIO * packed_bytes), free_bytes)
    with gzip.GzipFile(fileobj=packed) as unpacking:
        while chunk := unpacking.read(CHUNK_BYTES):
            if plain.tell() + len(chunk) > limit_bytes:
                raise FitsError(
                    f"{path}: unpacks to too much",
                    received=f"more than {limit_bytes} bytes from {packed_bytes}",
                    allowed=f"{RATIO} times the file, and the {free_bytes} bytes free in {tempfile.gettempdir()}",
                    next_step="unpack it with gunzip if you trust it, and set TMPDIR where there is room",
                )
            plain.write(chunk)
