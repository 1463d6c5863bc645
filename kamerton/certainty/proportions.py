"""How many galaxies of each class a survey holds, though its classes come in other shares than the calibration's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from kamerton.arrays import Probabilities, ValuesNC
from kamerton.certainty.judging import Certainty
from kamerton.certainty.scaling import log_probabilities, softmax

MOST_GALAXIES = 5000
"""Of the survey, evenly over it: more would narrow the interval by less than the calibration leaves open."""

RESAMPLES, SEED = 200, 0

STEPS, STEP_LIMIT = 2000, 1e-9
"""Of expectation-maximisation: most of them, and the change of a share at which it ends."""

BIAS_STEPS = 50

Shares = Float64[np.ndarray, " classes"]
SharesOfEach = Float64[np.ndarray, "samples classes"]
Weights = Float64[np.ndarray, "samples _"]
"""How often each sample has each galaxy."""


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
    survey = np.exp(log_probabilities(probabilities[rows]))
    known = certainty.known
    calibrating = np.log(np.maximum(certainty.scaling(known["log_probabilities"].astype(np.float64)), 1e-38))
    rng = np.random.default_rng(SEED)
    drawn, known_drawn = _weights(rng, len(survey)), _weights(rng, len(calibrating))
    priors, scales = _of_calibration(calibrating, known["labels"], np.ones((1, len(calibrating))))
    shares = expectation_maximisation(survey, np.ones((1, len(survey))), scales, priors)
    _, scales = _of_calibration(calibrating, known["labels"], known_drawn)
    resampled = expectation_maximisation(survey, drawn, scales, np.repeat(shares, RESAMPLES, axis=0))
    shares = shares[0]
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


def _weights(rng: np.random.Generator, count: int) -> Weights:
    """Draw how often each bootstrap sample has each of so many galaxies."""
    return rng.multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(np.float64)


def _of_calibration(
    log_p: Float64[np.ndarray, "known classes"], labels: Int64[np.ndarray, " known"], weights: Weights
) -> tuple[SharesOfEach, SharesOfEach]:
    """Give the classes' shares in each sample, and what makes its probabilities likelihoods, but for a factor."""
    priors, scales = [], []
    for sample in weights:
        counts = np.bincount(labels, sample, minlength=log_p.shape[1])
        # Half a galaxy where there is none: a share of 0 could never become another.
        prior = np.maximum(counts, 0.5) / np.maximum(counts, 0.5).sum()
        priors.append(prior)
        scales.append(np.exp(_bias(log_p, sample / sample.sum(), prior)) / prior)
    return np.array(priors), np.array(scales)


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
    probabilities: ValuesNC, weights: Weights, scales: SharesOfEach, start: SharesOfEach
) -> SharesOfEach:
    """Find the shares under which each sample of a survey is likeliest.

    A galaxy's likelihoods are its probabilities times its sample's ``scales`` of the classes, or any multiple of these:
    without a bias 1 / prior.
    """
    weights = (weights / weights.sum(1, keepdims=True)).T
    shares = start
    for _ in range(STEPS):
        scaled = shares * scales
        # Of all samples at once: products of matrices are fast.
        new = scaled * ((weights / (probabilities @ scaled.T)).T @ probabilities)
        if np.abs(new - shares).max() < STEP_LIMIT:
            return np.asarray(new)
        shares = new
    return shares
