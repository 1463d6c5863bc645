"""Learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from kamerton.config.recipe import CosineSettings, PlateauSettings, Recipe


@dataclass(frozen=True)
class ScheduleState:
    """What a schedule remembers between epochs."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    learning_rate: float
    best: float | None
    wait: int
    cooldown_left: int


class Schedule(Protocol):
    """How fast to learn."""

    def rate(self, epochs_done: float) -> float:
        """Give the learning rate of the step that begins after so many epochs, whole ones and a part."""

    def end_epoch(self, history_row: Mapping[str, float]) -> object:
        """Take an epoch's metrics."""

    def state(self) -> ScheduleState | None:
        """Give what must be kept; None where all follows from the epoch."""

    def restore(self, state: ScheduleState | None) -> None:
        """Take up a state."""


def make_schedule(recipe: Recipe) -> Schedule:
    """Make the schedule that a recipe names."""
    learning_rate = recipe.optimizer.learning_rate
    if isinstance(recipe.schedule, CosineSettings):
        return CosineDecay(recipe.schedule, learning_rate, recipe.epochs - recipe.head_epochs)
    return ReduceOnPlateau(recipe.schedule, learning_rate)


STANDSTILL = 0.01
"""A learning rate that is cut to this share or less at once moves the weights no more."""


def standstill(recipe: Recipe) -> str:
    """Say when a recipe's training stands still long before its end; empty where it does not."""
    schedule = recipe.schedule
    if not isinstance(schedule, PlateauSettings) or schedule.factor > STANDSTILL:
        return ""
    epochs = "an epoch" if schedule.patience <= 1 else f"{schedule.patience} epochs on end"
    return (
        f"the recipe {recipe.name} stands still after {epochs} in which {schedule.monitor} gains less than "
        f"{schedule.min_delta:g}: the learning rate is then multiplied by {schedule.factor:g}"
    )


def knows_its_end(recipe: Recipe) -> bool:
    """Tell whether the learning rate follows from the number of epochs, so that more of them are another training."""
    return isinstance(recipe.schedule, CosineSettings)


@dataclass(frozen=True)
class CosineDecay:
    """Up along a line, down along a cosine; the rate follows from the place in the training alone."""

    settings: CosineSettings
    learning_rate: float
    """The highest."""
    epochs: int

    def rate(self, epochs_done: float) -> float:
        """See Schedule."""
        warmup = min(self.settings.warmup_epochs, self.epochs / 2)
        if epochs_done < warmup:
            # Not from 0, where the first epoch would begin in vain.
            return self.learning_rate * (0.01 + 0.99 * epochs_done / warmup)
        share = min(1.0, (epochs_done - warmup) / (self.epochs - warmup))
        final = self.settings.final_share
        return self.learning_rate * (final + (1 - final) * (1 + math.cos(math.pi * share)) / 2)

    def end_epoch(self, history_row: Mapping[str, float]) -> None:
        """See Schedule."""

    def state(self) -> None:
        """See Schedule."""

    def restore(self, state: ScheduleState | None) -> None:
        """See Schedule."""


@dataclass
class ReduceOnPlateau:
    """Keras's ``ReduceLROnPlateau``: cut the learning rate when the monitored value stops improving.

    Keras compares in float32 and keeps the learning rate in float32, and so does this.
    """

    settings: PlateauSettings
    learning_rate: float
    best: float | None = None
    wait: int = 0
    cooldown_left: int = 0

    def __post_init__(self) -> None:
        self.learning_rate = float(np.float32(self.learning_rate))

    def rate(self, epochs_done: float) -> float:
        """See Schedule; the same throughout an epoch."""
        return self.learning_rate

    def state(self) -> ScheduleState:
        """See Schedule."""
        return ScheduleState(self.learning_rate, self.best, self.wait, self.cooldown_left)

    def restore(self, state: ScheduleState | None) -> None:
        """See Schedule."""
        if state is None:
            raise ValueError("a plateau without its state")
        self.learning_rate, self.best = state.learning_rate, state.best
        self.wait, self.cooldown_left = state.wait, state.cooldown_left

    def end_epoch(self, history_row: Mapping[str, float]) -> float:
        """Take an epoch's metrics and give the learning rate of the next one."""
        current = history_row[self.settings.monitor]
        if self.cooldown_left > 0:
            self.cooldown_left -= 1
            self.wait = 0
        if self._improves(current):
            self.best = current
            self.wait = 0
        elif self.cooldown_left == 0:
            self.wait += 1
            if self.wait >= self.settings.patience:
                self._reduce()
        return self.learning_rate

    def _improves(self, current: float) -> bool:
        if self.best is None:
            return True
        delta = abs(self.settings.min_delta)
        if self._higher_is_better():
            return bool(np.float32(current - delta) > np.float32(self.best))
        return bool(np.float32(current + delta) < np.float32(self.best))

    def _higher_is_better(self) -> bool:
        if self.settings.mode == "auto":
            return self.settings.monitor.endswith("accuracy")
        return self.settings.mode == "max"

    def _reduce(self) -> None:
        if self.learning_rate > np.float32(self.settings.min_lr):
            lower = max(self.learning_rate * self.settings.factor, self.settings.min_lr)
            self.learning_rate = float(np.float32(lower))
            self.cooldown_left = self.settings.cooldown
            self.wait = 0
