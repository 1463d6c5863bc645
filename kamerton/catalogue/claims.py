"""Which process makes which shard, where several work on one catalogue: locks that the kernel takes back."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from kamerton.errors import warn
from kamerton.opening import plain_descriptor
from kamerton.runs.lock import NO_LOCKS

CLAIMS = ".claims"
"""Folder of the locks, in that of the catalogue; it goes when the last process leaves it."""

OWN_CLAIM = re.compile(r"manifest|file|\d{6,}")
"""Names of pieces of work: the list of the galaxies, the one file that is made, a shard. Other files are not ours."""


class Claim:
    """A piece of work that this process does and no other; a process that dies claims nothing any more."""

    def __init__(self, place: Path, descriptor: int) -> None:
        self._place, self._descriptor = place, descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def release(self) -> None:
        """Let others have it."""
        try:
            with suppress(OSError):
                self._place.unlink()
        finally:
            os.close(self._descriptor)
        with suppress(OSError):
            self._place.parent.rmdir()


def claim(out: Path, name: str, *, wait: bool) -> Claim | None:
    """Claim the piece of work ``name`` of the catalogue in ``out``; None where another process has it, unless to wait.

    Where the file system knows no locks, every claim holds, with a warning. OSError where nothing can be written.
    """
    place = out / CLAIMS / name
    while True:
        descriptor = _open(place)
        try:
            is_ours = _lock(out, descriptor, wait)
            # Whoever held it before has removed the file, and then there is a new one.
            if is_ours and _is_still(place, descriptor):
                return Claim(place, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not is_ours:
            return None


@contextmanager
def taking_part(record: Path) -> Iterator[Callable[[], bool]]:
    """Take part in the work on the catalogue of this record; what is given tells whether nobody else does any more.

    Whoever has been told so is the last: of several that ask at once, one is. OSError where the record is gone.
    """
    descriptor = plain_descriptor(str(record), os.O_RDONLY)
    try:
        with _without_locks():
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield lambda: _is_alone(descriptor)
    finally:
        os.close(descriptor)


def _is_alone(descriptor: int) -> bool:
    try:
        with _without_locks():
            # Its own share is given back first, so that of two one is told so.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _without_locks() -> Iterator[None]:
    """Go on where the file system knows no locks, of which `claim` warns."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise


def remove_dead_claims(out: Path) -> None:
    """Take away what killed processes left of their claims; those of living ones stay."""
    folder = out / CLAIMS
    for place in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []:
        if not OWN_CLAIM.fullmatch(place.name) or place.is_symlink() or not place.is_file():
            continue
        found = claim(out, place.name, wait=False)
        if found is not None:
            found.release()


def _open(place: Path) -> int:
    while True:
        place.parent.mkdir(exist_ok=True)
        if place.parent.is_symlink():
            raise OSError(errno.ELOOP, f"{CLAIMS} is a link, and what it leads to is not the catalogue's")
        # The process before may take the empty folder away just now.
        with suppress(FileNotFoundError):
            return os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def _lock(out: Path, descriptor: int, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        warn(
            f"{out}: this file system knows no locks",
            received=error.strerror,
            next_step="see to it that one process at a time writes this catalogue",
        )
    return True


def _is_still(place: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(place.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
