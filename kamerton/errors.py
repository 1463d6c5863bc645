"""The exception tree; every error a user can cause is one of these and reads as one line.

KamertonError
├── UsageError          (ValueError, exit 2)  the request is wrong: an option, a name, a folder
│   ├── BadValueError        a setting of a wrong type, or out of its range
│   ├── UnknownNameError     a name that is in no table; the known ones are listed
│   ├── OutputError          a place that cannot be written, or that already holds something
│   └── MissingExtraError    an optional package that is not installed
├── TrainingStoppedError     (exit 128 + signal)   a signal asked a training to stop, and it can go on
├── WorkerLostError          (exit 1)  a process that worked for this one was killed
└── DataError           (ValueError, exit 1)  the data are wrong: a cube, a picture, a table
    ├── CubeError            a labelled FITS cube
    ├── PictureError         one picture or FITS cutout
    │   └── FitsError        (a CubeError, too)  a FITS file that is damaged, whatever was expected in it
    ├── RunError             a run folder
    ├── ModelFileError       a .keras or .onnx file
    └── DownloadError        a file that did not arrive whole

KamertonWarning         (UserWarning)   what may be meant otherwise than it was read; said by `warn`
"""

from __future__ import annotations

import difflib
import shlex
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any

PART_LENGTH = 2000
"""Of a longer part of a message, only the beginning is shown."""

VALUE_LENGTH = 600
"""Of longer values, received or allowed, the first are shown, and how many there are."""


class KamertonError(Exception):
    """An error that says what is wrong, what was received, what is allowed and what to do next.

    The parts are joined into one line, so a program may print ``str(error)`` as it is.
    """

    exit_code: int = 1

    def __init__(
        self,
        what: str,
        *,
        received: object = None,
        allowed: object = None,
        next_step: str | None = None,
    ) -> None:
        self.what, self.received, self.allowed, self.next_step = what, received, allowed, next_step
        super().__init__(_one_line(what, received, allowed, next_step))

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an error come back whole from another process, whatever its kind is made of."""
        return _made_again, (type(self), self.args), self.__dict__


def _made_again(kind: type[KamertonError], args: tuple[Any, ...]) -> KamertonError:
    error = kind.__new__(kind)
    error.args = args
    return error


class KamertonWarning(UserWarning):
    """One line about what may be meant otherwise than it was read; the work goes on."""


# Each is shown as often as it is said: a second import of one list must not be silent. Other filters come first.
warnings.simplefilter("always", KamertonWarning, append=True)


def warn(what: str, *, received: object = None, allowed: object = None, next_step: str | None = None) -> None:
    """Say, with the parts of an error, what may be meant otherwise than it was read, and go on.

    From Python it is a KamertonWarning at the caller's line, for `warnings` to show, count or turn into an error. A
    command shows it as one line on stderr, and again under ``"warnings"`` in the answer of ``--json``.
    """
    warn_again(_one_line(what, received, allowed, next_step))


def warn_again(line: str) -> None:
    """Say a line that was heard, to whoever listens around that, or as a KamertonWarning."""
    lines = _listener.get()
    if lines is None:
        warnings.warn(line, KamertonWarning, stacklevel=_level_outside(sys._getframe()))
    elif line not in lines:
        lines.append(line)


_listener: ContextVar[list[str] | None] = ContextVar("listener", default=None)


@contextmanager
def heard() -> Iterator[list[str]]:
    """Keep the lines of `warn` until the block ends, each once, instead of showing them.

    They are those of this thread or task alone, and of tasks that it begins: a server hears what belongs to a request.
    """
    lines: list[str] = []
    before = _listener.set(lines)
    try:
        yield lines
    finally:
        _listener.reset(before)


def take_heard() -> list[str]:
    """Take the lines that were kept so far; none where nobody listens."""
    lines = _listener.get() or []
    taken = list(lines)
    lines.clear()
    return taken


INSIDE = {"kamerton", "contextlib", "functools"}
"""Packages whose frames lie between a warning and the line that it is about."""


def _level_outside(frame: FrameType) -> int:
    """Count the frames from this one to the first that is not Kamerton's own."""
    level = 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in INSIDE:
        frame, level = frame.f_back, level + 1
    return level


def _one_line(what: str, received: object, allowed: object, next_step: str | None) -> str:
    """Join the parts into one line that a terminal shows as it is, whatever a hostile file put into them."""
    parts = [what if what.endswith("?") else what.rstrip(".") + "."]
    if received is not None:
        parts.append(f"Received: {_shortened(str(received))}.")
    if allowed is not None:
        parts.append(f"Allowed: {_shortened(str(allowed))}.")
    if next_step is not None:
        parts.append(f"Next: {next_step}" if next_step.endswith("?") else f"Next: {next_step.rstrip('.')}.")
    line = " ".join(part if len(part) <= PART_LENGTH else part[:PART_LENGTH] + "..." for part in parts)
    line = " ".join(line.split())
    return line if line.isprintable() else "".join(map(_printable, line))


def as_typed(path: str | Path) -> str:
    """Write a path as it is typed in a command: in quotes where a shell needs them, and never as an option."""
    word = str(path)
    return shlex.quote(f"./{word}" if word.startswith("-") else word)


def _shortened(values: str) -> str:
    """Show the first of many values and count them, or the beginning of one that is enormous."""
    if len(values) <= VALUE_LENGTH:
        return values
    first, comma, _ = values[:VALUE_LENGTH].rpartition(", ")
    if comma:
        return f"{first}, ... ({values.count(comma) + 1:,} in all)"
    return f"{values[:VALUE_LENGTH]}... ({len(values):,} letters)"


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()


class UsageError(KamertonError, ValueError):
    """The request itself is wrong."""

    exit_code = 2


class BadValueError(UsageError):
    """A setting of a wrong type, or out of its range."""

    def __init__(self, setting: str, received: object, allowed: str) -> None:
        super().__init__(
            f"Bad value for {setting}", received=repr(received), allowed=allowed, next_step=f"change {setting}"
        )
        self.setting = setting


class UnknownNameError(UsageError):
    """A name that no table knows."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        names = list(known)
        close = difflib.get_close_matches(str(name), names, n=1)
        super().__init__(
            f"Unknown {kind} {name!r}",
            allowed=", ".join(names),
            next_step=f"did you mean {close[0]!r}?" if close else f"choose one of these {kind}s",
        )


class OutputError(UsageError):
    """A place that cannot be written, or that already holds something."""


class MissingExtraError(UsageError):
    """An optional package that is not installed."""


class TrainingStoppedError(KamertonError):
    """A signal asked a training to stop; what was learned is in a checkpoint, unless nothing is kept."""

    def __init__(
        self, number: signal.Signals, place: str, run: Path, *, next_step: str | None = None, is_kept: bool = True
    ) -> None:
        super().__init__(
            f"Stopped by {number.name} {place}; {'nothing is lost' if is_kept else 'nothing is kept'}",
            next_step=next_step or f"give the same command with --resume --out {run}",
        )
        self.signal, self.place = number, place
        # As shells count.
        self.exit_code = 128 + number


class WorkerLostError(KamertonError):
    """A process that worked for this one was killed; what it had done is kept where it kept it."""


class DataError(KamertonError, ValueError):
    """The data are wrong."""


class CubeError(DataError):
    """A labelled FITS cube that cannot be used as it is."""


class PictureError(DataError):
    """A picture or FITS cutout that cannot be used as it is."""


class FitsError(CubeError, PictureError):
    """A FITS file that is damaged or missing.

    Files are opened in the same way for cubes and cutouts, so whoever reads either may catch their own error.
    """


class RunError(DataError):
    """A run folder that is missing something or holds something unexpected."""


class ModelFileError(DataError):
    """A model file of another program that cannot be read into a known network."""


class DownloadError(DataError):
    """A download that did not arrive whole."""
