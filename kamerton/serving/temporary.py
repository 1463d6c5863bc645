"""A folder for all that the page puts aside: it goes with its server, or with the next one where that was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "kamerton-page-"

LOCK_FILE = ".kamerton-serve"
"""Is locked as long as the folder's server lives, however it ends; a folder without it may be anybody's."""


@contextmanager
def temporary_files_in_own_folder() -> Iterator[Path]:
    """Let all temporary files of this process be in a folder of its own until the block ends, and then be gone.

    Folders that servers of the same user have left, because they were killed, are taken away first.
    """
    before = tempfile.tempdir
    around = Path(tempfile.gettempdir())
    take_away_left_ones(around)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=around))
    descriptor = _lock(folder)
    tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        _take_away(folder)
        os.close(descriptor)


def take_away_left_ones(around: Path) -> None:
    """Take away the folders whose servers are gone; whatever is not known to be such a folder stays."""
    with suppress(OSError):
        for folder in around.glob(f"{PREFIX}*"):
            _take_away_left(folder)


def _take_away_left(folder: Path) -> None:
    try:
        own = folder.lstat()
        if not stat.S_ISDIR(own.st_mode) or own.st_uid != os.getuid():
            return
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _take_away(folder)
    except OSError:
        # A server lives there.
        return
    finally:
        os.close(descriptor)


def _lock(folder: Path) -> int:
    """Lock the folder's file before it has the name by which others look for it."""
    unnamed = folder / f"{LOCK_FILE}-new"
    descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    # Where there are no locks, as on some network disks, nobody can know whose the folder is, and it has no such file.
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(folder / LOCK_FILE)
    return descriptor


def _take_away(folder: Path) -> None:
    """Remove a folder, its file last, so that what cannot be removed now is still known for what it is."""
    with suppress(OSError):
        for entry in list(folder.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != LOCK_FILE:
                entry.unlink()
        if [entry.name for entry in folder.iterdir()] in ([], [LOCK_FILE]):
            (folder / LOCK_FILE).unlink(missing_ok=True)
            folder.rmdir()
