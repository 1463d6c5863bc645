"""A gzipped file as a plain one on disk, so that any galaxy can be read without unpacking those before it."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import IO

from kamerton.errors import CubeError

GZIP_MAGIC = b"\x1f\x8b"
CHUNK_BYTES = 1 << 20


def as_plain_file(path: Path) -> IO[bytes]:
    """Open a file for reading; a gzipped one is first unpacked to a nameless temporary file, in constant memory.

    Raises CubeError where the file is missing, empty, unreadable or damaged.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise CubeError(
            f"{path}: cannot be opened", received=error.strerror, next_step="check the name and your permissions"
        ) from error
    head = file.read(2)
    file.seek(0)
    if not head:
        file.close()
        raise CubeError(f"{path}: an empty file", received="0 bytes", next_step="fetch or write it again")
    return _unpacked(path, file) if head == GZIP_MAGIC else file


def _unpacked(path: Path, packed: IO[bytes]) -> IO[bytes]:
    with packed, tempfile.NamedTemporaryFile(prefix="kamerton-") as plain:
        try:
            with gzip.GzipFile(fileobj=packed) as unpacking:
                shutil.copyfileobj(unpacking, plain, CHUNK_BYTES)
            plain.flush()
        except (OSError, EOFError, zlib.error) as error:
            raise CubeError(
                f"{path}: cannot be unpacked", received=f"{type(error).__name__}: {error}", next_step="fetch it again"
            ) from error
        # Opened again to read only; the name goes at the end of the block, the content when the file is closed.
        return Path(plain.name).open("rb")
