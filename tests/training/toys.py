"""Toy cubes for trainings, and who watches them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kamerton.training.progress import Silent
from kamerton.training.session import Tally
from tests.conftest import toy_galaxies, write_cube

IMAGES, LABELS = toy_galaxies(9, 16, seed=0)
COLUMNS = ["loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds", "images_per_second"]


def folder_of(path: Path, train_cube: dict[str, Any], valid_cube: dict[str, Any]) -> Path:
    """Write a training and a validation cube that differ from plain toy cubes as given."""
    path.mkdir()
    for split, changes in (("train", train_cube), ("valid", valid_cube)):
        write_cube(path / f"{split}.fits", **{"images_nhwc": IMAGES, "labels": LABELS, **changes})
    return path


class Recorder(Silent):
    """Remembers what a training told, and how much of the history was on disk each time."""

    def __init__(self, run: Path | None = None) -> None:
        self.run = run
        self.begun: list[tuple[int, int, int]] = []
        self.seen: list[tuple[float, float, float]] = []
        self.ended: list[tuple[int, Mapping[str, float]]] = []
        self.lines_on_disk: list[int] = []
        self.closed = False

    def begin_epoch(self, epoch: int, epochs: int, steps: int, done: int = 0) -> None:
        self.begun.append((epoch, epochs, steps))

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        self.seen.append((tally().loss, tally().accuracy, images_per_second))

    def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        self.ended.append((epoch, row))
        if self.run is not None:
            self.lines_on_disk.append(len((self.run / "history.csv").read_text().splitlines()))

    def close(self) -> None:
        self.closed = True


def nothing_is_left(folder: Path) -> bool:
    return list(folder.iterdir()) == []
