"""The pictures of one test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kamerton.certainty.judging import Certainty
from kamerton.data.cubes.cube import LabelledCube
from kamerton.evaluation.leakage import leakage_warning
from kamerton.evaluation.reliability import reliability_curve
from kamerton.figures.reliability import reliability_figure
from kamerton.figures.testing import confusion_figure, mistakes_figure, short_name
from kamerton.plurals import counted
from kamerton.runs.evaluation import tested_on
from kamerton.runs.folder import Run
from kamerton.runs.scores import Metrics, Predictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GALLERY_IMAGES = 20


def draw_evaluation(
    run: Run,
    cube: LabelledCube,
    dataset: str,
    predictions: Predictions,
    metrics: Metrics,
    certainty: Certainty | None,
) -> dict[str, Figure]:
    """Draw the evaluation's pictures, under a title that says first what must be known."""
    names = run.record.class_names
    title = f"{run.name} on {tested_on(dataset, cube.path.name)}, {counted(len(cube), 'galaxy')}"
    warning = leakage_warning(metrics.leakage, metrics.galaxies)
    if warning:
        title = f"{warning}\n{title}"
    labels, probabilities = predictions.labels, predictions.probabilities
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:GALLERY_IMAGES]
    ids = cube.ids
    captions = [
        f"{short_name(ids[row])}\ntrue {names[labels[row]]}\nsaid {names[predicted[row]]} {confidence[row]:.0%}"
        for row in worst
    ]
    said = f"mean of {counted(len(metrics.averaged), 'network')}" if metrics.averaged else "as the network says"
    curves = {said: reliability_curve(labels, probabilities)}
    if certainty is not None:
        after = "calibrated on this very cube" if _same_cube(metrics) else "calibrated"
        curves[after] = reliability_curve(labels, certainty.calibrated(probabilities))
    return {
        "confusion": confusion_figure(np.array(metrics.confusion_matrix), names, title),
        "mistakes": mistakes_figure(cube.read(worst), captions, title),
        "reliability": reliability_figure(curves, title),
    }


def _same_cube(metrics: Metrics) -> bool:
    scored = metrics.certainty
    return scored is not None and scored.calibrated is not None and scored.calibrated.same_cube
