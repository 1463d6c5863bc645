"""``decisions.csv`` as it is written: each decision a line of its own, on the disk before it counts as made.

No line is ever changed. An undo writes further lines; two programs that write at once wait for each other; what a crash
left of a line is taken away before the next one, and said.
"""

from __future__ import annotations

import csv
import errno
import fcntl
import io
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from kamerton.checks import is_shown
from kamerton.data.decided import DECISION_COLUMNS, ID, LABEL, SECONDS, UNDONE, WHEN, WHO
from kamerton.data.lists import LINE_LETTERS, LIST_BYTES, column_names, is_cut, open_csv, separator_of
from kamerton.errors import DataError, OutputError, UsageError, warn
from kamerton.files import cannot_write

PATH = "path"
"""The galaxy's picture, where it is a file of its own: `kamerton data import` finds it by that."""

COLUMNS = (*DECISION_COLUMNS, PATH)

NAME_LETTERS = 60
"""Of a person's name."""

FORMULA_LETTERS = "=+-@"
"""With one of these first a spreadsheet reads a formula."""

READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Decision:
    """What somebody said of a galaxy."""

    id: str
    label: str
    """The name of a class, ``unsure``, or nothing where it undoes what the same person said before."""
    who: str
    when: str = ""
    """ISO 8601, UTC; given when it is written."""
    seconds: float | None = None
    """For which the galaxy was looked at."""
    path: str = ""

    def cells(self) -> dict[str, str]:
        """Write it as cells by the names of their columns."""
        seconds = "" if self.seconds is None else f"{self.seconds:.2f}"
        return dict(zip(COLUMNS, (self.id, self.label, self.who, self.when, seconds, self.path), strict=True))


@dataclass
class _Known:
    """What is known of the file, and by what it is seen that somebody else has changed it."""

    stamp: tuple[int, int, int] | None = None
    decisions: list[Decision] = field(default_factory=list)


class Journal:
    """A file of decisions that is read and written, by several threads and programs at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = _Known()
        self._lock = threading.RLock()

    def decisions(self) -> Sequence[Decision]:
        """Give all lines in their order, read again where the file is not as it was left.

        DataError where it was changed by hand into something else; a line that a crash cut is left out, aloud.
        """
        with self._lock:
            if self._known.stamp != (stamp := _stamp(self.path)):
                self._known = _Known(stamp, [] if stamp is None else _read(self.path))
            return tuple(self._known.decisions)

    def append(self, *decisions: Decision) -> tuple[Decision, ...]:
        """Write decisions and see them on the disk; OutputError where that cannot be, and nothing is written then."""
        for one in decisions:
            require_name(one.who)
        with self._lock, self._held() as descriptor:
            before = _stamp(self.path)
            header = self._mend(descriptor)
            when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            made = tuple(
                Decision(one.id, one.label, one.who, one.when or when, one.seconds, one.path) for one in decisions
            )
            self._write(descriptor, _lines(header, made))
            if self._known.stamp is not None and self._known.stamp == before:
                self._known.decisions.extend(made)
                self._known.stamp = _stamp(self.path)
        return made

    def undo(self, who: str) -> Decision | None:
        """Take back a person's last decision that stands, and give it; what the same one said before holds again."""
        with self._lock:
            standing: list[Decision] = []
            for one in self.decisions():
                if one.who == who and one.label == UNDONE:
                    standing = [other for other in standing if other.id != one.id]
                elif one.who == who:
                    standing.append(one)
            if not standing:
                return None
            last = standing[-1]
            before = [one for one in standing[:-1] if one.id == last.id]
            again = (Decision(last.id, before[-1].label, who, path=before[-1].path),) if before else ()
            self.append(Decision(last.id, UNDONE, who, path=last.path), *again)
            return last

    @contextmanager
    def _held(self) -> Iterator[int]:
        """Open the file for this program alone; others wait."""
        try:
            is_new = not self.path.exists()
            descriptor = self._opened()
        except OSError as error:
            raise self._refused(error) from error
        try:
            yield descriptor
            if is_new:
                _sync_name(self.path)
        except OSError as error:
            raise self._refused(error) from error
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        """Open and lock the file that has the name now: an editor may have put another one in its place meanwhile."""
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(errno.EINVAL, "not a plain file")
                _lock(descriptor)
                if os.path.samestat(os.fstat(descriptor), self.path.stat()):
                    return descriptor
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _refused(self, error: OSError) -> OutputError:
        found = cannot_write(self.path, error)
        return OutputError(
            f"{self.path}: the decision was not written",
            received=found.received,
            next_step="make the file and its folder writable, and decide again; what was decided before is kept",
        )

    def _mend(self, descriptor: int) -> bytes:
        """See to it that the file ends with a whole line; give its first, which is written where there is none."""
        size_bytes = os.fstat(descriptor).st_size
        first = os.pread(descriptor, LINE_LETTERS, 0)
        if not size_bytes:
            header = (",".join(COLUMNS) + "\n").encode()
            self._write(descriptor, header)
            return header
        end = first.find(b"\n")
        header = first if end < 0 else first[: end + 1]
        separator, names = _names(header)
        _require_columns(self.path, names)
        tail = _tail(descriptor, size_bytes)
        if tail and end >= 0:
            text = tail.decode("utf-8", "replace")
            if is_cut(text, len(names), separator):
                os.ftruncate(descriptor, size_bytes - len(tail))
                warn(
                    f"{self.path}: its last line was cut, and is taken away",
                    received=repr(text),
                    next_step="decide again",
                )
                return header
        if tail:
            self._write(descriptor, b"\n")
        return header

    def _write(self, descriptor: int, content: bytes) -> None:
        """Add bytes at the end, on the disk; where that fails, none of them stays."""
        size_bytes = os.lseek(descriptor, 0, os.SEEK_END)
        try:
            if os.write(descriptor, content) != len(content):
                raise OSError(errno.ENOSPC, "No space left on device")
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size_bytes)
            raise


def _lock(descriptor: int) -> None:
    """Wait for others; where there are no locks, as on some network disks, a line is still one write at the end."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise


def require_name(who: str) -> None:
    """Refuse what cannot be a person's name in a list (UsageError); none at all is allowed."""
    if who and not (is_shown(who) and len(who) <= NAME_LETTERS and who[0] not in FORMULA_LETTERS):
        raise UsageError(
            "This is no name of a person",
            received=repr(who),
            allowed=f"up to {NAME_LETTERS} letters on one line, no blanks at the ends, none of {FORMULA_LETTERS} first",
            next_step="give another name",
        )


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Tell one state of a file from another; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read", received=error.strerror, next_step="check the permissions"
        ) from error
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found.st_size else None


def _read(path: Path) -> list[Decision]:
    found = open_csv(path, most_bytes=LIST_BYTES, may_be_cut=True)
    names = column_names(path, found.header, has_rows=True)
    _require_columns(path, names)
    places = [names.index(name) if name in names else None for name in COLUMNS]
    decisions = []
    for row in found.rows:
        cells = ["" if place is None else row[place] for place in places]
        # Ids and paths are what galaxies and files are called, blanks at their ends included.
        galaxy, picture = cells[0], cells[-1]
        label, who, when, seconds = (cell.strip() for cell in cells[1:-1])
        decisions.append(Decision(galaxy, label, who, when, _seconds(seconds), picture))
    return decisions


def _seconds(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _names(header: bytes) -> tuple[str, list[str]]:
    """Give separator and columns of a file's first line."""
    separator, names = separator_of(header.decode("utf-8-sig", "replace").rstrip("\r\n"))
    return separator, [name.strip().lower() if name.strip().lower() == ID else name.strip() for name in names]


def _require_columns(path: Path, names: Sequence[str]) -> None:
    missing = [name for name in (ID, LABEL, WHO, WHEN) if name not in names]
    if missing:
        raise DataError(
            f"{path}: no decisions can be added to this file",
            received=f"no column {missing[0]!r} among {', '.join(names)}",
            allowed=f"the columns {', '.join(DECISION_COLUMNS)}",
            next_step="give the columns these names, or move the file away: a new one is made",
        )


def _lines(header: bytes, decisions: Sequence[Decision]) -> bytes:
    """Write decisions as the file's own columns, in the file's own way."""
    separator, names = _names(header)
    end = "\r\n" if header.endswith(b"\r\n") else "\n"
    decimal = "," if separator != "," else "."
    lines = []
    for one in decisions:
        cells = one.cells()
        cells[SECONDS] = cells[SECONDS].replace(".", decimal)
        text = io.StringIO(newline="")
        # Quoted is what holds a letter of this end of a line, so that neither letter in an id ends it.
        csv.writer(text, delimiter=separator, lineterminator="\r\n").writerow([cells.get(name, "") for name in names])
        lines.append(text.getvalue().removesuffix("\r\n") + end)
    return "".join(lines).encode()


def _tail(descriptor: int, size_bytes: int) -> bytes:
    """Give what stands after the last end of a line."""
    found = b""
    place = size_bytes
    while place and b"\n" not in found and len(found) < LINE_LETTERS:
        start = max(0, place - READ_BYTES)
        found = os.pread(descriptor, place - start, start) + found
        place = start
    return found.rpartition(b"\n")[2]


def _sync_name(path: Path) -> None:
    """Let the new file's name survive a power cut as its content does."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
