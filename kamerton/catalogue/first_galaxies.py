"""The first galaxies of a survey, held against those that a run knows, before the night is spent."""

from __future__ import annotations

import numpy as np

from kamerton.arrays import Features, SquaresNHWC
from kamerton.certainty.drift import MOST_GALAXIES, drift
from kamerton.certainty.judging import Certainty
from kamerton.errors import warn
from kamerton.runs.folder import Run

MOST_BYTES = 64 << 20
"""Of images that are kept for it: 340 of 256 pixels in three channels."""


class FirstGalaxies:
    """Keep the first galaxies that a process labels, and say once how they differ from the run's, if they do."""

    def __init__(self, run: Run, certainty: Certainty) -> None:
        self._run, self._certainty = run, certainty
        self._features: list[Features] = []
        self._images: list[SquaresNHWC] = []
        self._is_open = True

    def add(self, features: Features, images_nhwc: SquaresNHWC) -> None:
        """Take further galaxies, until there are enough."""
        if not self._is_open:
            return
        self._features.append(features)
        self._images.append(images_nhwc)
        count, kept_bytes = sum(map(len, self._images)), sum(images.nbytes for images in self._images)
        if count >= MOST_GALAXIES or kept_bytes >= MOST_BYTES:
            self.look()

    def look(self) -> None:
        """Compare those that there are, and warn; once."""
        if self._is_open and self._images:
            features, images_nhwc = np.concatenate(self._features), np.concatenate(self._images)
            for line in drift(self._run, self._certainty, features, images_nhwc).lines:
                warn(line, next_step="look at some of these galaxies beside the training's before you trust the night")
        self._is_open = False
        self._features, self._images = [], []
