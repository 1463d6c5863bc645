"""The galaxies that a run was trained on, among which neighbours are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from kamerton.arrays import Features, Probabilities, Rows, SquareHWC
from kamerton.batches.reading import in_order
from kamerton.certainty.outliers import FeatureSpace
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.sky import sky_positions
from kamerton.errors import DataError
from kamerton.inference.engines import BATCH_IMAGES
from kamerton.neighbours.galaxy import Galaxy
from kamerton.neighbours.nearest import learn_middle
from kamerton.neighbours.query import Seer
from kamerton.progress import Progress
from kamerton.runs.places import find_cube

if TYPE_CHECKING:
    import pyarrow as pa


class TrainingGalaxies:
    """The galaxies of a run's training cube; what its network sees in them is made here, and is in memory."""

    def __init__(self, seer: Seer, cube: LabelledCube, watcher: Progress) -> None:
        self.seer, self.cube, self._watcher = seer, cube, watcher
        self._looked: tuple[Features, Probabilities] | None = None

    @property
    def name(self) -> str:
        """What they are called in messages."""
        return str(self.cube.path)

    def __len__(self) -> int:
        return len(self.cube)

    def ids(self) -> Iterator[pa.ChunkedArray]:
        """See `Among`."""
        import pyarrow as pa

        yield pa.chunked_array([pa.array(self.cube.ids, pa.string())])

    def look(self) -> Iterator[int]:
        """See them, batch after batch, and give how many are seen; whoever has other things to do may pause between."""
        if self._looked is not None:
            return
        predictor, certainty = self.seer.predictor, self.seer.certainty
        predictor.prepare()
        features, probabilities = [], []
        done = 0
        for images_nhwc, _ in in_order(self.cube, BATCH_IMAGES):
            answers = predictor.answers(images_nhwc)
            features.append(answers.features)
            own = answers.probabilities
            probabilities.append(own if certainty is None else certainty.calibrated(own))
            done += len(images_nhwc)
            yield done
        self._looked = np.concatenate(features), np.concatenate(probabilities)

    @property
    def _seen(self) -> tuple[Features, Probabilities]:
        if self._looked is None:
            before = 0
            with self._watcher.task(f"looking at {self.cube.path.name}", len(self), "galaxies") as advance:
                for done in self.look():
                    advance(done - before)
                    before = done
        assert self._looked is not None, "all have been looked at"
        return self._looked

    def features(self) -> Iterator[Features]:
        """See `Among`."""
        yield self._seen[0]

    def features_of(self, rows: Rows) -> Features:
        """See `Among`."""
        return np.asarray(self._seen[0][rows])

    @cached_property
    def space(self) -> FeatureSpace | None:
        """See `Among`."""
        return learn_middle(self.features())

    def galaxies(self, rows: Rows) -> list[Galaxy]:
        """See `Among`."""
        names, ids = self.seer.predictor.class_names, self.cube.ids
        places = sky_positions(self.cube.catalogue)
        found = []
        for row in rows.tolist():
            probabilities = self._seen[1][row]
            best = int(probabilities.argmax())
            ra_deg, dec_deg = (np.nan, np.nan) if places is None else map(float, places[row])
            true_class = self.cube.class_names[self.cube.labels[row]]
            found.append(Galaxy(row, ids[row], names[best], float(probabilities[best]), ra_deg, dec_deg, true_class))
        return found

    def pictures(self, rows: Rows) -> list[SquareHWC | None]:
        """See `Among`."""
        return list(self.cube.read(rows))


@contextmanager
def open_training_galaxies(seer: Seer, watcher: Progress) -> Iterator[TrainingGalaxies]:
    """Open the cube that a run was trained on; DataError where it is gone."""
    run = seer.predictor.run
    record = run.record.data.get("train")
    place = None if record is None else find_cube(run, record.path, record.beside, record.fingerprint, watcher)
    if place is None:
        raise DataError(
            f"{run.path}: the galaxies that it was trained on are not there",
            received="no record of them" if record is None else f"not at {record.path}, nor beside the run",
            next_step="bring that cube back, or look among a catalogue made by `kamerton predict --features all`",
        )
    with open_cube(place) as cube:
        yield TrainingGalaxies(seer, cube, watcher)
