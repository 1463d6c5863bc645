"""A watcher that remembers what it was told, for the tests of all that takes long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kamerton.progress import Advance
from kamerton.training.progress import Silent


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
