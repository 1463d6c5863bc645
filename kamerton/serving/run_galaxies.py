"""The galaxies behind a number of a confusion matrix, with their pictures where the cube is still there."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kamerton.arrays import Confusion, ImageHWC, Rows
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.errors import KamertonError
from kamerton.evaluation.results import RunPredictions
from kamerton.runs.folder import Run
from kamerton.runs.places import cube_places
from kamerton.runs.scores import Metrics

MOST_OPEN = 2
"""Cubes that stay open between the pictures of a page."""

MANY_CONFUSIONS = 8
"""Of the most frequent confusions, so many are listed."""


@dataclass(frozen=True)
class Confused:
    """Galaxies of one class that were taken for another."""

    true: int
    said: int
    count: int
    share: float
    """Of the true class."""


def confusions(counts: Confusion, most: int = MANY_CONFUSIONS) -> list[Confused]:
    """Give the most frequent confusions of a matrix (true, predicted)."""
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    totals = np.maximum(counts.sum(1), 1)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    found = (divmod(int(cell), len(counts)) for cell in order)
    return [
        Confused(true, said, int(wrong[true, said]), float(wrong[true, said] / totals[true]))
        for true, said in found
        if wrong[true, said]
    ]


def rows_of(tested: RunPredictions, true: int | None, said: int | None) -> Rows:
    """Find the galaxies of a cell, those that the network is surest of first; without a class, all mistakes."""
    predicted = tested.probabilities.argmax(1)
    chosen = predicted != tested.labels if true is None and said is None else np.ones(len(predicted), bool)
    if true is not None:
        chosen &= tested.labels == true
    if said is not None:
        chosen &= predicted == said
    rows = np.flatnonzero(chosen)
    return np.asarray(rows[np.argsort(-tested.probabilities.max(1)[rows], kind="stable")])


class Cubes:
    """Cubes of tests, found again by their fingerprint, and open for a while; used by one thread at a time."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[Path, int, int], tuple[str, LabelledCube]] = OrderedDict()
        weakref.finalize(self, _close, self._open)

    def find(self, run: Run, metrics: Metrics) -> LabelledCube | None:
        """Give the cube of a test; None where no place holds it, or another one by now.

        The first look reads all of it.
        """
        for place in cube_places(run, metrics.path, metrics.beside):
            try:
                fingerprint, cube = self._opened(place)
            except (KamertonError, OSError):
                continue
            if fingerprint == metrics.fingerprint:
                return cube
        return None

    def _opened(self, place: Path) -> tuple[str, LabelledCube]:
        status = place.stat()
        key = (place, status.st_mtime_ns, status.st_size)
        if key not in self._open:
            cube = open_cube(place)
            try:
                self._open[key] = cube.fingerprint(), cube
            except BaseException:
                cube.close()
                raise
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)[1][1].close()
        self._open.move_to_end(key)
        return self._open[key]

    def image(self, run: Run, metrics: Metrics, row: int) -> ImageHWC | None:
        """Read one galaxy of a test; None where the cube is gone, or has no such row."""
        cube = self.find(run, metrics)
        if cube is None or not 0 <= row < len(cube):
            return None
        return np.asarray(cube.read(np.array([row]))[0])


def _close(cubes: OrderedDict[tuple[Path, int, int], tuple[str, LabelledCube]]) -> None:
    for _, cube in cubes.values():
        cube.close()
