"""What is wrong with kept results: held against their run, their predictions and the cube that was tested on."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np

from kamerton.data.cubes.cube import open_cube
from kamerton.errors import KamertonError
from kamerton.evaluation.cubes import labels_of_run, same_galaxies
from kamerton.evaluation.metrics import classification_metrics
from kamerton.evaluation.statistics import with_intervals
from kamerton.runs.folder import Run
from kamerton.runs.scores import Metrics, Predictions


def fault_of_results(run: Run, metrics: Metrics, predictions: Predictions) -> str:
    """Say in what results differ from their run, or from what follows from the predictions; empty where in nothing."""
    record = run.record
    for name, wanted in (("network", record.network), ("weights_chosen_by", record.weights_chosen_by)):
        if getattr(metrics, name) != wanted:
            return f"metrics.json has another {name} than run.json"
    scores = classification_metrics(predictions.labels, predictions.probabilities, record.class_names)
    if metrics.intervals is not None:
        scores = dataclasses.replace(scores, per_class=with_intervals(scores))
    wrong = [name for name, value in vars(scores).items() if not _close(getattr(metrics, name), value)]
    if wrong:
        return f"the predictions give other values of {', '.join(wrong)}"
    if metrics.is_broken(predictions):
        return "metrics.json or predictions.parquet was changed since the test"
    return ""


def fault_of_cube(run: Run, predictions: Predictions, path: Path) -> str:
    """Say in what predictions differ from the cube that was tested on, whose pixels are known to be the same."""
    try:
        with open_cube(path) as cube:
            same = {
                "ids": tuple(cube.ids) == predictions.ids,
                "labels": np.array_equal(labels_of_run(run, cube), predictions.labels),
                "groups": same_galaxies(cube) == predictions.groups,
            }
    except KamertonError as error:
        return str(error)
    wrong = [name for name, holds in same.items() if not holds]
    return f"predictions.parquet has other {' and '.join(wrong)} than the cube" if wrong else ""


def _close(claimed: object, found: object) -> bool:
    """Compare plain values and all inside them; scikit-learn's versions may differ in the last digits of a number."""
    if isinstance(claimed, float) and isinstance(found, float):
        return math.isclose(claimed, found, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(claimed, tuple) and isinstance(found, tuple):
        return len(claimed) == len(found) and all(map(_close, claimed, found))
    if dataclasses.is_dataclass(claimed) and dataclasses.is_dataclass(found):
        return _close(tuple(vars(claimed).values()), tuple(vars(found).values()))
    return claimed == found
