"""A file with tile-compressed images as a plain one on disk, unpacked in a process of its own.

The decompressors write and read beyond their tiles where these lie, and take the process with them. So they run in
`tile_process`, once and with limits of memory, time and disk; whatever comes of it is one error here.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

from kamerton.data.fits.compressed import check_tiles
from kamerton.data.fits.structure import BLOCK_BYTES, HduLayout, check_structure
from kamerton.data.fits.unpacking import RATIO, SMALL_BYTES
from kamerton.errors import FitsError

PROGRAM = Path(__file__).with_name("tile_process.py")

MEMORY_BYTES = 1 << 30
"""Memory that a process may take to unpack a file: several times the largest tile, which is 256 MiB."""

SECONDS = 120
"""Processor time that it may take for a file, and as much again for each GIB of image and million tiles."""

ANSWER_BYTES = 1 << 16


class UnpackedFile(io.FileIO):
    """An unpacked file, which closes the packed one with itself."""

    def __init__(self, path: str, packed: IO[bytes]) -> None:
        super().__init__(path, "rb")
        self._packed = packed

    def close(self) -> None:
        """Close both."""
        self._packed.close()
        super().close()


def is_compressed(layouts: Sequence[HduLayout]) -> bool:
    """Tell whether a file holds images in compressed tiles."""
    return any(layout.compressed for layout in layouts)


def unpack_tiles(path: Path, file: IO[bytes], layouts: Sequence[HduLayout]) -> IO[bytes]:
    """Unpack an open file to a nameless temporary one; its HDUs keep their numbers, and closing it closes both.

    ``path`` names the file, which may be gzipped. Raises FitsError where a tile is damaged, lies, or unpacks to more
    than ``RATIO`` times the file.
    """
    for number, layout in enumerate(layouts):
        if layout.compressed is not None:
            check_tiles(f"{path} HDU {number}", file, layout.data, layout.data_bytes, layout.compressed)
    plain_bytes = _plain_bytes(layouts)
    _check_room(path, plain_bytes)
    with tempfile.NamedTemporaryFile(prefix="kamerton-") as plain:
        error = _helper(os.getpid()).ask(file.fileno(), plain.fileno(), _request(layouts, plain_bytes))
        if error:
            raise FitsError(
                f"{path}: a compressed image cannot be unpacked",
                received=error,
                next_step="fetch the file again, or unpack it with funpack and check it",
            )
        # Opened again to read only; the name goes at the end of the block, the content when the file is closed.
        unpacked = UnpackedFile(plain.name, file)
    try:
        check_structure(path, unpacked)
    except BaseException:
        io.FileIO.close(unpacked)
        raise
    return unpacked


def _plain_bytes(layouts: Sequence[HduLayout]) -> int:
    """Say how long the unpacked file may be."""
    images = sum(layout.compressed.image_bytes + BLOCK_BYTES for layout in layouts if layout.compressed)
    return images + sum(layout.end - layout.header for layout in layouts)


def _check_room(path: Path, plain_bytes: int) -> None:
    packed_bytes = path.stat().st_size
    free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    limit_bytes = min(max(SMALL_BYTES, RATIO * packed_bytes), free_bytes)
    if plain_bytes > limit_bytes:
        raise FitsError(
            f"{path}: unpacks to too much",
            received=f"up to {plain_bytes} bytes from {packed_bytes}",
            allowed=f"{RATIO} times the file, and the {free_bytes} bytes free in {tempfile.gettempdir()}",
            next_step="unpack it with funpack if you trust it, and set TMPDIR where there is room",
        )


def _request(layouts: Sequence[HduLayout], plain_bytes: int) -> dict[str, Any]:
    tiles = sum(layout.compressed.tiles for layout in layouts if layout.compressed)
    return {
        "hdus": [
            (layout.header, layout.end, layout.compressed and layout.compressed.compression) for layout in layouts
        ],
        "file_bytes": plain_bytes,
        "memory_bytes": MEMORY_BYTES,
        "seconds": SECONDS * (1 + plain_bytes // (1 << 30) + tiles // 1_000_000),
    }


class Helper:
    """The process that unpacks, started when it is first needed, and again where it has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def ask(self, source: int, target: int, request: dict[str, Any]) -> str:
        """Let it unpack one open file into another, and give what went wrong, or nothing."""
        with self._lock:
            try:
                return self._ask(source, target, json.dumps(request).encode() + b"\n")
            except (OSError, ValueError, LookupError) as error:
                self.close()
                return f"the process that unpacks it failed: {error}"
            except BaseException:
                # Its answer would be taken for that of the next file.
                self.close()
                raise

    def _ask(self, source: int, target: int, request: bytes) -> str:
        line = self._started()
        sent = socket.send_fds(line, [request], [source, target])
        line.sendall(request[sent:])
        error = ""
        with line.makefile("rb") as answers:
            while answer := answers.readline(ANSWER_BYTES):
                told = json.loads(answer)
                if "ended" in told:
                    return error or _ending(told["ended"])
                error = str(told["error"])
        raise OSError("it ended too early")

    def _started(self) -> socket.socket:
        if self._line is not None and self.process is not None and self.process.poll() is None:
            return self._line
        self.close()
        self._line, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                # Without the folder of the program in the path, where modules have names of others.
                [sys.executable, "-P", str(PROGRAM), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # One thread, since it forks; and not stopped by the Ctrl-C that asks a training to end.
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
        return self._line

    def close(self) -> None:
        """Let it go."""
        if self._line is not None:
            self._line.close()
        if self.process is not None:
            # With its fork, if there is one.
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._line = self.process = None


@cache
def _helper(_process: int) -> Helper:
    """Give the helper of this very process: one that was forked has none yet."""
    helper = Helper()
    atexit.register(helper.close)
    return helper


def _ending(code: int) -> str:
    """Say how the process ended that did not tell an error."""
    if code == 0:
        return ""
    if code == -signal.SIGXCPU:
        return "it takes too long"
    name = signal.Signals(-code).name if code < 0 else f"exit {code}"
    return f"its tiles break the decompressor ({name})"
