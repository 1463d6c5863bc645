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
    """Finds catalogues by name, and opens one again where it is not what it was.

    Who asks for one that takes long to open waits for it, and nobody else does. One that is forgotten is closed when
    the last who looks at it has ended.
    """

    def __init__(self, folder: Path, within: Path | None = None) -> None:
        """Look below a folder; the catalogues' images are those ``within`` another, or all."""
        self.folder, self._within = folder, within
        self._found: dict[str, Path] = {}
        self._open: OrderedDict[str, tuple[Stamp, Browsed]] = OrderedDict()
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}

    def names(self) -> list[str]:
        """Look for catalogues anew."""
        self._found = found = catalogues_below(self.folder)
        return list(found)

    def get(self, name: str) -> tuple[Browsed, str]:
        """Open a catalogue, and give what tells this state of it from another.

        UnknownNameError lists those that there are, DataError says what is wrong with one.
        """
        if name not in self._found:
            self.names()
        path = self._found.get(name)
        if path is None:
            raise UnknownNameError("catalogue", name, self._found)
        with self._lock:
            opening = self._opening.setdefault(name, threading.Lock())
        with opening:
            stamp = _stamp(path)
            browsed = self._known(name, stamp)
            if browsed is None:
                browsed = Browsed(path, self._within)
                self._keep(name, stamp, browsed)
        return browsed, "-".join(format(number, "x") for number in stamp)

    def _known(self, name: str, stamp: Stamp) -> Browsed | None:
        with self._lock:
            known = self._open.get(name)
            if known is None or known[0] != stamp:
                return None
            self._open.move_to_end(name)
            return known[1]

    def _keep(self, name: str, stamp: Stamp, browsed: Browsed) -> None:
        with self._lock:
            self._open[name] = stamp, browsed
            self._open.move_to_end(name)
            while len(self._open) > CATALOGUES_OPEN:
                self._open.popitem(last=False)


def _stamp(path: Path) -> Stamp:
    place = path / RECORD_FILE if (path / RECORD_FILE).is_file() else path
    try:
        found = place.stat()
    except OSError as error:
        raise KamertonError(
            "This catalogue is gone", received=error.strerror, next_step="look which there are now"
        ) from error
    return found.st_ino, found.st_size, found.st_mtime_ns
