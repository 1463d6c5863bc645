"""Opening a file to read it, if it is a file: a pipe would wait for ever, and a device has no end."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


def open_plain(path: Path) -> BufferedReader:
    """Open a file on disk to read its bytes; OSError for anything else: pipes, sockets, devices, folders."""
    return open(path, "rb", opener=plain_descriptor)


def plain_descriptor(path: str, flags: int) -> int:
    """Open a file as ``open`` and ``io.FileIO`` wish (their ``opener``), and only then look at what it is.

    A look before would be of another file, where somebody changes it meanwhile. A pipe that is opened so does not wait.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "not a plain file", path)
