"""What a command says, and where: its answer on stdout; progress, warnings and errors on stderr."""

from __future__ import annotations

import codecs
import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kamerton.errors import KamertonError, KamertonWarning, UsageError
from kamerton.progress import Progress, Silent, watcher_for

if TYPE_CHECKING:
    from rich.console import Console

    from kamerton.training.progress import Watcher

PLAIN_SIGNS = {"…": "...", "–": "-", "—": "-", "−": "-", "×": "x", "·": "*", "•": "*", "’": "'", "\u00a0": " "}
"""For terminals that know ASCII only; other letters become escapes, so that two names stay two."""

ESCAPES = "kamerton-plain"

NARROWEST = 80
"""Columns of a table, also in a narrower terminal: it wraps the lines, where a cut number would be a wrong one."""

LOG = logging.getLogger("kamerton")


@dataclass
class Terminal:
    """How the command of this process speaks."""

    as_json: bool = False
    """The answer is for a program."""
    quiet: bool = False
    """Nothing but the answer, warnings and errors."""
    verbose: bool = False
    """Also what is read, what was settled, and how long it took."""
    warnings: list[str] = field(default_factory=list)
    """All of Kamerton's so far."""

    def listen(self, *, quiet: bool, verbose: bool) -> None:
        """Take over what an option says; UsageError for both."""
        self.quiet, self.verbose = self.quiet or quiet, self.verbose or verbose
        if self.quiet and self.verbose:
            raise UsageError(
                "A command cannot be quiet and verbose", received="--quiet and --verbose", next_step="leave one out"
            )
        LOG.setLevel(logging.INFO if self.verbose else logging.NOTSET)


_terminal = Terminal()


def terminal() -> Terminal:
    """Give the one of this process."""
    return _terminal


@contextmanager
def speaking(words: list[str]) -> Iterator[None]:
    """Begin a command of these words: letters that every terminal takes, and warnings as lines."""
    global _terminal  # noqa: PLW0603  # one process answers one command at a time
    options = words[: words.index("--")] if "--" in words else words
    _terminal = Terminal(as_json="--json" in options)
    _let_print_anything()
    details = _Details()
    LOG.addHandler(details)
    try:
        with _warnings_as_lines():
            yield
    finally:
        LOG.removeHandler(details)
        LOG.setLevel(logging.NOTSET)


class _Details(logging.Handler):
    """What ``--verbose`` shows."""

    def emit(self, record: logging.LogRecord) -> None:
        if _terminal.verbose:
            complain(record.getMessage())


def _let_print_anything() -> None:
    """Print every name on every terminal: a letter that it lacks, or a byte that is no letter, by its number."""
    codecs.register_error(ESCAPES, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_unicode = codecs.lookup(stream.encoding).name.startswith("utf")
            stream.reconfigure(errors="backslashreplace" if is_unicode else ESCAPES)


def _escaped(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    plain = (PLAIN_SIGNS.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in letters)
    return "".join(plain), error.end


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Show each of Kamerton's warnings at once, as a line on stderr, and remember it; those of libraries stay."""
    with warnings.catch_warnings():
        show_others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, KamertonWarning):
                show_others(message, category, *where, **more)
            elif str(message) not in _terminal.warnings:
                _terminal.warnings.append(str(message))
                complain(f"warning: {message}")

        warnings.showwarning = show
        yield


def complain(message: str) -> None:
    """Print one line on stderr."""
    print("kamerton:", " ".join(message.split()), file=sys.stderr)


def print_json(content: Any) -> None:
    """Print a result for a program, a table with the warnings of the command; in ASCII, which every reader takes."""
    if isinstance(content, dict):
        content = {**content, "warnings": _terminal.warnings}
    print(json.dumps(content, default=str))


def print_error(error: KamertonError | str, exit_code: int) -> None:
    """Say an error in one line on stderr, and under ``--json`` its parts on stdout, where a program reads."""
    complain(str(error))
    if not _terminal.as_json:
        return
    parts: dict[str, object] = {"what": str(error)}
    if isinstance(error, KamertonError):
        parts = {"what": error.what, "received": error.received, "allowed": error.allowed, "next": error.next_step}
    told = {name: None if value is None else str(value) for name, value in parts.items()}
    print_json({"error": {"received": None, "allowed": None, "next": None, **told, "exit_code": exit_code}})


def answers() -> Console:
    """Open stdout for tables."""
    from rich.console import Console

    class Answers(Console):
        def on_broken_pipe(self) -> None:
            # The command ends as for every closed pipe.
            raise BrokenPipeError

    found = Answers(highlight=False, soft_wrap=True)
    found.width = max(found.width, NARROWEST)
    return found


def _aside() -> Console:
    """Open stderr for progress, which goes on unseen where nobody reads it any more."""
    from rich.console import Console

    class Aside(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True

    return Aside(stderr=True, highlight=False, soft_wrap=True)


def watcher() -> Progress:
    """Show how far a command is, unless it is to be silent."""
    return Silent() if _terminal.as_json or _terminal.quiet else watcher_for(_aside())


def training_watcher() -> Watcher:
    """Show how far a training is, unless it is to be silent."""
    from kamerton.training import progress

    silent = _terminal.as_json or _terminal.quiet
    return progress.Silent() if silent else progress.watcher_for(_aside())
