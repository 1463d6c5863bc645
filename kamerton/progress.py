"""Who waits sees how far a long work is: a moving bar in a terminal, sparse lines in a log, nothing from Python.

A function that may take longer than a few seconds takes a ``watcher``, and tells it of its tasks; a task is a part of
the work whose steps are counted, such as the galaxies of one pass over a cube.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

PLAIN_SECONDS = 10.0
"""Time between two lines of a log, so that a short work leaves none."""

LIVE_SECONDS = 0.2
"""Time between two looks of a moving bar."""

PATIENCE_SECONDS = 0.5
"""A task that ends sooner gets no bar: it would only flicker."""

BYTES = "bytes"
"""The unit of a task whose steps are bytes; they are shown as megabytes."""


class Advance(Protocol):
    """Tells that so many more steps of a task are done."""

    def __call__(self, steps: int = 1) -> None:
        """Count them."""


class Progress(Protocol):
    """What a long work tells while it goes on."""

    def say(self, line: str) -> None:
        """Something worth knowing happened."""

    def task(self, title: str, total: int | None, unit: str, done: int = 0) -> AbstractContextManager[Advance]:
        """Begin a task of ``total`` steps, None where nobody knows; it lasts as long as the ``with`` block."""


class Silent:
    """Tells nobody."""

    def say(self, line: str) -> None:
        """See Progress."""

    def task(self, title: str, total: int | None, unit: str, done: int = 0) -> AbstractContextManager[Advance]:
        """See Progress."""
        return nullcontext(_tell_nobody)


def _tell_nobody(steps: int = 1) -> None:
    """Count nothing."""


@dataclass
class Count:
    """How far a task is, and how fast."""

    title: str
    total: int | None
    unit: str
    done: int
    done_before: int = field(init=False)
    start: float = field(init=False)
    last_shown: float = field(init=False)

    def __post_init__(self) -> None:
        self.done_before = self.done
        self.start = self.last_shown = time.monotonic()

    def is_due(self, pause_s: float) -> bool:
        """Tell whether it is time to show it again, and count from now."""
        now = time.monotonic()
        if now - self.last_shown < pause_s:
            return False
        self.last_shown = now
        return True

    @property
    def seconds(self) -> float:
        """Since the task began."""
        return time.monotonic() - self.start

    @property
    def per_second(self) -> float:
        """Steps a second, since the task began."""
        return (self.done - self.done_before) / max(self.seconds, 1e-9)

    def amount(self) -> str:
        """Say how many steps are done, and of how many."""
        if self.unit == BYTES:
            return f"{_mb(self.done)}{'' if self.total is None else f'/{_mb(self.total)}'} MB"
        return f"{self.done}{'' if self.total is None else f'/{self.total}'} {self.unit}"

    def rate(self) -> str:
        """Say how fast it goes."""
        return f"{self.per_second / 1e6:.1f} MB/s" if self.unit == BYTES else f"{self.per_second:.1f} {self.unit}/s"

    def describe(self) -> str:
        """Say it in one line of a log."""
        parts = [self.amount()]
        if self.total:
            parts.append(f"{self.done / self.total:.0%}")
        parts.append(self.rate())
        if self.total and self.per_second > 0:
            parts.append(f"{(self.total - self.done) / self.per_second:.0f} s left")
        return f"{self.title}: {', '.join(parts)}"


def _mb(count_bytes: int) -> str:
    return f"{count_bytes / 1e6:.0f}"


class PlainLines:
    """A line every few seconds, for logs and batch queues."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        """See Progress."""
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    @contextmanager
    def task(self, title: str, total: int | None, unit: str, done: int = 0) -> Iterator[Advance]:
        """See Progress."""
        count = Count(title, total, unit, done)
        lines = 0

        def advance(steps: int = 1) -> None:
            nonlocal lines
            count.done += steps
            if count.is_due(PLAIN_SECONDS):
                lines += 1
                self.say(count.describe())

        yield advance
        if lines:
            self.say(f"{title}: {count.amount()} in {count.seconds:.0f} s")


class LiveBar:
    """A moving bar a task, which goes when the task ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None

    def say(self, line: str) -> None:
        """See Progress."""
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    @contextmanager
    def task(self, title: str, total: int | None, unit: str, done: int = 0) -> Iterator[Advance]:
        """See Progress."""
        count = Count(title, total, unit, done)
        bar: TaskID | None = None

        def advance(steps: int = 1) -> None:
            nonlocal bar
            count.done += steps
            if bar is None and count.seconds >= PATIENCE_SECONDS:
                bar = self._add(title, total)
            if bar is not None and count.is_due(LIVE_SECONDS):
                self._move(bar, count.done, f"{count.amount()}  {count.rate()}")

        try:
            yield advance
        finally:
            if bar is not None:
                self._take_away(bar)

    def _add(self, title: str, total: int | None, done: int = 0) -> TaskID:
        """Show a bar, below those that are there."""
        if self._bars is None:
            self._bars = _bars(self._console)
            self._bars.start()
        return self._bars.add_task(title, total=total, completed=done, state="")

    def _move(self, bar: TaskID, done: int, state: str) -> None:
        assert self._bars is not None, "a bar is moved while it is there"
        self._bars.update(bar, completed=done, state=state, refresh=True)

    def _take_away(self, bar: TaskID) -> None:
        if self._bars is not None:
            self._bars.remove_task(bar)
            if not self._bars.tasks:
                self.close()

    def close(self) -> None:
        """Take all bars away and give the terminal its cursor back."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None


def _bars(console: Console) -> Bars:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[state]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        # It moves when it is told to, at most every LIVE_SECONDS: no thread takes time from the work.
        auto_refresh=False,
    )


def is_live(console: Console) -> bool:
    """Tell whether something can move on it: a terminal, and none that only types on (``TERM=dumb``)."""
    return console.is_terminal and not console.is_dumb_terminal


def watcher_for(console: Console) -> Progress:
    """Choose moving bars in a terminal and plain lines elsewhere."""
    return LiveBar(console) if is_live(console) else PlainLines(console)
