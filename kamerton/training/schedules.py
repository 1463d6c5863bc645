"""Learning-rate schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kamerton.config import PlateauSettings


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
