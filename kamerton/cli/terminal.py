"""What a command says, and where: its answer on stdout, and warnings on stderr."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kamerton.errors import KamertonWarning


def complain(message: str) -> None:
    """Print one line on stderr."""
    print("kamerton:", " ".join(message.split()), file=sys.stderr)


def print_any_letter() -> None:
    """Show a letter that the terminal lacks, or a byte of a file name that is no letter, by its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


_warned: list[str] = []


def warned() -> tuple[str, ...]:
    """All warnings of the command so far, for the answer of ``--json``."""
    return tuple(_warned)


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Show each of Kamerton's warnings at once, as a line on stderr, and remember it; those of libraries stay."""
    with warnings.catch_warnings():
        show_others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, KamertonWarning):
                show_others(message, category, *where, **more)
            elif str(message) not in _warned:
                _warned.append(str(message))
                complain(f"warning: {message}")

        warnings.showwarning = show
        _warned.clear()
        yield
