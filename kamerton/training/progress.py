"""Watching a training: a live bar in a terminal, plain lines elsewhere, nothing in a test."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from kamerton import progress
from kamerton.progress import LIVE_SECONDS, PLAIN_SECONDS, is_live
from kamerton.runs.history import PENALTY, RATE
from kamerton.training.session import Tally

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID


class Watcher(progress.Progress, Protocol):
    """What a training tells while it runs."""

    def begin_epoch(self, epoch: int, epochs: int, steps: int, done: int = 0) -> None:
        """An epoch of ``steps`` batches begins, or goes on after ``done`` of them; ``epoch`` counts from 0."""

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        """A batch is done; ``tally`` tells of the epoch so far, and waits for the device."""

    def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """An epoch and its validation are done; ``row`` is what history.csv receives."""

    def close(self) -> None:
        """The training is over, also where it failed or was stopped."""


class Silent(progress.Silent):
    """Tells nobody."""

    def begin_epoch(self, epoch: int, epochs: int, steps: int, done: int = 0) -> None:
        """See Watcher."""

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        """See Watcher."""

    def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """See Watcher."""

    def close(self) -> None:
        """See Watcher."""


class PlainLines(progress.PlainLines):
    """A line every few seconds and one an epoch, for logs and batch queues."""

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
        self.say(
            f"{self._title} step {self._step}/{self._steps} loss {seen.loss:.4f} accuracy {seen.accuracy:.4f} "
            f"{images_per_second:.1f} images/s {left_s:.0f} s left in the epoch"
        )

    def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """See Watcher."""
        self.say(f"{self._title} {describe_row(row)}")

    def close(self) -> None:
        """See Watcher."""


class LiveBar(progress.LiveBar):
    """One moving bar an epoch, which stays as a line when the epoch ends."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._epoch_bar: TaskID | None = None
        self._last = -LIVE_SECONDS

    def begin_epoch(self, epoch: int, epochs: int, steps: int, done: int = 0) -> None:
        """See Watcher."""
        self._title, self._steps, self._step = f"epoch {epoch + 1}/{epochs}", steps, done
        self._epoch_bar = self._add(self._title, steps, done)

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        """See Watcher."""
        assert self._epoch_bar is not None, "begin_epoch comes first"
        self._step += 1
        now = time.monotonic()
        if now - self._last >= LIVE_SECONDS:
            self._last, seen = now, tally()
            state = f"loss {seen.loss:.4f}  accuracy {seen.accuracy:.4f}  {images_per_second:.1f} images/s"
            self._move(self._epoch_bar, self._step, f"{self._step}/{self._steps}  {state}")

    def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """See Watcher."""
        self.close()
        self.say(f"{self._title}  {describe_row(row)}")


def watcher_for(console: Console) -> Watcher:
    """Choose the live bar in a terminal and plain lines elsewhere."""
    return LiveBar(console) if is_live(console) else PlainLines(console)


def describe_row(row: Mapping[str, float]) -> str:
    """Say an epoch's result in one line."""
    rate = f"penalty C {row[PENALTY]:.3g}" if PENALTY in row else f"lr {row[RATE]:.3g}"
    return (
        f"loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}  "
        f"val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}  "
        f"{rate}  {row['seconds']:.1f} s  {row['images_per_second']:.1f} images/s"
    )
