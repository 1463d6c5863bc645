"""Conformal prediction sets: classes that hold the true one as often as promised, class by class.

Class-conditional (Mondrian) split conformal prediction (Vovk 2012): whatever the network, a galaxy of class k, drawn as
those of the calibration, has k in its set with the promised probability or more, averaged over calibrations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Int64

from kamerton.arrays import Labels, Probabilities, Sets, ValuesN, ValuesNC
from kamerton.config.judging import SetMethod

FEWEST_GALAXIES = 20
"""Of a class that has a threshold of its own, or as many as its rank needs; rarer ones share one."""


def rank(galaxies: int, coverage: float) -> int:
    """Rank, counted from 1, of the score that is the threshold: ceil((n + 1) coverage), in whole numbers only.

    The coverage is the decimal number that is written, 9/10 for 0.9. A rank beyond ``galaxies`` means that there are
    too few for any threshold.
    """
    exact = (galaxies + 1) * Fraction(repr(coverage))
    return -(-exact.numerator // exact.denominator)


def galaxies_needed(coverage: float) -> int:
    """Fewest galaxies whose rank is among them: 9 for 0.9."""
    share = Fraction(repr(coverage))
    return -(-share.numerator // (share.denominator - share.numerator))


def scores(probabilities: Probabilities, method: SetMethod) -> ValuesNC:
    """How unlikely each class is (n, classes); those of lowest score enter a set first.

    ``lac``: 1 - p (Sadinle et al. 2019), the smallest sets. ``aps``: the probabilities of all classes down to this one,
    added up (Romano et al. 2020, without their random number, so that equal galaxies have equal sets), which are
    larger where a galaxy is hard.
    """
    exact = probabilities.astype(np.float64)
    if method == "lac":
        return 1 - exact
    order = np.argsort(-exact, axis=1, kind="stable")
    summed = np.cumsum(np.take_along_axis(exact, order, 1), axis=1)
    found = np.empty_like(exact)
    np.put_along_axis(found, order, summed, 1)
    return found


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Highest score that each class may have in a set, and where each came from."""

    values: tuple[float, ...]
    galaxies: tuple[int, ...]
    """That each class had."""
    pooled: tuple[int, ...]
    """Places of the classes that share a threshold, for their own galaxies were too few."""


def find_thresholds(all_scores: ValuesNC, labels: Labels, coverage: float) -> Thresholds | None:
    """Find each class's threshold from galaxies (n,) of known class; None where even all together are too few."""
    counts = np.bincount(labels, minlength=all_scores.shape[1])
    pooled = _pooled(counts, max(FEWEST_GALAXIES, galaxies_needed(coverage)))
    own = all_scores[np.arange(len(labels)), labels]
    values = np.empty(len(counts))
    for place in range(len(counts)):
        values[place] = _threshold(own[np.isin(labels, pooled) if place in pooled else labels == place], coverage)
    if np.isinf(values).any():
        return None
    return Thresholds(tuple(values.tolist()), tuple(counts.tolist()), tuple(pooled))


def _pooled(counts: Int64[np.ndarray, " classes"], fewest: int) -> Sequence[int]:
    """Name the rare classes, and the next rarest until together they have enough."""
    order = np.argsort(counts, kind="stable")
    rare = int((counts < fewest).sum())
    while 0 < rare < len(order) and counts[order[:rare]].sum() < fewest:
        rare += 1
    return sorted(order[:rare].tolist())


def _threshold(own_scores: ValuesN, coverage: float) -> float:
    place = rank(len(own_scores), coverage)
    return float(np.sort(own_scores)[place - 1]) if place <= len(own_scores) else np.inf


def sets_of(all_scores: ValuesNC, thresholds: Sequence[float]) -> Sets:
    """Give the classes in each galaxy's set (n, classes)."""
    return np.asarray(all_scores <= np.asarray(thresholds))
