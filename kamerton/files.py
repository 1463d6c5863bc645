"""Writing files and folders whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from kamerton.errors import OutputError
from kamerton.opening import open_plain

SAFETENSORS_OWN = re.compile(r"\.tmp\w+")
"""The file that safetensors fills before it gives it the name that it was told."""

MOST_NESTED = 64
"""Levels of JSON; no file that is read here has a dozen."""

OR_OVERWRITE = "choose another name, move it away, or replace it with --overwrite"
"""The next step where a place is taken and the command can replace what it wrote there."""

UNFINISHED = re.compile(r"\..+-[0-9a-f]{8}\.(partial|former)", re.DOTALL)
"""The folders of `whole_folder` before they have their names."""


@contextmanager
def whole_file(path: Path, *, apart: bool = False) -> Iterator[Path]:
    """Give a place beside ``path`` to write to, and rename it to ``path`` once the block ends without error.

    A reader sees the old file or the new one, never a half; after an error nothing is left behind. The last ending is
    kept (``model.partial.keras``), since some libraries look at it. With ``apart`` the place is in a folder of its own,
    for safetensors, which writes a further file beside the one that it was told.
    """
    partial = partial_path(path)
    place = partial / path.name if apart else partial
    try:
        # What a killed process left there; a link would be written through.
        remove_partial(path)
        if apart:
            partial.mkdir()
        yield place
        with place.open("rb") as written:
            os.fsync(written.fileno())
        place.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        # A disk that cannot be written holds nothing to take away, and must not hide the error above.
        with suppress(OSError):
            remove_partial(path)


def partial_path(path: Path) -> Path:
    """Name the place where `whole_file` writes what becomes ``path``."""
    return path.with_name(f".{path.stem}.partial{path.suffix}")


def remove_partial(path: Path) -> None:
    """Remove what a killed process left of writing ``path``; OSError where something else is in its place."""
    partial = partial_path(path)
    if partial.is_symlink() or not partial.is_dir():
        partial.unlink(missing_ok=True)
        return
    for left in partial.iterdir():
        if left.name == path.name or SAFETENSORS_OWN.fullmatch(left.name):
            left.unlink()
    partial.rmdir()


@contextmanager
def whole_folder(
    path: Path, existing: Literal["refuse", "replace", "add"] = "refuse", own: Collection[str] = ()
) -> Iterator[Path]:
    """Give a folder to fill, whose files are all at ``path`` once the block ends without error, and none after one.

    With ``refuse`` and ``add`` a new folder is filled where it is, since a file in it may name its own place. Of one
    that exists, ``refuse`` raises OutputError; ``replace`` puts the new folder in its place, where that holds no file
    but those named in ``own``, and of several processes at once the last to end does so; ``add`` puts the new files
    among those that are there, over any of the same name, one by one. After an error all is as before. OutputError
    where it cannot be written.
    """
    try:
        if existing == "replace" and path.name:
            _settle(path, own)
        if existing == "replace":
            if os.path.lexists(path):
                require_own_folder(path, own)
                _require_another_place(path)
            with _removed_after_error(_beside(path, "partial")) as partial, _held(partial):
                yield partial
                if os.path.lexists(path):
                    require_own_folder(path, own)
                    _swap(path, partial, own)
                else:
                    partial.rename(path)
                    _sync_folder(path.parent)
        elif existing == "refuse" or not os.path.lexists(path):
            with _removed_after_error(path):
                yield path
        else:
            _require_folder(path)
            with _removed_after_error(_beside(path / path.resolve().name, "partial")) as partial:
                yield partial
                _move_files(partial, path)
                partial.rmdir()
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def new_whole_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside ``path`` to fill, which gets that name once the block ends without error.

    A process that is killed leaves nothing at ``path``, so its files must not name their own place. OutputError where
    ``path`` exists or cannot be written.
    """
    require_new(path)
    try:
        with _removed_after_error(_beside(path, "partial")) as partial:
            yield partial
            _sync_folder(partial)
            # What was made there meanwhile is not written over: only an empty folder would be.
            require_new(path)
            partial.rename(path)
            _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def is_unfinished(folder: Path) -> bool:
    """Tell whether a killed process left this folder from the midst of `whole_folder`."""
    return UNFINISHED.fullmatch(folder.name) is not None


def require_only(folder: Path, own: Collection[str]) -> None:
    """Refuse a folder that holds more than the files named in ``own`` (OutputError): it would be lost."""
    foreign = sorted(place.name for place in folder.iterdir() if not _is_own(place, own))
    if foreign:
        raise OutputError(
            f"{folder} holds something that was not made here, which would be lost",
            received=", ".join(foreign),
            next_step="move it away",
        )


def _is_own(place: Path, own: Collection[str]) -> bool:
    """Tell whether a file is one of those named, or what a killed process left of writing one."""
    names = {*own, *(partial_path(Path(name)).name for name in own)}
    return place.name in names and (place.is_symlink() or not place.is_dir())


def _settle(path: Path, own: Collection[str]) -> None:
    """Set right what a process left that was killed while it put a folder in the place of ``path``."""
    if not path.parent.is_dir():
        return
    for left in sorted(path.parent.iterdir()):
        if not (is_unfinished(left) and left.name[1:].rpartition("-")[0] == path.name) or left.is_symlink():
            continue
        if _is_held(left):
            continue
        if left.suffix == ".former" and not path.exists():
            left.rename(path)
        else:
            remove_own(left, own)


def remove_own(folder: Path, own: Collection[str]) -> None:
    """Remove the files of a folder that are named, and the folder where nothing else is in it."""
    with suppress(OSError):
        for place in folder.iterdir():
            if _is_own(place, own):
                place.unlink()
        folder.rmdir()


def _require_another_place(path: Path) -> None:
    """Refuse to replace the folder that this process works in: it would be left in none."""
    if path.resolve() == Path.cwd():
        raise OutputError(
            f"{path} is the folder that you work in, and cannot be replaced as a whole",
            next_step="go elsewhere and name it from there",
        )


def _beside(path: Path, kind: str) -> Path:
    """Name a folder that nobody else uses."""
    return path.with_name(f".{path.name}-{secrets.token_hex(4)}.{kind}")


def require_own_folder(path: Path, own: Collection[str]) -> None:
    """Refuse what is no folder but a file or a link, or holds more than the files named in ``own`` (OutputError)."""
    # What a link leads to was not made here.
    _require_folder(path, is_own=not path.is_symlink())
    try:
        require_only(path, own)
    except OSError as error:
        raise cannot_write(path, error) from error


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
    if is_unfinished(folder):
        # An error names the place that was asked for, and not this one.
        folder.mkdir(parents=True)
    else:
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


def _swap(path: Path, partial: Path, own: Collection[str]) -> None:
    """Put a folder in the place of another, which goes."""
    former = _beside(path, "former")
    with _held(path):
        try:
            path.rename(former)
            partial.rename(path)
        finally:
            if former.exists() and not path.exists():
                former.rename(path)
            remove_own(former, own)
    _sync_folder(path.parent)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Show others that a living process works on a folder, whatever its name becomes; where there are no locks, not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _is_held(folder: Path) -> bool:
    """Tell whether a living process works on it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(descriptor)
    return False


def _move_files(source: Path, target: Path) -> None:
    """Move the files of a folder into another, once it is known that none has a folder in its way."""
    files = sorted(source.iterdir())
    for file in files:
        if (target / file.name).is_dir():
            raise IsADirectoryError(errno.EISDIR, f"{file.name} is a folder there")
    for file in files:
        file.replace(target / file.name)
    _sync_folder(target)


def _sync_folder(folder: Path) -> None:
    """Let a new name survive a power cut as its content does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, read in constant memory."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def json_sha256(content: Any) -> str:
    """SHA-256 of plain values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_text(path: Path, limit_bytes: int) -> str:
    """Read a text file in UTF-8; OSError where it cannot be read, ValueError where it is longer, or no text."""
    with open_plain(path) as file, io.TextIOWrapper(file, encoding="utf-8") as text:
        size_bytes = os.fstat(file.fileno()).st_size
        if size_bytes > limit_bytes:
            raise ValueError(f"{size_bytes} bytes are too long; at most {limit_bytes} bytes are read")
        return text.read()


def read_json(path: Path, limit_bytes: int) -> Any:
    """Read a JSON file; OSError where it cannot be read, ValueError where it is longer, nested deeper, or not JSON."""
    too_deep = f"JSON that is nested too deeply; at most {MOST_NESTED} levels are read"
    try:
        content = json.loads(read_text(path, limit_bytes))
    except RecursionError as error:
        raise ValueError(too_deep) from error
    # What just can be parsed may break whatever compares or shows it.
    level = _tables_and_lists([content])
    for _ in range(MOST_NESTED):
        level = _tables_and_lists(part for one in level for part in (one.values() if isinstance(one, dict) else one))
    if level:
        raise ValueError(too_deep)
    return content


def _tables_and_lists(parts: Iterable[Any]) -> list[dict[str, Any] | list[Any]]:
    return [part for part in parts if isinstance(part, dict | list)]


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON; NaN and infinity are refused, for other programs cannot read them."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    with whole_file(path) as partial:
        # Bytes of a file name that are no UTF-8 become JSON's own escapes, which are read back as they were.
        partial.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


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


def require_new(path: Path, next_step: str = "choose another name or move it away") -> None:
    """Refuse a place that is taken, or that cannot be written, before any work is spent (OutputError)."""
    try:
        is_taken = path.exists() or path.is_symlink()
    except OSError as error:
        raise cannot_write(path, error) from error
    if is_taken:
        raise OutputError(f"{path} exists already", next_step=next_step)
    require_writable(path)


def require_writable(path: Path) -> None:
    """Refuse a place where no folder or file can be made or replaced, before any work is spent (OutputError).

    A disk may still turn out to be full, or to be another than it says, when it is written to.
    """
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    number = 0
    if not folder.is_dir():
        number = errno.ENOTDIR
    elif not os.access(folder, os.W_OK | os.X_OK):
        number = errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else errno.EACCES
    if number:
        raise cannot_write(path, OSError(number, os.strerror(number)))


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Say in one line why a place cannot be written."""
    return OutputError(
        f"{path} cannot be written",
        received=error.strerror or str(error),
        next_step="choose a place that you may write to and that has room",
    )
