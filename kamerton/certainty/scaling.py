"""Scaling: probabilities that are as often right as they say (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from kamerton.arrays import Labels, Probabilities, ValuesNC

LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)
"""Below this a probability of float32 has no digits left."""

LOG_INVERSE_BOUNDS = (-10.0, 10.0)
"""Of the logarithm of 1 / temperature, as in scikit-learn."""

FOLDS = 5
"""In which temperature and vector scaling are compared."""

PerClass = Float64[np.ndarray, " classes"]


@dataclass(frozen=True, eq=False)
class Scaling:
    """What log-probabilities are multiplied by, and what is added to them, before they are probabilities again."""

    slopes: PerClass
    offsets: PerClass

    def __call__(self, log_probabilities: ValuesNC) -> ValuesNC:
        """Give calibrated probabilities (n, classes)."""
        return softmax(log_probabilities * self.slopes + self.offsets)


def log_probabilities(probabilities: Probabilities) -> ValuesNC:
    """Give their logarithms, which are logits as good as the network's own, and finite."""
    return np.asarray(np.log(np.maximum(probabilities.astype(np.float64), LEAST_PROBABILITY)))


def softmax(logits: ValuesNC) -> ValuesNC:
    """Give the probabilities of logits (n, classes)."""
    risen = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(risen / risen.sum(1, keepdims=True))


def mean_loss(probabilities: ValuesNC, labels: Labels) -> float:
    """Mean of -ln of the probability of the true class, nats."""
    of_true = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_true, LEAST_PROBABILITY)).mean())


def fit_temperature(log_p: ValuesNC, labels: Labels) -> Scaling:
    """Find the one slope, 1 / temperature, with the lowest log loss; a convex problem in one number."""
    from scipy.optimize import minimize_scalar

    def loss(log_slope: float) -> float:
        return _loss_and_errors(np.exp(log_slope) * log_p, labels)[0]

    best = minimize_scalar(loss, bounds=LOG_INVERSE_BOUNDS, method="bounded", options={"xatol": 1e-12})
    classes = log_p.shape[1]
    return Scaling(np.full(classes, np.exp(best.x)), np.zeros(classes))


def fit_vector(log_p: ValuesNC, labels: Labels) -> Scaling:
    """Find a slope and an offset a class with the lowest log loss.

    A Gaussian of width 1 around the temperature's scaling keeps classes without galaxies within bounds; beside a
    hundred galaxies it weighs little.
    """
    from scipy.optimize import minimize

    start = fit_temperature(log_p, labels)
    n, classes = log_p.shape
    first = np.concatenate([start.slopes, start.offsets])

    def loss(values: Float64[np.ndarray, " _"]) -> tuple[float, Float64[np.ndarray, " _"]]:
        mean, errors = _loss_and_errors(log_p * values[:classes] + values[classes:], labels)
        away = values - first
        slope = np.concatenate([(errors * log_p).mean(0), errors.mean(0)])
        return mean + away @ away / (2 * n), slope + away / n

    best = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8}).x
    return Scaling(np.asarray(best[:classes]), np.asarray(best[classes:]))


def _loss_and_errors(logits: ValuesNC, labels: Labels) -> tuple[float, ValuesNC]:
    """Give the mean log loss, and its slope in each logit times the number of galaxies."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(1, keepdims=True)
    risen = np.exp(shifted)
    sums = risen.sum(1)
    errors = risen / sums[:, np.newaxis]
    errors[rows, labels] -= 1
    return float((np.log(sums) - shifted[rows, labels]).mean()), errors


@dataclass(frozen=True)
class ScalingChoice:
    """A scaling, and what each kind lost on galaxies that it was not fitted to, nats a galaxy."""

    scaling: Scaling
    is_vector: bool
    held_out_losses: dict[str, float]
    """Of no scaling, a temperature and a vector, each galaxy held out once."""


def choose_scaling(log_p: ValuesNC, labels: Labels, folds: Labels) -> ScalingChoice:
    """Fit a temperature, or a vector where that loses less by more than its standard error on held-out galaxies.

    ``folds`` (n,) tells in which of several parts each galaxy is held out.
    """
    losses = {kind: np.zeros(len(labels)) for kind in ("none", "temperature", "vector")}
    for fold in np.unique(folds):
        out = folds == fold
        if out.all():
            break
        for kind, fit in (("none", None), ("temperature", fit_temperature), ("vector", fit_vector)):
            scaled = softmax(log_p[out]) if fit is None else fit(log_p[~out], labels[~out])(log_p[out])
            of_true = scaled[np.arange(int(out.sum())), labels[out]]
            losses[kind][out] = -np.log(np.maximum(of_true, LEAST_PROBABILITY))
    gain = losses["temperature"] - losses["vector"]
    error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
    is_vector = bool(gain.mean() > error)
    scaling = (fit_vector if is_vector else fit_temperature)(log_p, labels)
    return ScalingChoice(scaling, is_vector, {kind: float(found.mean()) for kind, found in losses.items()})
