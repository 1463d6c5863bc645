"""A watcher that remembers what it was told, a clock and a screen, for the tests of all that takes long."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from kamerton.progress import Advance
from kamerton.training.progress import Silent

SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def console(*, terminal: bool, width: int = 200, **more: str) -> Console:
    """A screen of text, with more settings of its environment; its terminal is not the one that the tests run in."""
    return Console(file=io.StringIO(), force_terminal=terminal, width=width, _environ={"TERM": "xterm", **more})


class Recorder(Silent):
    """Keeps every line, and every task as its steps: what was done at its beginning, and after each advance."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.tasks: dict[tuple[str, int | None, str], list[int]] = {}
        self.open_tasks = 0

    def say(self, line: str) -> None:
        self.said.append(line)

    @contextmanager
    def task(self, title: str, total: int | None, unit: str, done: int = 0) -> Iterator[Advance]:
        counted = self.tasks.setdefault((title, total, unit), [])
        counted.append(done)
        self.open_tasks += 1

        def advance(steps: int = 1) -> None:
            counted.append(counted[-1] + steps)

        try:
            yield advance
        finally:
            self.open_tasks -= 1

    @property
    def ended(self) -> dict[str, bool]:
        """By title, whether a task came to its total."""
        return {title: steps[-1] == total for (title, total, _), steps in self.tasks.items()}
