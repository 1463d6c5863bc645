"""Writing files and folders whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from kamerton.errors import OutputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a place beside ``path`` to write to, and rename it to ``path`` once the block ends without error.

    A reader sees the old file or the new one, never a half; after an error nothing is left behind. The last ending is
    kept (``model.partial.keras``), since some libraries look at it.
    """
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        # A disk that cannot be written holds nothing to take away, and must not hide the error above.
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, existing: Literal["refuse", "replace", "add"] = "refuse") -> Iterator[Path]:
    """Give a folder to fill, whose files are all at ``path`` once the block ends without error, and none after one.

    A new folder is filled where it is, since a file in it may name its own place. Of one that exists, ``refuse`` raises
    OutputError; ``replace`` puts the new folder in its place; ``add`` puts the new files among those that are there,
    over any of the same name, one by one. After an error all is as before. OutputError where it cannot be written.
    """
    try:
        if existing == "refuse" or not (path.exists() or path.is_symlink()):
            with _removed_after_error(path):
                yield path
        elif existing == "replace":
            # What a link leads to was not made here.
            _require_folder(path, is_own=not path.is_symlink())
            with _removed_after_error(_beside(path, "partial")) as partial:
                yield partial
                _swap(path, partial)
        else:
            _require_folder(path)
            with _removed_after_error(_beside(path / path.name, "partial")) as partial:
                yield partial
                _move_files(partial, path)
                partial.rmdir()
    except OSError as error:
        raise cannot_write(path, error) from error


def is_unfinished(folder: Path) -> bool:
    """Tell whether a killed process left this folder from the midst of `whole_folder`."""
    return folder.name.startswith(".") and folder.suffix in {".partial", ".former"}


def _beside(path: Path, kind: str) -> Path:
    """Name a folder that nobody else uses."""
    return path.with_name(f".{path.name}-{secrets.token_hex(4)}.{kind}")


def _require_folder(path: Path, *, is_own: bool = True) -> None:
    if not (path.is_dir() and is_own):
        raise OutputError(
            f"{path} cannot be written",
            received="a file or a link in its place",
            next_step="choose another name or move it away",
        )


@contextmanager
def _removed_after_error(folder: Path) -> Iterator[Path]:
    """Make a folder and its parents, and after an error take away those that were made."""
    missing = [place for place in folder.parents if not place.exists()]
    new_folder(folder)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        for place in missing:
            # Another process may use it by now.
            with suppress(OSError):
                place.rmdir()
        raise


def _swap(path: Path, partial: Path) -> None:
    """Put a folder in the place of another, which goes."""
    former = _beside(path, "former")
    try:
        path.rename(former)
        partial.rename(path)
    finally:
        if former.exists() and not path.exists():
            former.rename(path)
        shutil.rmtree(former, ignore_errors=True)
    _sync_folder(path.parent)


def _move_files(source: Path, target: Path) -> None:
    """Move the files of a folder into another, once it is known that none has a folder in its way."""
    files = sorted(source.iterdir())
    for file in files:
        if (target / file.name).is_dir():
            raise IsADirectoryError(errno.EISDIR, f"{file.name} is a folder there")
    for file in files:
        file.replace(target / file.name)
    _sync_folder(target)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder: partial files of `whole_file` and of safetensors."""
    for pattern in (".*.partial*", ".tmp*"):
        for path in folder.glob(pattern):
            if path.is_file():
                path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Let a new name survive a power cut as its content does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, read in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def json_sha256(content: Any) -> str:
    """SHA-256 of plain values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_text(path: Path, limit_bytes: int) -> str:
    """Read a text file in UTF-8; OSError where it cannot be read, ValueError where it is longer, or no text."""
    size_bytes = path.stat().st_size
    if not path.is_file() and not path.is_dir():
        raise ValueError("not a plain file")
    if size_bytes > limit_bytes:
        raise ValueError(f"{size_bytes} bytes are too long; at most {limit_bytes} bytes are read")
    return path.read_text(encoding="utf-8")


def read_json(path: Path, limit_bytes: int) -> Any:
    """Read a JSON file; OSError where it cannot be read, ValueError where it is longer, or not JSON."""
    try:
        return json.loads(read_text(path, limit_bytes))
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON; NaN and infinity are refused, for other programs cannot read them."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    with whole_file(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def new_folder(path: Path) -> Path:
    """Make a folder that must not exist yet; OutputError where it does or cannot be made."""
    try:
        path.mkdir(parents=True)
    except FileExistsError as error:
        raise OutputError(
            f"{path} exists already", next_step="choose another name or move it away; nothing was changed"
        ) from error
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def require_new(path: Path) -> None:
    """Refuse a file or folder that exists already, before any work is spent (OutputError)."""
    if path.exists() or path.is_symlink():
        raise OutputError(f"{path} exists already", next_step="choose another name or move it away")


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Say in one line why a place cannot be written."""
    return OutputError(
        f"{path} cannot be written",
        received=error.strerror or str(error),
        next_step="choose a place that you may write to and that has room",
    )
