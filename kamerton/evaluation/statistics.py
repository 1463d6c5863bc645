"""Error bars and tests for classifiers that were tested on the same galaxies.

docs/statistics.md says why these and not others. Arrays are (N,) over galaxies, (R, ...) over resamples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kamerton.arrays import Labels, MeanConfusion, Probabilities
from kamerton.evaluation.metrics import finite_probabilities
from kamerton.runs.scores import ClassScores, Scores

Numbers = npt.NDArray[np.float64]

METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")
"""What is compared; all but the log loss are better when higher."""

SHARES = ("accuracy", "balanced_accuracy", "macro_f1")
"""Those of METRICS that lie from 0 to 1."""

ROUNDING = 1e-9
"""By which equal resamples may differ."""

SIGNIFICANT = 0.05
"""Below this a p-value counts."""


@dataclass(frozen=True)
class Interval:
    """A value, and its 95% interval."""

    value: float
    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        """Tell whether 0 lies within."""
        return self.low <= 0 <= self.high

    @property
    def has_width(self) -> bool:
        """Tell whether it says anything; resamples that all agree leave nothing."""
        return self.high - self.low > ROUNDING


def resampled_weights(groups: Sequence[str], resamples: int, seed: int) -> Numbers:
    """Draw ``resamples`` bootstrap samples of whole groups; (R, N) how often each galaxy is in each.

    Galaxies of one group are not independent, so they are drawn together or not at all (Davison & Hinkley 1997, 3.8).
    """
    _, places = np.unique(np.asarray(groups), return_inverse=True)
    count = int(places.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return drawn[:, places].astype(np.float64)


def weighted_metrics(labels: Labels, probabilities: Probabilities, weights: Numbers) -> dict[str, Numbers]:
    """Measure every metric once for each row of ``weights`` (R, N); each value returned is (R,).

    With all weights 1 they are those of `classification_metrics`. Classes that a resample misses are left out of its
    averages, as there.
    """
    predicted = probabilities.argmax(1)
    # Whole numbers, which float64 adds exactly; a confusion matrix a resample would take classes times the memory.
    is_class, is_said = (np.eye(probabilities.shape[1])[places] for places in (labels, predicted))
    right = weights @ (is_class * (labels == predicted)[:, np.newaxis])
    true, said = weights @ is_class, weights @ is_said
    present = true > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(present, right / true, 0)
        f1 = np.where(present, 2 * right / (true + said), 0)
    losses = weights @ negative_log_likelihood(labels, probabilities)
    return {
        "accuracy": right.sum(1) / weights.sum(1),
        "balanced_accuracy": recall.sum(1) / present.sum(1),
        "macro_f1": f1.sum(1) / present.sum(1),
        "log_loss": losses / weights.sum(1),
    }


def negative_log_likelihood(labels: Labels, probabilities: Probabilities) -> Numbers:
    """Give -ln of the probability of each galaxy's true class, kept finite as `log_loss` does."""
    return np.asarray(-np.log(finite_probabilities(probabilities)[np.arange(len(labels)), labels]))


def percentile_interval(value: float, resampled: Numbers) -> Interval:
    """Give the middle 95% of the resampled values (Efron 1979), around the value itself."""
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Interval(value, float(low), float(high))


def wilson_interval(share: float, count: float) -> Interval:
    """Give a share of ``count`` independent galaxies the interval of Wilson (1927), which no share makes narrow."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(share * count, count, method="wilson")
    # Rounding may put an end a bit beyond a share of 0 or 1.
    return Interval(share, min(float(low), share), max(float(high), share))


def share_interval(share: float | None, galaxies: int) -> tuple[float, float] | None:
    """Give the ends of that interval; None for a share that is not defined."""
    if share is None:
        return None
    found = wilson_interval(share, galaxies)
    return found.low, found.high


def with_intervals(scores: Scores) -> tuple[ClassScores, ...]:
    """Give the scores of each class with the intervals of its shares."""
    said = np.array(scores.confusion_matrix).sum(0)
    return tuple(
        dataclasses.replace(
            row,
            precision_interval=share_interval(row.precision, int(count)),
            recall_interval=share_interval(row.recall, row.support),
        )
        for row, count in zip(scores.per_class, said, strict=True)
    )


def mean_recall_interval(recall: Numbers) -> Interval:
    """Give the mean of recalls the interval that theirs leave it (Zou, Huang & Zhang 2009).

    ``recall`` is (classes, 3): values and the ends of their intervals; classes are independent, for a galaxy has one.
    """
    value, low, high = recall.T
    count = len(recall)
    below, above = (float(np.sqrt(np.square(value - end).sum())) / count for end in (low, high))
    mean = float(value.mean())
    return Interval(mean, max(0.0, mean - below), min(1.0, mean + above))


def macro_f1_interval(labels: Labels, predicted: Labels, groups: Sequence[str]) -> Interval:
    """Give the mean F1 of the classes in ``labels`` an interval that is rather too wide than too narrow.

    F1 is 2 J / (1 + J), J being the share that is right of the galaxies that are of a class or said to be; that share
    has Wilson's interval. The classes' F1 may fall together, so the ends are the means of theirs.
    """
    named = np.asarray(groups)
    found = []
    for place in np.unique(labels):
        of_class = (labels == place) | (predicted == place)
        share = float(np.mean((labels == predicted)[of_class]))
        jaccard = wilson_interval(share, len(np.unique(named[of_class])))
        ends = np.array(dataclasses.astuple(jaccard))
        found.append(2 * ends / (1 + ends))
    return Interval(*map(float, np.mean(found, axis=0)))


def difference_interval(first: Interval, second: Interval) -> Interval:
    """Give the difference of two shares the interval that theirs leave it, by squares and sum (Newcombe 1998).

    It takes the two as independent, which is rather too wide where both are of the same galaxies.
    """
    value = first.value - second.value
    below = np.hypot(first.value - first.low, second.high - second.value)
    above = np.hypot(first.high - first.value, second.value - second.low)
    return Interval(value, max(-1.0, float(value - below)), min(1.0, float(value + above)))


def wider(one: Interval, two: Interval) -> Interval:
    """Give the value of the first with what both intervals cover."""
    return Interval(one.value, min(one.low, two.low), max(one.high, two.high))


@dataclass(frozen=True)
class McNemar:
    """How often one of two classifiers was right where the other was wrong, and the exact two-sided p-value."""

    first_only: int
    second_only: int
    p_value: float


def exact_mcnemar(first_right: npt.NDArray[np.bool_], second_right: npt.NDArray[np.bool_]) -> McNemar:
    """Test whether two classifiers are right equally often (McNemar 1947), by the binomial distribution itself."""
    return mcnemar_of_counts(int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum()))


def mcnemar_of_counts(first_only: int, second_only: int) -> McNemar:
    """Test the same by how often only one of the two is right; the others tell nothing."""
    from statsmodels.stats.contingency_tables import mcnemar

    p_value = mcnemar([[0, first_only], [second_only, 0]], exact=True).pvalue
    return McNemar(first_only, second_only, float(p_value))


def paired_difference(first_only: int, second_only: int, galaxies: int) -> Interval:
    """Give the difference of two accuracies on the same galaxies, with the interval of Agresti & Min (2005).

    It is the usual one for matched pairs after half a galaxy was added to each cell of the table of two by two.
    """
    from scipy.stats import norm

    count = galaxies + 2
    middle = (first_only - second_only) / count
    half = norm.ppf(0.975) * np.sqrt((first_only + second_only + 1) / count - middle**2) / np.sqrt(count)
    value = (first_only - second_only) / galaxies
    return Interval(value, max(-1.0, float(middle - half)), min(1.0, float(middle + half)))


@dataclass(frozen=True)
class Kappa:
    """Cohen's (1960) agreement of answers and truth: 1 where all are right, 0 where they have nothing to do with it."""

    interval: Interval
    p_value: float
    """Two-sided, that it is 0."""


def cohens_kappa(confusion: MeanConfusion) -> Kappa:
    """Measure it on a confusion matrix of two true and two predicted classes or more."""
    from statsmodels.stats import inter_rater

    found = inter_rater.cohens_kappa(confusion)
    # The normal distribution behind its ends knows nothing of -1 and 1.
    ends = max(-1.0, float(found.kappa_low)), min(1.0, float(found.kappa_upp))
    return Kappa(Interval(float(found.kappa), *ends), float(found.pvalue_two_sided))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number, so that one false alarm among them has its nominal chance (Holm 1979)."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if p_values else []
