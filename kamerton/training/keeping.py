"""Keeping what was learned: the history as epochs end, checkpoints on the way, and a clean stop when asked for."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from kamerton.config.learning import TrainSettings
from kamerton.errors import TrainingStoppedError, warn
from kamerton.runs.folder import Run
from kamerton.training.checkpoint import write_checkpoint
from kamerton.training.processes import ALONE, Processes
from kamerton.training.session import Session

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what batch queues send before they kill."""

EPOCH_SHARE = 0.05
"""Of the time, for checkpoints at the ends of epochs; of few galaxies an epoch can be shorter than its checkpoint."""


@dataclass
class StopRequest:
    """A signal that asked the training to stop, once it came."""

    signal: signal.Signals | None = None
    at_once: bool = False
    """Whether a signal ends what is going on, or is only noted."""
    place: str = "before the first batch"
    """Where the training is, outside the learning."""

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Let signals be noted only while the block runs, which looks for them itself."""
        before, self.at_once = self.at_once, False
        try:
            yield
        finally:
            self.at_once = before


class _StopNow(BaseException):
    """A signal came; no library may take this for an error of its own."""


@contextmanager
def stoppable(run: Path) -> Iterator[StopRequest]:
    """End the block at once when SIGINT or SIGTERM comes, in one line that says how to go on (TrainingStoppedError)."""
    with stop_on_signals() as stop:
        stop.at_once = True
        try:
            yield stop
        except _StopNow:
            stop.at_once = False
            raise TrainingStoppedError(stop.signal or signal.SIGTERM, stop.place, run) from None


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Note SIGINT and SIGTERM instead of dying of them; a second one has its usual effect.

    Outside the main thread signals cannot be caught, and nothing is changed.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    usual = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def note(number: int, _frame: FrameType | None) -> None:
        request.signal = signal.Signals(number)
        signal.signal(number, usual[signal.Signals(number)])
        if request.at_once:
            raise _StopNow

    for number in STOP_SIGNALS:
        signal.signal(number, note)
    try:
        yield request
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


@dataclass
class RunKeeper:
    """Keeps a session in its run folder."""

    run: Run
    settings: TrainSettings
    stop: StopRequest
    processes: Processes = ALONE
    last_time: float = field(default_factory=time.monotonic)
    last_steps: int = 0
    """Batches since the last checkpoint."""
    last_cost_s: float = 0.0
    """What the last checkpoint took."""
    has_diverged: bool = False
    """Whether that was said."""

    def after_step(self, session: Session) -> None:
        """Write a checkpoint where one is due, and stop where that was asked for."""
        self.last_steps += 1
        due, stopped = self.processes.any(self._is_due(), self.stop.signal is not None)
        if due or stopped:
            self._checkpoint(session)
        if stopped:
            raise self._stopped(self._within(session))

    def after_epoch(self, session: Session) -> None:
        """Write the history's row, a checkpoint unless it would cost too much, and stop where that was asked for."""
        if self.processes.is_first:
            self.run.append_history(session.epoch - 1, session.history[-1])
            self._warn_of_divergence(session)
        is_last = session.epoch == session.recipe.epochs
        due, stopped = self.processes.any(is_last or self._is_cheap(), self.stop.signal is not None)
        if due or stopped:
            self._checkpoint(session)
        if stopped:
            raise self._stopped(f"after epoch {session.epoch}")

    def _warn_of_divergence(self, session: Session) -> None:
        """Say once that losses have become what is no number, for the training would end like any other."""
        row, recipe, best = session.history[-1], session.recipe, session.best
        lost = [f"{name} {row[name]}" for name in ("loss", "val_loss") if not math.isfinite(row[name])]
        if self.has_diverged or not lost:
            return
        self.has_diverged = True
        of_before = best is not None and math.isfinite(session.history[best.epoch - 1]["val_loss"])
        others = [] if self.run.record.start is None else ["begin with other weights, for these may be damaged"]
        rate = [] if recipe.frozen else ["train with a lower learning_rate in a recipe of your own"]
        warn(
            f"{self.run.path}: the loss is no number any more; "
            + (f"epoch {best.epoch} stays the best" if best and of_before else "what was learned is of no use"),
            received=f"{', '.join(lost)} in epoch {session.epoch} of {recipe.epochs}",
            next_step=", or ".join([*others, *rate]) or "begin with weights that were learned",
        )

    def _within(self, session: Session) -> str:
        recipe, cube = self.run.record.recipe, self.run.record.data["train"]
        assert recipe is not None
        batches = math.ceil(cube.galaxies / recipe.batch_size)
        # After the last one the epoch still lacks its validation, so it has not ended.
        batch = "its last batch" if session.step == batches else f"batch {session.step} of {batches}"
        return f"in epoch {session.epoch + 1} of {recipe.epochs}, after {batch}"

    def _stopped(self, place: str) -> TrainingStoppedError:
        # Another process may have been told, and not this one.
        return TrainingStoppedError(self.stop.signal or signal.SIGTERM, place, self.run.path)

    def _is_due(self) -> bool:
        steps, minutes = self.settings.checkpoint_steps, self.settings.checkpoint_minutes
        by_steps = steps is not None and self.last_steps >= steps
        return by_steps or (minutes is not None and time.monotonic() - self.last_time >= 60 * minutes)

    def _is_cheap(self) -> bool:
        """Tell whether the last one is so long ago that another takes no more than its share; who writes decides."""
        return self.processes.is_first and self.last_cost_s <= EPOCH_SHARE * (time.monotonic() - self.last_time)

    def _checkpoint(self, session: Session) -> None:
        begun = time.monotonic()
        if self.processes.is_first:
            write_checkpoint(self.run.checkpoint_path, session)
        self.last_time, self.last_steps = time.monotonic(), 0
        self.last_cost_s = self.last_time - begun
