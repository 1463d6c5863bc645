"""Watching a training: a live bar in a terminal, plain lines elsewhere, nothing in a test."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kamerton.training.session import Tally

PLAIN_SECONDS = 15.0
"""Time between two lines of a plain log."""

LIVE_SECONDS = 0.2
"""Time between two looks of the live bar at what was learned."""


class Watcher(Protocol):
    """What a training tells while it runs."""

    def say(self, line: str) -> None:
        """Something worth knowing happened."""

    def begin_epoch(self, epoch: int, epochs: int, steps: int, done: int = 0) -> None:
        """An epoch of ``steps`` batches begins, or goes on after ``done`` of them; ``epoch`` counts from 0."""

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        """A batch is done; ``tally`` tells of the epoch so far, and waits for the device."""

    def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """An epoch and its validation are done; ``row`` is what history.csv receives."""

    def close(self) -> None:
        """The training is over, also where it failed or was stopped."""


class Silent:
    """Tells nobody."""

    def say(self, line: str) -> None:
        """See Watcher."""

    def begin_epoch(self, epoch: int, epochs: int, steps: int, done: int = 0) -> None:
        """See Watcher."""

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        """See Watcher."""

    def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """See Watcher."""

    def close(self) -> None:
        """See Watcher."""


class PlainLines:
    """A line every few seconds and one an epoch, for logs and batch queues."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        """See Watcher."""
        self._print(line)

    def begin_epoch(self, epoch: int, epochs: int, steps: int, done: int = 0) -> None:
        """See Watcher."""
        self._title, self._steps, self._step, self._done_before = f"epoch {epoch + 1}/{epochs}", steps, done, done
        self._start = self._last = time.monotonic()

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        """See Watcher."""
        self._step += 1
        now = time.monotonic()
        if now - self._last < PLAIN_SECONDS:
            return
        self._last = now
        seen = tally()
        left_s = (now - self._start) / (self._step - self._done_before) * (self._steps - self._step)
        self._print(
            f"{self._title} step {self._step}/{self._steps} loss {seen.loss:.4f} accuracy {seen.accuracy:.4f} "
            f"{images_per_second:.1f} images/s {left_s:.0f} s left in the epoch"
        )

    def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """See Watcher."""
        self._print(f"{self._title} {describe_row(row)}")

    def close(self) -> None:
        """See Watcher."""

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)


class LiveBar:
    """One moving bar an epoch, which stays as a line when the epoch ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._last, self._state = -LIVE_SECONDS, ""

    def say(self, line: str) -> None:
        """See Watcher."""
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    def begin_epoch(self, epoch: int, epochs: int, steps: int, done: int = 0) -> None:
        """See Watcher."""
        self._title = f"epoch {epoch + 1}/{epochs}"
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(self._title, total=steps, completed=done, state="")
        self._bar.start()

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        """See Watcher."""
        assert self._bar is not None, "begin_epoch comes first"
        now = time.monotonic()
        if now - self._last >= LIVE_SECONDS:
            self._last, seen = now, tally()
            self._state = f"loss {seen.loss:.4f}  accuracy {seen.accuracy:.4f}  {images_per_second:.1f} images/s"
        self._bar.update(self._task, advance=1, state=self._state)

    def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """See Watcher."""
        self.close()
        self._console.print(f"{self._title}  {describe_row(row)}", soft_wrap=True, highlight=False, markup=False)

    def close(self) -> None:
        """Take the bar away and give the terminal its cursor back."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def watcher_for(console: Console) -> Watcher:
    """Choose the live bar in a terminal and plain lines elsewhere."""
    return LiveBar(console) if console.is_terminal else PlainLines(console)


def describe_row(row: Mapping[str, float]) -> str:
    """Say an epoch's result in one line."""
    return (
        f"loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}  "
        f"val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}  "
        f"lr {row['lr']:.3g}  {row['seconds']:.1f} s  {row['images_per_second']:.1f} images/s"
    )
