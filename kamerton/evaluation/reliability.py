"""Whether probabilities are as often right as they say: errors of calibration, and how sets keep a promise.

Errors of calibration are of the predicted class: its probability is the confidence, and it is right or wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from kamerton.arrays import Labels, Probabilities, ValuesN
from kamerton.certainty.judging import Certainty
from kamerton.evaluation.metrics import finite_probabilities
from kamerton.evaluation.statistics import negative_log_likelihood, resampled_weights, share_interval
from kamerton.figures.reliability import ReliabilityCurve
from kamerton.runs.reliability import CertaintyScores, Estimate, Promised, Reliability, SetScores

BINS = 15
"""Of equally many galaxies each, as in most papers."""

GRID = 512
"""Cells between confidences of 0 and 1 on which they are smoothed."""

HALVINGS = 20
"""Of the interval in which the width of the kernel is looked for."""

SMALLEST_WIDTH = 1e-3
"""As in relplot; about half a cell."""

WIDEST_DRAWN = 0.05
"""Width of the kernel in a diagram at most: near its ends a wider one draws the line to the middle."""

RESAMPLES, SEED = 500, 0

Weights = Float64[np.ndarray, "resamples n"]
Values = Float64[np.ndarray, " resamples"]
Grids = Float64[np.ndarray, "resamples cells"]


@dataclass(frozen=True, eq=False)
class Confidences:
    """How sure the predicted class of each galaxy is, and whether it is right."""

    confidence: ValuesN
    right: ValuesN
    """1 or 0."""

    @classmethod
    def of(cls, labels: Labels, probabilities: Probabilities) -> Confidences:
        """Take the most probable class of each galaxy."""
        exact = finite_probabilities(probabilities)
        return cls(exact.max(1), (probabilities.argmax(1) == labels).astype(np.float64))


def reliability(labels: Labels, probabilities: Probabilities, groups: Sequence[str]) -> Reliability:
    """Measure probabilities (n, classes); the intervals are over whole ``groups`` of galaxies."""
    drawn = resampled_weights(groups, RESAMPLES, SEED)
    # The galaxies themselves come first.
    weights = np.concatenate([np.ones((1, len(labels))), drawn])
    sums = weights.sum(1)
    squared = np.square(finite_probabilities(probabilities) - np.eye(probabilities.shape[1])[labels]).sum(1)
    found = Confidences.of(labels, probabilities)
    return Reliability(
        log_loss=_estimate(weights @ negative_log_likelihood(labels, probabilities) / sums),
        brier=_estimate(weights @ squared / sums),
        ece=_root(_centred(debiased_squared_error(found, weights))),
        smooth_ece=_estimate(_centred(smooth_error(found, weights)[0])),
    )


def _centred(values: Values) -> Values:
    """Take away by how much resamples are worse on average than the galaxies: noise counts twice in them."""
    return np.concatenate([values[:1], values[1:] - values[1:].mean() + values[0]])


def _estimate(values: Values) -> Estimate:
    low, high = np.quantile(values[1:], (0.025, 0.975))
    value = max(float(values[0]), 0.0)
    return Estimate(value, min(max(float(low), 0.0), value), max(float(high), value))


def _root(squares: Values) -> Estimate:
    found = _estimate(squares)
    return Estimate(float(np.sqrt(found.value)), float(np.sqrt(found.low)), float(np.sqrt(found.high)))


def equal_bins(confidence: ValuesN) -> Int64[np.ndarray, " n"]:
    """Give each galaxy its bin of BINS of equally many, by its confidence."""
    order = np.argsort(confidence, kind="stable")
    bins = np.empty(len(confidence), np.int64)
    bins[order] = np.arange(len(confidence)) * min(BINS, len(confidence)) // len(confidence)
    return bins


def debiased_squared_error(found: Confidences, weights: Weights) -> Values:
    """Mean over bins of the squared gap between confidence and accuracy, less its variance; it may be below 0.

    The estimate is unbiased: galaxies that are calibrated have 0 on average, however few they are.
    """
    gap = found.right - found.confidence
    in_bin = np.eye(BINS)[equal_bins(found.confidence)]
    counts = weights @ in_bin
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = weights @ (in_bin * gap[:, np.newaxis]) / counts
        square = weights @ (in_bin * np.square(gap)[:, np.newaxis]) / counts
        unbiased = np.square(mean) - (square - np.square(mean)) / (counts - 1)
    usable = counts > 1
    return np.asarray(np.where(usable, counts * unbiased, 0).sum(1) / np.where(usable, counts, 0).sum(1).clip(min=1))


def smooth_error(found: Confidences, weights: Weights) -> tuple[Values, Values]:
    """Smooth calibration error of each resample, and the width of its kernel.

    The gaps are smoothed by a Gaussian that is reflected at 0 and 1, as wide as the error itself is large. On a grid
    that is a product with each cosine's coefficient.
    """
    from scipy.fft import dct, idct

    gaps = on_grid(found.confidence, found.right - found.confidence, weights) / weights.sum(1, keepdims=True)
    coefficients = dct(gaps, axis=1, norm="ortho")
    waves = np.pi * np.arange(GRID)

    def error(width: Values) -> Values:
        smoothed = idct(coefficients * np.exp(-0.5 * np.square(waves * width[:, np.newaxis])), axis=1, norm="ortho")
        return np.asarray(np.abs(smoothed).sum(1))

    low, high = np.zeros(len(weights)), np.ones(len(weights))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        too_narrow = (middle >= SMALLEST_WIDTH) & (middle < error(middle))
        low, high = np.where(too_narrow, middle, low), np.where(too_narrow, high, middle)
    width = np.maximum(high, SMALLEST_WIDTH)
    return error(width), width


def on_grid(confidence: ValuesN, values: ValuesN, weights: Weights) -> Grids:
    """Share each galaxy's value out to the two nearest cells."""
    place = confidence * GRID - 0.5
    left = np.floor(place).astype(np.int64)
    share = place - left
    cells = np.zeros((len(confidence), GRID))
    rows = np.arange(len(confidence))
    np.add.at(cells, (rows, left.clip(0, GRID - 1)), (1 - share) * values)
    np.add.at(cells, (rows, (left + 1).clip(0, GRID - 1)), share * values)
    return np.asarray(weights @ cells)


def reliability_curve(labels: Labels, probabilities: Probabilities) -> ReliabilityCurve:
    """Find the reliability diagram of probabilities (n, classes)."""
    from scipy.fft import dct, idct

    found = Confidences.of(labels, probabilities)
    bins = equal_bins(found.confidence)
    counts = np.bincount(bins)
    accuracy = np.bincount(bins, found.right) / counts
    ends = [share_interval(float(share), int(count)) for share, count in zip(accuracy, counts, strict=True)]
    once = np.ones((1, len(labels)))
    width = min(max(float(smooth_error(found, once)[1][0]), 2 / GRID), WIDEST_DRAWN)
    kernel = np.exp(-0.5 * np.square(np.pi * np.arange(GRID) * width))
    counted, right = (
        idct(dct(on_grid(found.confidence, values, once)[0], norm="ortho") * kernel, norm="ortho")
        for values in (np.ones(len(labels)), found.right)
    )
    cells = (np.arange(GRID) + 0.5) / GRID
    # Beyond these ends a galaxy or two would draw the line.
    first, last = np.quantile(found.confidence, (0.01, 0.99))
    seen = (cells >= first) & (cells <= last)
    smooth = np.column_stack([cells, right / np.maximum(counted, np.finfo(np.float64).tiny)])[seen].clip(0, 1)
    return ReliabilityCurve(np.bincount(bins, found.confidence) / counts, accuracy, np.array(ends), smooth)


def certainty_scores(
    labels: Labels,
    probabilities: Probabilities,
    groups: Sequence[str],
    certainty: Certainty | None,
    fingerprint: str,
) -> CertaintyScores:
    """Measure a network's probabilities, and what its calibration makes of them; ``fingerprint`` is the cube's."""
    network = reliability(labels, probabilities, groups)
    promised = None if certainty is None else _promised(labels, probabilities, groups, certainty, fingerprint)
    return CertaintyScores(network, promised, RESAMPLES)


def _promised(
    labels: Labels, probabilities: Probabilities, groups: Sequence[str], certainty: Certainty, fingerprint: str
) -> Promised:
    made = certainty.calibration
    calibrated = certainty.calibrated(probabilities)
    in_set = certainty.sets(calibrated)
    sizes = in_set.sum(1)
    rows = []
    for place, name in enumerate(certainty.run.record.class_names):
        own = labels == place
        count, covered = int(own.sum()), int(in_set[own, place].sum())
        interval = share_interval(covered / count, count) if count else None
        rows.append(SetScores(name, count, covered, interval, float(sizes[own].mean()) if count else None))
    return Promised(
        calibration=made.fingerprint,
        cube=Path(made.cube.path).name,
        same_cube=made.cube.fingerprint == fingerprint,
        reliability=reliability(labels, calibrated, groups),
        coverage=made.coverage,
        method=made.method,
        pooled=made.pooled,
        sets=tuple(rows),
        mean_size=float(sizes.mean()),
    )


CERTAINTY_COLUMNS = ("", "log loss", "Brier score", "ECE", "smooth ECE")
"""Of a table of reliability."""

SET_COLUMNS = ("class", "galaxies", "set holds it", "classes in a set")
"""Of a table of sets."""


def certainty_rows(scores: CertaintyScores | None) -> list[tuple[str, ...]]:
    """Write a row before calibration, and one after."""
    if scores is None:
        return []
    rows = [("as the network says", scores.network)]
    if scores.calibrated is not None:
        on = "this very cube: no test" if scores.calibrated.same_cube else scores.calibrated.cube
        rows.append((f"calibrated on {on}", scores.calibrated.reliability))
    return [(name, *map(_written, (one.log_loss, one.brier, one.ece, one.smooth_ece))) for name, one in rows]


def set_rows(scores: CertaintyScores | None) -> list[tuple[str, ...]]:
    """Write a row a class; none where nothing was promised."""
    if scores is None or scores.calibrated is None:
        return []
    pooled = scores.calibrated.pooled
    return [
        (
            f"{row.class_name} (with others)" if row.class_name in pooled else row.class_name,
            str(row.galaxies),
            "–" if row.interval is None else _shown(row.covered / row.galaxies, *row.interval),
            "–" if row.mean_size is None else f"{row.mean_size:.2f}",
        )
        for row in scores.calibrated.sets
    ]


def _written(found: Estimate) -> str:
    return _shown(found.value, found.low, found.high)


def _shown(value: float, low: float, high: float) -> str:
    return f"{value:.3f} ({low:.3f}–{high:.3f})"
