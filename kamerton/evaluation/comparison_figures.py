"""The figures of a comparison: ``kamerton compare --out`` writes them, ``kamerton report`` shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kamerton.arrays import Probabilities, Rows
from kamerton.certainty.judging import read_certainty
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import DataError, RunError, UsageError
from kamerton.evaluation.comparison import Comparison, NetworkResult
from kamerton.evaluation.reliability import reliability_curve
from kamerton.evaluation.results import RunPredictions
from kamerton.figures.comparing import (
    Point,
    confusions_figure,
    cost_figure,
    learning_curves_figure,
    recall_figure,
)
from kamerton.figures.reliability import reliability_figure
from kamerton.figures.testing import gallery_figure, short_name
from kamerton.plurals import counted
from kamerton.runs.places import find_cube

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HARD_GALAXIES = 20
"""Shown of those that every network gets wrong."""


@dataclass(frozen=True)
class ComparisonFigure:
    """One figure of a comparison."""

    draw: Callable[[Comparison], Figure | None]
    """Draws it; None where the runs have nothing for it."""
    photographs: bool = False
    """The report shows photographs as pixels, and all else as lines."""


def draw_figures(comparison: Comparison) -> dict[str, Figure]:
    """Draw every figure for which the runs have something, by name, in the order of `FIGURES`."""
    drawn = {name: entry.draw(comparison) for name, entry in FIGURES.items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def learning_curves(comparison: Comparison) -> Figure | None:
    """Overlay the histories of all runs, and those of other programs that joined."""
    trained = {
        result.name: [predictions.run.history() for predictions in result.predictions if predictions.run.has_history]
        for result in comparison.networks
    }
    foreign = {name: [history] for name, history in comparison.foreign_histories.items()}
    curves = {name: histories for name, histories in trained.items() if histories} | foreign
    return learning_curves_figure(curves) if curves else None


def cost(comparison: Comparison) -> Figure:
    """Draw accuracy against the operations of one image."""
    points = {result.name: _point(result) for result in comparison.networks}
    return cost_figure(points, "operations an image (GFLOP)", "accuracy")


def _point(result: NetworkResult) -> Point:
    accuracy = result.metrics["accuracy"]
    return Point(result.cost.flops_an_image / 1e9, accuracy.value, accuracy.low, accuracy.high)


def recall(comparison: Comparison) -> Figure:
    """Draw the recall of each class."""
    labels = comparison.networks[0].predictions[0].labels
    counts = np.bincount(labels, minlength=len(comparison.class_names))
    recalls = {result.name: result.recall for result in comparison.networks}
    return recall_figure(recalls, comparison.class_names, counts.tolist())


def confusion(comparison: Comparison) -> Figure:
    """Draw the confusion matrices side by side."""
    return confusions_figure({result.name: result.confusion for result in comparison.networks}, comparison.class_names)


def hard_rows(comparison: Comparison) -> Rows:
    """Find the galaxies that every network's committee gets wrong, those that they are surest of first."""
    labels = comparison.networks[0].predictions[0].labels
    committees = np.stack([result.committee for result in comparison.networks])
    wrong = (committees.argmax(2) != labels).all(0)
    rows = np.flatnonzero(wrong)
    sureness = committees.max(2).mean(0)[rows]
    return np.asarray(rows[np.argsort(-sureness, kind="stable")])


def hard_galaxies(comparison: Comparison) -> Figure | None:
    """Show galaxies that every network gets wrong; None where the cube is gone, or is another than was tested."""
    first = comparison.networks[0].predictions[0]
    metrics = first.metrics
    place = find_cube(first.run, metrics.path, metrics.beside, metrics.fingerprint)
    if place is None:
        return None
    rows = hard_rows(comparison)
    heading = f"Wrong in every network: {len(rows)} of {counted(comparison.galaxies, 'galaxy')}"
    shown = rows[:HARD_GALAXIES]
    try:
        with open_cube(place) as cube:
            images_nhwc = cube.read(shown)
    except (DataError, UsageError):
        return None
    names = comparison.class_names
    captions = []
    for row in shown:
        said = [names[int(result.committee[row].argmax())] for result in comparison.networks]
        words = said[0] if len(set(said)) == 1 else ", ".join(dict.fromkeys(said))
        captions.append(f"{short_name(first.ids[row])}\ntrue {names[first.labels[row]]}\nsaid {words}")
    return gallery_figure(images_nhwc, captions, heading)


def reliability(comparison: Comparison) -> Figure:
    """Draw the reliability diagram of each network's first run, and of its calibration where the test knew one."""
    curves = {}
    for result in comparison.networks:
        first = result.predictions[0]
        curves[result.name] = reliability_curve(first.labels, first.probabilities)
        calibrated = _calibrated(first, comparison.class_names)
        if calibrated is not None:
            curves[f"{result.name}, calibrated"] = reliability_curve(first.labels, calibrated)
    return reliability_figure(curves)


def _calibrated(predictions: RunPredictions, class_names: Sequence[str]) -> Probabilities | None:
    """Calibrate predictions as their test did; None where it did not, or the run is calibrated otherwise now."""
    scored = predictions.metrics.certainty
    if scored is None or scored.calibrated is None:
        return None
    run = predictions.run
    try:
        certainty = read_certainty(run)
    except RunError:
        return None
    if certainty is None or certainty.calibration.fingerprint != scored.calibrated.calibration:
        return None
    # The comparison's classes are in the order of its first run.
    names = run.record.class_names
    there = [class_names.index(name) for name in names]
    back = [names.index(name) for name in class_names]
    return certainty.calibrated(predictions.probabilities[:, there])[:, back]


FIGURES: dict[str, ComparisonFigure] = {
    "learning_curves": ComparisonFigure(learning_curves),
    "cost": ComparisonFigure(cost),
    "recall": ComparisonFigure(recall),
    "confusion": ComparisonFigure(confusion),
    "reliability": ComparisonFigure(reliability),
    "hard_galaxies": ComparisonFigure(hard_galaxies, photographs=True),
}
"""Every figure by the name of its file, in the report's order; its caption is in reporting/english.py and polish.py."""
