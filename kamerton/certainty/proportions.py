"""How many galaxies of each class a survey holds, though its classes come in other shares than the calibration's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from kamerton.arrays import Probabilities, ValuesN, ValuesNC
from kamerton.certainty.judging import Certainty
from kamerton.certainty.scaling import log_probabilities, softmax

MOST_GALAXIES = 5000
"""Of the survey, evenly over it: more would narrow the interval by less than the calibration leaves open."""

RESAMPLES, SEED = 200, 0

STEPS, STEP_LIMIT = 2000, 1e-9
"""Of expectation-maximisation: most of them, and the change of a share at which it ends."""

BIAS_STEPS = 50

Shares = Float64[np.ndarray, " classes"]


@dataclass(frozen=True)
class Proportions:
    """Estimated shares of the classes, which add up to 1, with 95% intervals."""

    class_names: tuple[str, ...]
    shares: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    galaxies: int
    """Of the survey, that they rest on."""

    def describe(self) -> list[str]:
        """Say it in lines, one a class."""
        rows = zip(self.class_names, self.shares, self.low, self.high, strict=True)
        return [f"{name}: {share:.1%} ({low:.1%} to {high:.1%})" for name, share, low, high in rows]


def proportions(certainty: Certainty, probabilities: Probabilities) -> Proportions:
    """Estimate the classes' shares from a survey's calibrated probabilities (n, classes).

    Expectation-maximisation under label shift (Saerens et al. 2002): a galaxy of a class looks as it did in the
    calibration, and only the shares are others. The calibration's own bias for a class is taken out first (Alexandari
    et al. 2020). The intervals come from resampling both the survey's and the calibration's galaxies. The
    probabilities are left as they are.
    """
    rows = np.linspace(0, len(probabilities) - 1, min(len(probabilities), MOST_GALAXIES)).astype(np.int64)
    survey = log_probabilities(probabilities[rows])
    known = certainty.known
    calibrating = np.log(np.maximum(certainty.scaling(known["log_probabilities"].astype(np.float64)), 1e-38))
    labels = known["labels"]
    rng = np.random.default_rng(SEED)
    shares = _estimate(survey, calibrating, labels, np.ones(len(survey)), np.ones(len(labels)), None)
    resampled = np.array(
        [
            _estimate(survey, calibrating, labels, _weights(rng, len(survey)), _weights(rng, len(labels)), shares)
            for _ in range(RESAMPLES)
        ]
    )
    low, high = np.quantile(resampled, (0.025, 0.975), axis=0)
    return Proportions(
        certainty.run.record.class_names,
        _plain(shares),
        _plain(np.minimum(low, shares)),
        _plain(np.maximum(high, shares)),
        len(rows),
    )


def _plain(values: Shares) -> tuple[float, ...]:
    return tuple(values.tolist())


def _weights(rng: np.random.Generator, count: int) -> ValuesN:
    """Draw how often each of so many galaxies is in a bootstrap sample."""
    return np.asarray(rng.multinomial(count, np.full(count, 1 / count)), np.float64)


def _estimate(
    survey: ValuesNC,
    calibrating: Float64[np.ndarray, "known classes"],
    labels: Int64[np.ndarray, " known"],
    survey_weights: ValuesN,
    calibrating_weights: Float64[np.ndarray, " known"],
    start: Shares | None,
) -> Shares:
    classes = survey.shape[1]
    counts = np.bincount(labels, calibrating_weights, minlength=classes)
    # Half a galaxy where there is none: a share of 0 could never become another.
    prior = np.maximum(counts, 0.5) / np.maximum(counts, 0.5).sum()
    bias = _bias(calibrating, calibrating_weights / calibrating_weights.sum(), prior)
    return expectation_maximisation(softmax(survey + bias), survey_weights, prior, start)


def _bias(log_p: Float64[np.ndarray, "known classes"], weights: Float64[np.ndarray, " known"], prior: Shares) -> Shares:
    """Find what is to be added to log-probabilities so that on average they give each class its share."""
    bias = np.zeros(len(prior))
    for _ in range(BIAS_STEPS):
        away = np.log(prior / (weights @ softmax(log_p + bias)))
        bias += away
        if np.abs(away).max() < 1e-6:
            break
    return bias


def expectation_maximisation(
    probabilities: ValuesNC, weights: ValuesN, prior: Shares, start: Shares | Sequence[float] | None = None
) -> Shares:
    """Find the shares under which the survey is likeliest; ``prior`` are those behind the probabilities."""
    shares = np.array(prior if start is None else start, np.float64)
    weights = weights / weights.sum()
    likelihoods = probabilities / prior
    for _ in range(STEPS):
        joint = likelihoods * shares
        new = weights @ (joint / joint.sum(1, keepdims=True))
        if np.abs(new - shares).max() < STEP_LIMIT:
            return np.asarray(new)
        shares = new
    return shares
