"""Drift: whether a survey's galaxies are another kind of images than those that a network learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from kamerton.arrays import Features, ImagesNHWC, ValuesN
from kamerton.certainty.judging import Certainty
from kamerton.certainty.pixels import MEASURES, pixel_measures
from kamerton.runs.folder import Run

FEWEST_GALAXIES = 50
"""Below this nothing is tested."""

MOST_GALAXIES = 1000
"""Of each side in the test of two samples."""

FOLDS, PERMUTATIONS, SEED = 5, 199, 0

RIDGE = 0.1
"""Of the classifier, a galaxy: its columns have unit variance."""

DRIFT_AUC, DRIFT_P = 0.6, 0.01
"""A classifier that tells the two apart so well, and by chance so seldom, is worth a line; in a large survey the least
difference is sure."""

MEASURE_AUC = 0.8
"""A measure of pixels that is higher, or lower, in so many pairs of one galaxy of each side is worth a line."""

SPOILT_SHARE, SPOILT_MORE = 0.01, 0.1
"""So is it where a tenth more of the galaxies have white, or black, pixels in a hundredth of their picture."""


@dataclass(frozen=True)
class Drift:
    """What was found of a survey's first galaxies."""

    lines: tuple[str, ...]
    """Warnings, one line each; none where nothing is wrong."""
    numbers: Mapping[str, float]
    """What they rest on: areas under curves, p-value, medians."""


def drift(run: Run, certainty: Certainty, features: Features, images_nhwc: ImagesNHWC) -> Drift:
    """Compare a survey's galaxies (n,) with those that the run knows: features, and what tells of their pixels.

    A ridge classifier tries to tell the network's features, and their squares, from those of the calibration cube,
    which training has not seen either: the training cube's would differ by what the network knows by heart. Its area
    under the curve is on galaxies held out, and its p-value from permutations (Lopez-Paz & Oquab 2017). The pixels'
    measures are held against the training cube's.
    """
    if not certainty.knows_neighbours:
        line = f"{run.name}: drift was not looked for, since the training cube was gone when the run was calibrated"
        return Drift((line,), {})
    if len(features) < FEWEST_GALAXIES:
        return Drift((), {})
    lines, numbers = _of_features(certainty, features)
    measured, known = pixel_measures(images_nhwc), certainty.known["training_pixels"]
    for place, name in enumerate(MEASURES):
        found, ours = measured[:, place].astype(np.float64), known[:, place].astype(np.float64)
        line = _of_shares(name, found, ours) if name.endswith("share") else _of_levels(name, found, ours)
        lines += [line] if line else []
        key = name.replace(" ", "_")
        numbers |= {f"{key}_auc": auc(found, ours), f"{key}_median": float(np.median(found))}
        numbers[f"{key}_median_training"] = float(np.median(ours))
    return Drift(tuple(lines), numbers)


def auc(higher: ValuesN, lower: Float64[np.ndarray, " m"]) -> float:
    """Share of pairs in which the first is higher than the second; ties count half."""
    from scipy.stats import rankdata

    n, m = len(higher), len(lower)
    ranks = rankdata(np.concatenate([higher, lower]))[:n]
    return float((ranks.sum() - n * (n + 1) / 2) / (n * m))


def _of_levels(name: str, found: ValuesN, known: Float64[np.ndarray, " m"]) -> str:
    share = auc(found, known)
    if 1 - MEASURE_AUC < share < MEASURE_AUC:
        return ""
    side, pairs = ("higher", share) if share > 0.5 else ("lower", 1 - share)
    return (
        f"the {name} is {side} than a training galaxy's in {pairs:.0%} of pairs: "
        f"{np.median(found):.3g} in the middle, {np.median(known):.3g} in training"
    )


def _of_shares(name: str, found: ValuesN, known: Float64[np.ndarray, " m"]) -> str:
    here, there = float((found > SPOILT_SHARE).mean()), float((known > SPOILT_SHARE).mean())
    if here - there < SPOILT_MORE:
        return ""
    colour = "white, saturated" if name.startswith("saturated") else "black, perhaps missing,"
    return (
        f"{here:.0%} of the galaxies have {colour} pixels in more than {SPOILT_SHARE:.0%} of the picture, "
        f"{there:.0%} in training"
    )


def _of_features(certainty: Certainty, features: Features) -> tuple[list[str], dict[str, float]]:
    ours = _some(certainty.space.points(features).astype(np.float64))
    known = _some(certainty.known["calibrating"].astype(np.float64))
    if len(known) < FEWEST_GALAXIES:
        return [], {}
    share, p = two_samples(ours, known)
    lines = []
    if share >= DRIFT_AUC and p <= DRIFT_P:
        lines.append(
            f"the network sees other galaxies than it was calibrated on: a classifier tells them apart with an area "
            f"under the curve of {share:.2f} (p {p:.3f}); other instruments, or other shares of the classes, do that"
        )
    return lines, {"features_auc": share, "features_p": p}


def _some(points: Float64[np.ndarray, "n axes"]) -> Float64[np.ndarray, "some axes"]:
    rows = np.linspace(0, len(points) - 1, min(len(points), MOST_GALAXIES)).astype(np.int64)
    return points[rows]


def two_samples(first: Float64[np.ndarray, "n axes"], second: Float64[np.ndarray, "m axes"]) -> tuple[float, float]:
    """Tell two samples apart; area under the curve on points held out, and the p-value that they are one."""
    rng = np.random.default_rng(SEED)
    points = np.concatenate([first, second])
    columns = np.column_stack([points, np.square(points)])
    spread = columns.std(0)
    columns = (columns - columns.mean(0)) / np.where(spread > 0, spread, 1)
    is_first = np.arange(len(points)) < len(first)
    scores_of = _held_out(columns, rng.permutation(len(points)) % FOLDS)
    labels = [is_first] + [rng.permutation(is_first) for _ in range(PERMUTATIONS)]
    # Centred, so that a constant needs no column.
    scores = scores_of @ np.column_stack([mask - is_first.mean() for mask in labels])
    found = [auc(scores[mask, place], scores[~mask, place]) for place, mask in enumerate(labels)]
    return found[0], float(np.mean([one >= found[0] for one in found]))


def _held_out(columns: Float64[np.ndarray, "n columns"], folds: np.ndarray) -> Float64[np.ndarray, "n n"]:
    """Give the matrix from labels (n,) to the scores of a ridge regression on the galaxies of the other folds."""
    found = np.zeros((len(columns), len(columns)))
    for fold in range(FOLDS):
        out = folds == fold
        inside = columns[~out]
        normal = inside.T @ inside + RIDGE * len(inside) * np.eye(columns.shape[1])
        found[np.ix_(out, ~out)] = columns[out] @ np.linalg.solve(normal, inside.T)
    return found
