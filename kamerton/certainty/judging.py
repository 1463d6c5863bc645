"""From what a network says to what it may say: calibrated probabilities, sets, and flags; plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Int16

from kamerton.arrays import Float32N, Probabilities, Sets
from kamerton.certainty import outliers, sets
from kamerton.certainty.outliers import FeatureSpace
from kamerton.certainty.scaling import Scaling, log_probabilities
from kamerton.errors import UsageError
from kamerton.inference.engines import Answers
from kamerton.inference.predictor import Predictor
from kamerton.runs.calibration import (
    Calibration,
    Known,
    read_calibration,
    read_known,
    require_present_weights,
)
from kamerton.runs.folder import Run, open_run

RARE = 0.99
"""Percentile beyond which a galaxy is flagged: one in a hundred of those that are like the calibration's is, too."""

FAR, UNCLEAR, NO_CLASS, EVERY_CLASS = 1, 2, 4, 8

FLAGS = {
    FAR: "farther from the training galaxies than 99% of the known galaxies",
    UNCLEAR: "of a higher energy than 99% of the known galaxies: no class is found in it",
    NO_CLASS: "no class is in the set",
    EVERY_CLASS: "all classes are in the set",
}
"""What each bit of the flags means."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What may be said of n galaxies."""

    probabilities: Probabilities
    """Calibrated."""
    in_set: Sets
    set_size: Int16[np.ndarray, " n"]
    ood_energy: Float32N
    """Share of known galaxies with a lower energy."""
    ood_knn: Float32N
    """Share of known galaxies that are nearer to the training galaxies; NaN where these were gone."""
    flags: Int16[np.ndarray, " n"]
    """Bits of FLAGS."""


class Certainty:
    """A run's calibration, ready to judge what its network says."""

    def __init__(self, run: Run, calibration: Calibration, known: Known) -> None:
        self.run = run
        self.calibration = calibration
        self.known = known
        self.scaling = Scaling(np.array(calibration.slopes), np.array(calibration.offsets))

    def __repr__(self) -> str:
        return f"Certainty({self.run.name}, {self.facts['calibration']})"

    @property
    def knows_neighbours(self) -> bool:
        """Tell whether training galaxies are at hand, so that distances to them are known."""
        return self.calibration.known.training > 0

    @cached_property
    def space(self) -> FeatureSpace:
        """The space of the run's features."""
        return FeatureSpace(self.known["centre"], self.known["weights"], self.known.get("axes"))

    @property
    def facts(self) -> dict[str, str]:
        """What a catalogue says of it."""
        made = self.calibration
        temperature = "vector scaling" if made.temperature is None else f"temperature {made.temperature:.4f}"
        pooled = f", one threshold for {', '.join(made.pooled)}" if made.pooled else ""
        return {
            "calibration": f"{temperature}, on {made.cube.galaxies} galaxies of {Path(made.cube.path).name}",
            "calibration_cube": made.cube.fingerprint,
            "calibration_fingerprint": made.fingerprint,
            "sets": f"{made.method} by class, each holds the true class with probability {made.coverage:g}{pooled}",
        }

    def require(self, predictor: Predictor) -> None:
        """Refuse to judge a prediction of other views or precision than the calibration's (UsageError)."""
        made = self.calibration
        for option, now, then in (
            ("eight_views", predictor.eight_views, made.views == 8),
            ("int8", predictor.int8, made.precision == "int8"),
        ):
            if now != then:
                given, missing = ("with", "without") if now else ("without", "with")
                word = f"--{option.replace('_', '-')}"
                raise UsageError(
                    f"{self.run.path}: calibrated {missing} {word}, which says nothing about a prediction {given} it",
                    next_step=f"predict {missing} {word}, or calibrate again {given} it",
                )

    def judge(self, answers: Answers) -> Judged:
        """Judge what the run's network says of n galaxies."""
        probabilities = self.calibrated(answers.probabilities)
        in_set = self.sets(probabilities)
        size = in_set.sum(1).astype(np.int16)
        energy = outliers.percentiles(outliers.energies(answers.logits), self.known["energies"])
        distance = np.full(len(size), np.nan, np.float32)
        if self.knows_neighbours:
            far = outliers.distances(self.space.points(answers.features), self.known["training"])
            distance = outliers.percentiles(far, self.known["distances"])
        flags = np.zeros(len(size), np.int16)
        for bit, holds in (
            (FAR, distance > RARE),
            (UNCLEAR, energy > RARE),
            (NO_CLASS, size == 0),
            (EVERY_CLASS, size == in_set.shape[1]),
        ):
            flags |= np.where(holds, np.int16(bit), np.int16(0))
        return Judged(probabilities, in_set, size, energy, distance, flags)

    def calibrated(self, probabilities: Probabilities) -> Probabilities:
        """Scale a network's probabilities."""
        return self.scaling(log_probabilities(probabilities)).astype(np.float32)

    def sets(self, calibrated: Probabilities) -> Sets:
        """Give the sets of calibrated probabilities."""
        return sets.sets_of(sets.scores(calibrated, self.calibration.method), self.calibration.thresholds)


def read_certainty(run: Run | str | Path) -> Certainty | None:
    """Read a run's calibration; None where it was never calibrated.

    RunError where the calibration is damaged, or of other weights than the run's present ones.
    """
    run = run if isinstance(run, Run) else open_run(run)
    calibration = read_calibration(run)
    if calibration is None:
        return None
    require_present_weights(run, calibration)
    return Certainty(run, calibration, read_known(run, calibration))
