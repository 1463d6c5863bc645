"""The zip around a ``.keras`` file, opened so that no archive costs more memory or disk than a real model.

Every bound is looked up in the zip's directory before anything is unpacked, and holds while unpacking too: ``zipfile``
stops at the size that the directory declares, and a checksum tells where that was a lie.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kamerton.errors import ModelFileError
from kamerton.opening import plain_descriptor

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
ASSETS = "assets/"
"""An empty folder that some versions of Keras add."""

CONFIG_BYTES = 2 << 20
"""A longer config.json describes no network known here: AlexNet's is 16 KiB, one of 500 layers about 1 MiB."""

METADATA_BYTES = 64 << 10
"""metadata.json holds a version and a date."""

READ_BYTES = 1 << 20
"""Most that is read from the archive at once: a directory longer than this has thousands of entries."""

CHUNK_BYTES = 1 << 16

RATIO = 20
"""An archive may unpack to this many times its own size. Keras does not compress; weights shrink by a tenth."""

SMALL_BYTES = 16 << 20
"""Below this, the ratio does not matter."""

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


class KerasArchive:
    """An opened ``.keras`` file whose directory has passed every check."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self._archive = archive
        self._entries = _checked_entries(path, archive)

    def config(self) -> bytes:
        """Read config.json, at most CONFIG_BYTES."""
        content = io.BytesIO()
        self._unpack(self._entries[CONFIG], content)
        return content.getvalue()

    def _unpack(self, entry: zipfile.ZipInfo, place: IO[bytes]) -> None:
        with self._archive.open(entry) as packed:
            shutil.copyfileobj(packed, place, CHUNK_BYTES)

    @contextmanager
    def weights(self, limit_bytes: int) -> Iterator[IO[bytes]]:
        """Unpack model.weights.h5 to a nameless temporary file; ModelFileError where it is longer than the limit."""
        entry = self._entries[WEIGHTS]
        _require_size(self.path, entry, limit_bytes, "as its network with any optimizer needs")
        free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
        if entry.file_size > free_bytes:
            raise ModelFileError(
                f"{self.path}: no room to unpack {WEIGHTS}",
                received=f"{entry.file_size} bytes",
                allowed=f"{free_bytes} bytes, as are free in {tempfile.gettempdir()}",
                next_step="make room, or set TMPDIR to a place that has some",
            )
        with tempfile.TemporaryFile(prefix="kamerton-") as plain:
            self._unpack(entry, plain)
            plain.seek(0)
            if plain.read(len(HDF5_MAGIC)) != HDF5_MAGIC:
                raise ModelFileError(
                    f"{self.path}: this is not a model saved by Keras 3: {WEIGHTS} is no HDF5 file",
                    next_step="save it with `model.save('NAME.keras')`",
                )
            plain.seek(0)
            yield plain


@contextmanager
def open_archive(path: Path) -> Iterator[KerasArchive]:
    """Open a ``.keras`` file and check its directory. Raises ModelFileError, and whatever ``zipfile`` does."""
    try:
        file = _ModestFile(path, opener=plain_descriptor)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read", received=error.strerror, next_step="check the name") from error
    with file, zipfile.ZipFile(file) as archive:
        yield KerasArchive(path, archive)


class _ModestFile(io.FileIO):
    """A file that refuses long reads: ``zipfile`` reads a directory whole, however many entries it declares."""

    def read(self, size: int | None = -1, /) -> bytes:
        rest = os.fstat(self.fileno()).st_size - self.tell()
        if min(rest, size if size is not None and size >= 0 else rest) > READ_BYTES:
            raise zipfile.BadZipFile("its directory is too long for a model")
        return super().read(size) or b""


def _checked_entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Check every entry of the directory before one is unpacked."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        if entry.filename in entries:
            raise _refusal(path, entry, "is there twice")
        entries[entry.filename] = entry
        if entry.filename == ASSETS and entry.file_size == 0:
            continue
        if entry.filename not in {CONFIG, METADATA, WEIGHTS}:
            raise _refusal(path, entry, "has no place in a model")
        # The upper half holds the mode where the archive was made by a Unix, and zero elsewhere.
        if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
            raise _refusal(path, entry, "is a link or another special file")
        if entry.flag_bits & 0x1:
            raise _refusal(path, entry, "is encrypted")
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise _refusal(path, entry, f"is compressed by method {entry.compress_type}")
    for name, limit_bytes in ((CONFIG, CONFIG_BYTES), (METADATA, METADATA_BYTES)):
        if name in entries:
            _require_size(path, entries[name], limit_bytes, "for any known network")
    unpacked_bytes = sum(entry.file_size for entry in entries.values())
    allowed_bytes = max(SMALL_BYTES, RATIO * path.stat().st_size)
    if unpacked_bytes > allowed_bytes:
        raise ModelFileError(
            f"{path}: unpacks to too much, as a zip bomb does",
            received=f"{unpacked_bytes} bytes",
            allowed=f"{allowed_bytes} bytes, {RATIO} times the file",
            next_step="save it again with `model.save('NAME.keras')`",
        )
    return entries


def _require_size(path: Path, entry: zipfile.ZipInfo, limit_bytes: int, why: str) -> None:
    if entry.file_size > limit_bytes:
        raise ModelFileError(
            f"{path}: {entry.filename} is too long",
            received=f"{entry.file_size} bytes",
            allowed=f"{limit_bytes} bytes {why}",
            next_step="save it again with `model.save('NAME.keras')`",
        )


def _refusal(path: Path, entry: zipfile.ZipInfo, what: str) -> ModelFileError:
    return ModelFileError(
        f"{path}: an entry of the archive {what}",
        received=repr(entry.filename),
        allowed=f"{CONFIG}, {METADATA} and {WEIGHTS}, each a plain file",
        next_step="save it again with `model.save('NAME.keras')`",
    )
