"""Errors of calibration are those of their papers, unbiased, with intervals that hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from kamerton.evaluation.metrics import log_loss
from kamerton.evaluation.reliability import (
    BINS,
    Confidences,
    certainty_rows,
    certainty_scores,
    debiased_squared_error,
    equal_bins,
    reliability,
    reliability_curve,
    set_rows,
    smooth_error,
)


def network(count: int, seed: int, too_sure: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels, and float32 probabilities of two classes whose first is said too often by ``too_sure``."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.6, 1, count)
    right = rng.random(count) < confidence - too_sure
    return np.where(right, 0, 1), np.column_stack([confidence, 1 - confidence]).astype(np.float32)


def alone(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def once(count: int) -> np.ndarray:
    return np.ones((1, count))


def test_losses_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 300).astype(np.float32)
    labels = rng.integers(0, 4, 300)
    found = reliability(labels, probabilities, alone(300))
    assert found.log_loss.value == pytest.approx(log_loss(labels, probabilities), rel=1e-9)
    one_hot = np.eye(4)[labels]
    squared = sum(brier_score_loss(one_hot[:, place], probabilities[:, place]) for place in range(4))
    assert found.brier.value == pytest.approx(squared, rel=1e-4)


def test_bins_hold_equally_many_galaxies() -> None:
    confidence = np.random.default_rng(1).random(152)
    bins = equal_bins(confidence)
    assert set(np.bincount(bins)) == {10, 11}
    order = np.argsort(confidence)
    assert (np.diff(bins[order]) >= 0).all()
    assert equal_bins(confidence[:4]).max() < 4


def test_the_error_in_bins_is_that_of_its_definition() -> None:
    labels, probabilities = network(450, 2, 0.1)
    found = Confidences.of(labels, probabilities)
    bins, expected = equal_bins(found.confidence), 0.0
    for place in range(BINS):
        gap = (found.right - found.confidence)[bins == place]
        expected += len(gap) / 450 * (gap.mean() ** 2 - gap.var(ddof=1) / len(gap))
    assert debiased_squared_error(found, once(450))[0] == pytest.approx(expected, rel=1e-12)


def test_calibrated_galaxies_have_no_error_on_average() -> None:
    """Without the correction 300 calibrated galaxies in 15 bins would have an error of 0.09."""
    errors = []
    for seed in range(300):
        errors.append(debiased_squared_error(Confidences.of(*network(300, seed)), once(300))[0])
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(300)


def test_the_smooth_error_is_that_of_relplot() -> None:
    relplot = pytest.importorskip("relplot")
    for seed, too_sure in enumerate((0.0, 0.05, 0.3)):
        found = Confidences.of(*network(700, seed, too_sure))
        value, width = smooth_error(found, once(700))
        theirs, their_width = relplot.smECE(found.confidence, found.right, return_width=True)
        # It looks for the width in steps of 1/1024.
        assert width[0] == pytest.approx(their_width, abs=2e-3)
        assert value[0] == pytest.approx(theirs, abs=2e-3)


def test_the_smooth_error_is_that_of_its_kernel() -> None:
    """Against the sum over all galaxies and their mirror images, at its own width, which is the error itself."""
    found = Confidences.of(*network(400, 4, 0.15))
    value, width = smooth_error(found, once(400))
    cells = (np.arange(2000) + 0.5) / 2000
    summed = np.zeros(2000)
    for mirror in (-2, 0, 2):
        for place in (found.confidence + mirror, mirror - found.confidence):
            away = (cells[:, np.newaxis] - place) / width[0]
            summed += np.exp(-0.5 * away**2) @ (found.right - found.confidence)
    expected = np.abs(summed / (400 * width[0] * np.sqrt(2 * np.pi))).mean()
    assert value[0] == pytest.approx(expected, abs=5e-4)
    assert value[0] == pytest.approx(width[0], abs=1e-4)


def test_a_constant_error_is_found_by_all() -> None:
    found = reliability(*network(20_000, 5, 0.2), alone(20_000))
    assert found.ece.value == pytest.approx(0.2, abs=0.01)
    assert found.smooth_ece.value == pytest.approx(0.2, abs=0.02)


def test_intervals_hold_the_true_error_as_often_as_they_say() -> None:
    held = np.zeros(2)
    for seed in range(40):
        found = reliability(*network(400, 100 + seed, 0.1), alone(400))
        for place, one in enumerate((found.ece, found.smooth_ece)):
            assert one.low <= one.value <= one.high
            held[place] += one.low <= 0.1 <= one.high
    # 38 of 40 on average; below 33 once in ten thousand.
    assert (held >= 33).all()


def test_galaxies_of_one_group_widen_the_interval() -> None:
    labels, probabilities = network(100, 6, 0.1)
    labels, probabilities = np.repeat(labels, 8), np.repeat(probabilities, 8, axis=0)
    apart = reliability(labels, probabilities, alone(800)).log_loss
    together = reliability(labels, probabilities, [str(number // 8) for number in range(800)]).log_loss
    assert together.value == apart.value
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_the_diagram_lies_below_the_diagonal_for_a_network_that_is_too_sure() -> None:
    shown = reliability_curve(*network(3000, 7, 0.2))
    assert (shown.accuracy < shown.confidence).all()
    assert ((shown.intervals[:, 0] <= shown.accuracy) & (shown.accuracy <= shown.intervals[:, 1])).all()
    np.testing.assert_allclose(shown.smooth[:, 1], shown.smooth[:, 0] - 0.2, atol=0.07)


@pytest.mark.parametrize("count", [1, 2, 20])
def test_few_galaxies_and_perfect_answers_have_numbers(count: int) -> None:
    labels = np.arange(count) % 3
    probabilities = np.eye(3, dtype=np.float32)[labels]
    found = reliability(labels, probabilities, alone(count))
    assert found.ece.value == pytest.approx(0, abs=1e-3)
    assert np.isfinite(reliability_curve(labels, probabilities).accuracy).all()
    scores = certainty_scores(labels, probabilities, alone(count), None, "0" * 64)
    assert len(certainty_rows(scores)) == 1
    assert set_rows(scores) == []
