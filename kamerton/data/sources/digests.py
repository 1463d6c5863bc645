"""SHA-256 by which a source is known again, quickly: another one at the same place has another."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from kamerton.errors import DataError
from kamerton.opening import open_plain

END_BYTES = 1 << 20
"""Of a large file its size and so many bytes at each end are taken: headers, and the last rows."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's size, and of its first and its last MiB; DataError where it cannot be read."""
    try:
        with open_plain(path) as file:
            size_bytes = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(f"{size_bytes} ".encode())
            digest.update(file.read(END_BYTES))
            file.seek(max(END_BYTES, size_bytes - END_BYTES))
            digest.update(file.read(END_BYTES))
    except OSError as error:
        raise _cannot_be_read(path, error) from error
    return digest.hexdigest()


def folder_digest(path: Path) -> str:
    """SHA-256 of the names in a folder, without those in folders inside, and of the sizes of its files."""
    digest = hashlib.sha256()
    try:
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                # The size of a folder is the file system's business.
                size = entry.stat(follow_symlinks=False).st_size if entry.is_file(follow_symlinks=False) else ""
                digest.update(os.fsencode(entry.name) + f"\0{size}\0".encode())
    except OSError as error:
        raise _cannot_be_read(path, error) from error
    return digest.hexdigest()


def _cannot_be_read(path: Path, error: OSError) -> DataError:
    return DataError(f"{path}: cannot be read", received=error.strerror, next_step="check the name and permissions")
