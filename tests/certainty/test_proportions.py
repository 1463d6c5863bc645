"""The shares of classes are found again in a survey where they are others, and their intervals hold them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamerton.certainty import proportions as module
from kamerton.certainty.judging import Certainty
from kamerton.certainty.proportions import expectation_maximisation, proportions
from kamerton.certainty.scaling import log_probabilities, softmax
from kamerton.runs.calibration import KnownRecord
from kamerton.runs.folder import Run
from tests.certainty.test_drift import calibration

MIDDLES = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
"""Of three classes of Gaussian galaxies, whose true probabilities are known."""


def survey(
    count: int, shares: list[float], seed: int, bias: tuple[float, ...] = (0, 0, 0)
) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels by their shares, and the probabilities that equal shares would give, with a bias in the logits."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, count, p=shares)
    places = MIDDLES[labels] + rng.normal(size=(count, 2))
    logits = -0.5 * np.square(places[:, np.newaxis] - MIDDLES).sum(2)
    return softmax(logits + np.array(bias)).astype(np.float32), labels


def certainty_of(run: Run, probabilities: np.ndarray, labels: np.ndarray) -> Certainty:
    known = {"labels": labels, "log_probabilities": log_probabilities(probabilities).astype(np.float32)}
    made = replace(calibration(), known=KnownRecord("0" * 64, 6, 0, 0, len(labels)))
    return Certainty(run, made, known)


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESAMPLES", 60)


@pytest.mark.parametrize("bias", [(0.0, 0.0, 0.0), (0.7, -0.3, 0.0)])
def test_other_shares_are_found(toy_run: Run, few_resamples: None, bias: tuple[float, ...]) -> None:
    """Also through a network that says a class too often, as long as the calibration shows it."""
    certainty = certainty_of(toy_run, *survey(1500, [0.4, 0.3, 0.3], 0, bias))
    true = [0.1, 0.2, 0.7]
    said, labels = survey(4000, true, 1, bias)
    found = proportions(certainty, said)
    counted = np.bincount(labels, minlength=3) / len(labels)
    assert found.shares == pytest.approx(counted, abs=0.03)
    assert sum(found.shares) == pytest.approx(1)
    assert found.galaxies == 4000
    for share, low, high in zip(counted, found.low, found.high, strict=True):
        assert low <= share <= high
    assert len(found.describe()) == 3


def test_the_interval_holds_the_truth_as_often_as_it_says(toy_run: Run, few_resamples: None) -> None:
    true, held = [0.6, 0.3, 0.1], 0
    for seed in range(20):
        certainty = certainty_of(toy_run, *survey(300, [1 / 3, 1 / 3, 1 / 3], 100 + seed))
        found = proportions(certainty, survey(300, true, 200 + seed)[0])
        held += sum(low <= share <= high for share, low, high in zip(true, found.low, found.high, strict=True))
    # Of 60; 95% are 57, and classes of one survey are not independent.
    assert held >= 50


def test_expectation_maximisation_finds_the_likeliest_shares() -> None:
    """Against a direct search of the same likelihood."""
    from scipy.optimize import minimize

    probabilities, _ = survey(500, [0.2, 0.5, 0.3], 3)
    exact, prior = probabilities.astype(np.float64), np.full(3, 1 / 3)

    def loss(values: np.ndarray) -> float:
        shares = softmax(values[np.newaxis])[0]
        return float(-np.log((exact / prior) @ shares).mean())

    theirs = softmax(minimize(loss, np.zeros(3), tol=1e-12).x[np.newaxis])[0]
    found = expectation_maximisation(exact, np.ones((1, 500)), 1 / prior[np.newaxis], prior[np.newaxis])
    np.testing.assert_allclose(found[0], theirs, atol=1e-4)


def test_samples_do_not_disturb_each_other() -> None:
    exact = survey(300, [0.2, 0.5, 0.3], 3)[0].astype(np.float64)
    rng = np.random.default_rng(0)
    weights, start = rng.multinomial(300, np.full(300, 1 / 300), 4).astype(np.float64), np.full((4, 3), 1 / 3)
    scales = rng.uniform(1, 4, (4, 3))
    together = expectation_maximisation(exact, weights, scales, start)
    for row in range(4):
        one = slice(row, row + 1)
        alone = expectation_maximisation(exact, weights[one], scales[one], start[one])
        np.testing.assert_allclose(together[one], alone, atol=1e-6)


def test_a_class_that_calibrated_no_galaxy_keeps_numbers(toy_run: Run, few_resamples: None) -> None:
    probabilities, labels = survey(400, [0.5, 0.5, 0.0], 4)
    found = proportions(certainty_of(toy_run, probabilities, labels), probabilities)
    assert np.isfinite([*found.shares, *found.low, *found.high]).all()
