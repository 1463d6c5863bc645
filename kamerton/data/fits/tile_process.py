"""The process in which compressed tiles are unpacked, so that no tile can harm the one that asked for it.

Run as a program: it waits at a socket, whose number is its one argument. For each request it forks, and what the fork
does to its memory ends with it. A request is one line of JSON with two open files, one to read and one to write.
Astropy's decompressors are C code of the nineties that trusts its input. This file is run by its path and imports
nothing of Kamerton, which keeps its start short.
"""

from __future__ import annotations

import io
import json
import math
import os
import resource
import socket
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

CHUNK_BYTES = 8 << 20
"""So much of an image is unpacked at once, or one layer of tiles."""

MESSAGE_BYTES = 1 << 20

STRUCTURE = ("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "EXTEND", "BLOCKED", "CHECKSUM", "DATASUM")
"""What the header of an unpacked image begins with anew, or has no more."""


class SharedFile(io.RawIOBase):
    """An open file of another process, read without moving the place that the two share."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._place, self._size = descriptor, 0, os.fstat(descriptor).st_size

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place."""
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def tell(self) -> int:
        """Tell the place."""
        return self._place

    def readinto(self, buffer: Any, /) -> int:
        """Read on."""
        content = os.pread(self._descriptor, len(buffer), self._place)
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)


def unpack(source: int, target: int, hdus: Sequence[tuple[int, int, str | None]]) -> None:
    """Copy a FITS file with its compressed images as plain ones.

    ``hdus`` holds of each HDU where it begins and ends, and how its image is compressed.
    """
    with (
        open(target, "wb", closefd=False) as plain,
        fits.open(io.BufferedReader(SharedFile(source)), memmap=False, do_not_scale_image_data=True) as packed,
    ):
        for number, (start, end, compression) in enumerate(hdus):
            if compression is None:
                for place in range(start, end, CHUNK_BYTES):
                    plain.write(os.pread(source, min(CHUNK_BYTES, end - place), place))
            else:
                _write_image(packed[number], number, compression, plain)


def _write_image(hdu: Any, number: int, compression: str, plain: io.BufferedWriter) -> None:
    header = _plain_header(hdu, compression)
    plain.write(header.tostring().encode("ascii"))
    dtype = np.dtype({8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}[header["BITPIX"]])
    row_bytes = dtype.itemsize * math.prod(hdu.shape[1:])
    layer = hdu.tile_shape[0]
    step = layer * max(1, CHUNK_BYTES // max(1, row_bytes * layer))
    for start in range(0, hdu.shape[0], step):
        stop = min(start + step, hdu.shape[0])
        try:
            values = np.ascontiguousarray(hdu.section[start:stop], dtype)
        except Exception as error:
            what = f"rows {start} to {stop - 1} of the first axis" if len(hdu.shape) < 4 else f"images from {start}"
            raise ValueError(f"HDU {number}, {what}: {type(error).__name__}: {error}") from error
        plain.write(values.tobytes())
    plain.write(bytes(-row_bytes * hdu.shape[0] % 2880))


def _plain_header(hdu: Any, compression: str) -> fits.Header:
    sides = reversed(hdu.shape)
    first: list[Any] = [("XTENSION", "IMAGE   "), ("BITPIX", hdu.header["BITPIX"]), ("NAXIS", len(hdu.shape))]
    first += [(f"NAXIS{axis}", side) for axis, side in enumerate(sides, start=1)]
    first.extend([("PCOUNT", 0), ("GCOUNT", 1), ("ZCMPTYPE", compression, "before it was unpacked")])
    kept = [card for card in hdu.header.cards if card.keyword.rstrip("0123456789") not in STRUCTURE]
    return fits.Header([*first, *kept])


def _work(request: dict[str, Any], descriptors: Sequence[int], line: socket.socket) -> None:
    """Serve one request in a fork, which ends here."""
    code = 1
    try:
        limits = {"RLIMIT_CORE": 0, "RLIMIT_CPU": request["seconds"], "RLIMIT_FSIZE": request["file_bytes"]}
        for name, limit in limits.items():
            resource.setrlimit(getattr(resource, name), (limit, limit))
        # What the process has by now comes on top; systems that do not count address space have no such limit.
        with suppress(OSError, ValueError):
            in_use_pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            limit = in_use_pages * os.sysconf("SC_PAGE_SIZE") + request["memory_bytes"]
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", AstropyWarning)
            warnings.filterwarnings("error", message="(?s).*(truncated|smaller than the expected|file is corrupted)")
            source, target = descriptors
            unpack(source, target, request["hdus"])
        code = 0
    # Whatever Astropy raises for a damaged tile is the answer.
    except BaseException as error:  # noqa: BLE001
        said = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        line.sendall(json.dumps({"error": said[:1000]}).encode() + b"\n")
    finally:
        os._exit(code)


def serve(line: socket.socket) -> None:
    """Answer requests until the other end is closed: one line of JSON that tells how the fork ended."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(line, MESSAGE_BYTES, 2)
        while message and not message.endswith(b"\n"):
            message += line.recv(MESSAGE_BYTES)
        if not message:
            return
        fork = os.fork()
        if fork == 0:
            _work(json.loads(message), descriptors, line)
        status = os.waitpid(fork, 0)[1]
        for descriptor in descriptors:
            os.close(descriptor)
        line.sendall(json.dumps({"ended": os.waitstatus_to_exitcode(status)}).encode() + b"\n")


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
