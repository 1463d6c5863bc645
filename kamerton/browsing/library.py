"""The catalogues below a folder, each opened once for all who look at it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from kamerton.browsing.catalogue import Browsed
from kamerton.browsing.found import catalogues_below
from kamerton.catalogue.record import RECORD_FILE
from kamerton.errors import KamertonError, UnknownNameError

CATALOGUES_OPEN = 16

Stamp = tuple[int, int, int]


class Library:
    """Finds catalogues by name, and opens one again where it is not what it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._found: dict[str, Path] = {}
        self._open: OrderedDict[str, tuple[Stamp, Browsed]] = OrderedDict()
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Look for catalogues anew."""
        self._found = catalogues_below(self.folder)
        return list(self._found)

    def get(self, name: str) -> tuple[Browsed, str]:
        """Open a catalogue, and give what tells this state of it from another.

        UnknownNameError lists those that there are, DataError says what is wrong with one.
        """
        with self._lock:
            if name not in self._found and name not in self.names():
                raise UnknownNameError("catalogue", name, self._found)
            stamp = _stamp(self._found[name])
            if name in self._open and self._open[name][0] != stamp:
                self._open.pop(name)[1].close()
            if name not in self._open:
                self._open[name] = stamp, Browsed(self._found[name])
            self._open.move_to_end(name)
            while len(self._open) > CATALOGUES_OPEN:
                self._open.popitem(last=False)[1][1].close()
            return self._open[name][1], "-".join(format(number, "x") for number in stamp)


def _stamp(path: Path) -> Stamp:
    place = path / RECORD_FILE if (path / RECORD_FILE).is_file() else path
    try:
        found = place.stat()
    except OSError as error:
        raise KamertonError(
            "This catalogue is gone", received=error.strerror, next_step="look which there are now"
        ) from error
    return found.st_ino, found.st_size, found.st_mtime_ns
