"""One process at a time writes into a run folder: a lock that the kernel takes back when its process dies.

It is an ``flock`` on the file ``.lock``, which says who holds it and goes with it. Reading needs no lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from kamerton.errors import OutputError, warn
from kamerton.files import cannot_write

LOCK_FILE = ".lock"

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems answer that know no locks, as some of clusters do."""

HOLDER_BYTES = 500
"""So much of the file is shown."""

LOOKS, LOOK_SECONDS = 5, 0.01
"""Whoever only looks whether a run is being written (`holder`) holds it for less than this."""


@contextmanager
def locked(run: Path, doing: str) -> Iterator[None]:
    """Hold the run folder ``run`` until the block ends, and make it where it is not there; one left empty goes again.

    OutputError names the process that holds it already, or says why the folder cannot be written. Where the file
    system knows no locks, the block runs without one, with a warning.
    """
    made = [place for place in (run, *run.parents) if not place.exists()]
    try:
        run.mkdir(parents=True, exist_ok=True)
        descriptor = _take(run, doing)
    except OSError as error:
        _remove_empty(made)
        raise cannot_write(run, error) from error
    try:
        yield
    finally:
        try:
            with suppress(OSError):
                (run / LOCK_FILE).unlink()
        finally:
            os.close(descriptor)
        _remove_empty(made)


def _take(run: Path, doing: str) -> int:
    """Open the file and lock it; whoever held it may have removed it meanwhile, and then there is a new one."""
    place = run / LOCK_FILE
    while True:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, f"{place.name} is not a plain file")
            _lock(descriptor, run)
            if _is_still(place, descriptor):
                _sign(descriptor, doing)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def holder(run: Path) -> str | None:
    """Give what the process says of itself that writes into a run now; None where there is none.

    A file that a killed process left is not locked, and says nothing.
    """
    try:
        descriptor = os.open(run / LOCK_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, HOLDER_BYTES, 0).decode(errors="replace").strip()
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _lock(descriptor: int, run: Path) -> None:
    try:
        _lock_now(descriptor)
    except BlockingIOError as error:
        holder = os.pread(descriptor, HOLDER_BYTES, 0).decode(errors="replace").strip()
        raise OutputError(
            f"{run} is being written by another process",
            received=holder or "one that does not say who it is",
            next_step="wait until it has ended, or name another run",
        ) from error
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        warn(
            f"{run}: this file system knows no locks",
            received=error.strerror,
            next_step="see to it that no other process writes into this run meanwhile",
        )


def _lock_now(descriptor: int) -> None:
    """Lock, after whoever only looks; BlockingIOError where a process writes."""
    for look in range(LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if look == LOOKS - 1:
                raise
            time.sleep(LOOK_SECONDS)
        else:
            return


def _is_still(place: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(place.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sign(descriptor: int, doing: str) -> None:
    """Say who holds the lock; a full disk takes only the words."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{doing}, process {os.getpid()} on {socket.gethostname()}, since {now}".encode(), 0)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
