"""An opened catalogue that several people look through at once, page by page."""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from kamerton.arrays import Rows
from kamerton.browsing.galaxies import ListedGalaxy, listed
from kamerton.browsing.orders import NEXT, SET_SIZE, require_known
from kamerton.browsing.pictures import Pictures
from kamerton.browsing.selection import select
from kamerton.browsing.staged import open_to_browse
from kamerton.catalogue.columns import ID
from kamerton.catalogue.readers.opened import OpenedCatalogue, strings
from kamerton.config.browsing import PAGE_GALAXIES, Wanted
from kamerton.data.decided import UNDONE, UNSURE, is_unsure, last_words
from kamerton.errors import KamertonError, UnknownNameError, heard
from kamerton.labelling.journal import Decision, Journal
from kamerton.neighbours.next_galaxies import next_rows
from kamerton.neighbours.pictures import require_within

SELECTIONS_KEPT = 8
"""Of a million galaxies each takes at most 8 MB."""

PAGES_AHEAD = 8
"""Pages that are read at once from a catalogue of few parts, which are all read for one page, too."""

WINDOWS_KEPT = 16

LOOK_AGAIN_SECONDS = 2.0
"""After which pictures that were gone may have been brought back."""

DECISIONS_ENDING = ".decisions.csv"


def decisions_path(catalogue: Path) -> Path:
    """Name the file in which decisions about a catalogue are kept, beside it."""
    stem = catalogue.name if catalogue.is_dir() else catalogue.stem
    return catalogue.with_name(f"{stem}{DECISIONS_ENDING}")


def galaxies_ahead(catalogue: OpenedCatalogue) -> int:
    """Say how many galaxies are best read at once, which after sorting may be in any parts of the catalogue."""
    return PAGE_GALAXIES * (PAGES_AHEAD if len(catalogue.parts) <= PAGE_GALAXIES else 1)


class Browsed:
    """A catalogue, its pictures, and what was decided about its galaxies."""

    def __init__(self, path: Path, within: Path | None = None) -> None:
        """Open it; DataError for what is no catalogue, or damaged. Images are those ``within`` a folder, or all."""
        self._held = ExitStack()
        # Also where nobody closes it, as at the end of a server.
        self._closing = weakref.finalize(self, self._held.close)
        self.opened = self._held.enter_context(open_to_browse(path))
        self._journal = Journal(decisions_path(path))
        self._within = within
        self._selections: OrderedDict[tuple[Wanted, int], tuple[Rows, tuple[str, ...]]] = OrderedDict()
        self._windows: OrderedDict[bytes, dict[int, ListedGalaxy]] = OrderedDict()
        self._lock = threading.RLock()
        # One who sorts a million galaxies must not keep others from labelling theirs.
        self._selecting = threading.Lock()
        self._deciding = threading.Lock()
        self._pictures: Pictures | KamertonError | None = None
        self._look_again = 0.0

    def close(self) -> None:
        """Close what is open."""
        self._closing()

    @property
    def journal(self) -> Journal:
        """What was decided; OutsideError for a link that leads others out of the folder that they may see."""
        if self._journal.path.is_symlink():
            require_within(self._journal.path, self._within, "decisions")
        return self._journal

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in their order."""
        return tuple(self.opened.class_names.values())

    @property
    def is_calibrated(self) -> bool:
        """Whether it has sets of likely classes."""
        return SET_SIZE in self.opened.columns

    def rows(self, wanted: Wanted) -> Rows | None:
        """Find the rows that are wanted, in their order; None where these are all, as they are.

        The last few answers are kept. UnknownNameError for a class or a column that the catalogue has not.
        """
        require_known(wanted, self.opened)
        return None if wanted.is_all else self._selected(wanted)[0]

    def warnings(self, wanted: Wanted) -> tuple[str, ...]:
        """Give what was warned of when these rows were found; `rows` itself shows nothing of it."""
        require_known(wanted, self.opened)
        return () if wanted.is_all else self._selected(wanted)[1]

    def _selected(self, wanted: Wanted) -> tuple[Rows, tuple[str, ...]]:
        # What was decided meanwhile changes an order of `next` only where it is asked for anew.
        key = (wanted, len(self.journal.decisions()) if wanted.decided else 0)
        with self._selecting:
            found = self._selections.get(key)
            if found is None:
                with heard() as lines:
                    rows = self._select(wanted)
                found = rows, tuple(lines)
        with self._lock:
            self._selections[key] = found
            self._selections.move_to_end(key)
            while len(self._selections) > SELECTIONS_KEPT:
                self._selections.popitem(last=False)
        return found

    def _select(self, wanted: Wanted) -> Rows:
        ids = self._decided(wanted) if wanted.decided else []
        found = select(self.opened, wanted, ids)
        if wanted.order != NEXT:
            return found
        chosen = next_rows(self.opened, count=wanted.count, labelled=set(self.standing()))
        return chosen[np.isin(chosen, found)]

    def forget(self, wanted: Wanted) -> None:
        """Choose anew when it is asked for again, as for `next` after some decisions."""
        with self._lock:
            for key in [key for key in self._selections if key[0] == wanted]:
                del self._selections[key]

    def count(self, wanted: Wanted) -> int:
        """Say how many galaxies are wanted."""
        rows = self.rows(wanted)
        return len(self.opened) if rows is None else len(rows)

    def galaxies(self, wanted: Wanted, start: int, count: int) -> list[ListedGalaxy]:
        """Give galaxies of those that are wanted, from a place on."""
        rows = self.rows(wanted)
        total = len(self.opened) if rows is None else len(rows)
        found: list[ListedGalaxy] = []
        end, ahead = min(start + count, total), galaxies_ahead(self.opened)
        for first in range(start - start % ahead, end, ahead):
            places = np.arange(first, min(first + ahead, total))
            window = self._window(places if rows is None else rows[places])
            found += window[max(0, start - first) : end - first]
        return found

    def galaxy(self, row: int) -> ListedGalaxy | None:
        """Give one galaxy by its row; None past the end."""
        if not 0 <= row < len(self.opened):
            return None
        with self._lock:
            for window in self._windows.values():
                if row in window:
                    return window[row]
        return self._window(np.array([row]))[0]

    def _window(self, rows: Rows) -> list[ListedGalaxy]:
        key = rows.tobytes()
        with self._lock:
            found = self._windows.get(key)
        if found is None:
            found = {one.row: one for one in listed(self.opened, rows)}
        with self._lock:
            self._windows[key] = found
            self._windows.move_to_end(key)
            while len(self._windows) > WINDOWS_KEPT:
                self._windows.popitem(last=False)
        return list(found.values())

    @property
    def pictures(self) -> Pictures:
        """The pictures; DataError where they are gone, which is looked at again after a while."""
        with self._lock:
            is_old = isinstance(self._pictures, KamertonError) and time.monotonic() >= self._look_again
            if self._pictures is None or is_old:
                try:
                    self._pictures = Pictures(self.opened, self._held, self._within)
                except KamertonError as error:
                    self._pictures, self._look_again = error, time.monotonic() + LOOK_AGAIN_SECONDS
            if isinstance(self._pictures, KamertonError):
                raise self._pictures
            return self._pictures

    def standing(self, who: str | None = None) -> dict[str, Decision]:
        """Give the last word about each galaxy, of one person or of all."""
        found: dict[str, dict[str, Decision]] = {}
        for one in self.journal.decisions():
            if who is not None and one.who != who:
                continue
            words = found.setdefault(one.id, {})
            words.pop(one.who, None)
            if one.label != UNDONE:
                words[one.who] = one
        return {name: list(words.values())[-1] for name, words in found.items() if words}

    def row_of(self, name: str) -> int | None:
        """Find a galaxy by its id, in a pass over the ids; None where none has it."""
        import pyarrow as pa
        from pyarrow import compute

        done = 0
        for table in self.opened.tables([ID.name]):
            place = compute.index(strings(table[ID.name]), pa.scalar(name)).as_py()
            if place >= 0:
                return done + int(place)
            done += len(table)
        return None

    def decide(self, galaxy: ListedGalaxy, label: str, who: str, when: str, seconds: float | None) -> Decision:
        """Write a decision, once, however often it is sent; UsageError for a label that is none, and as `Journal`."""
        if label not in self.class_names and label != UNSURE:
            raise UnknownNameError("class name", label, [*self.class_names, UNSURE])
        with self._deciding:
            for one in self.journal.decisions():
                if when and (one.id, one.label, one.who, one.when) == (galaxy.id, label, who, when):
                    return one
            (made,) = self.journal.append(Decision(galaxy.id, label, who, when, seconds, self._path_of(galaxy)))
        return made

    def _path_of(self, galaxy: ListedGalaxy) -> str:
        """Name the galaxy's own file as the list of decisions does: from its own folder, where that is above it."""
        try:
            place = self.pictures.path(galaxy.row, galaxy.id)
        except KamertonError:
            return ""
        # A list in UTF-8 cannot name a file whose name is none.
        if not place or any("\ud800" <= letter <= "\udfff" for letter in place):
            return ""
        folder, path = self.journal.path.resolve().parent, Path(place).absolute()
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path)

    def _decided(self, wanted: Wanted) -> Sequence[str]:
        if wanted.decided == "disputed":
            said = [(one.id, one.label, one.who) for one in self.journal.decisions()]
            names, labels, who = (list(cells) for cells in zip(*said, strict=True)) if said else ([], [], [])
            disputed = set(last_words(names, labels, who, self.class_names).disputed)
            return [name for name in dict.fromkeys(names) if name.strip() in disputed]
        standing = self.standing()
        if wanted.decided != "unsure":
            return list(standing)
        return [name for name, one in standing.items() if is_unsure(one.label, self.class_names)]
