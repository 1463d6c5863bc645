"""Scaling finds scikit-learn's temperature, and a vector only where that is better on held-out galaxies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from kamerton.certainty import scaling
from kamerton.certainty.scaling import (
    Scaling,
    choose_scaling,
    fit_temperature,
    fit_vector,
    log_probabilities,
    mean_loss,
    softmax,
)


def survey(
    count: int, classes: int, seed: int, temperature: float = 1.0, offset: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw float32 probabilities and labels; the truth is the same logits at 1, without the last class's offset."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, classes))
    labels = (softmax(logits).cumsum(1) < rng.random((count, 1))).sum(1)
    logits[:, -1] += offset
    return softmax(logits * temperature).astype(np.float32), labels


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_the_temperature_is_that_of_scikit_learn(sharpness: float) -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    if not hasattr(calibration, "_TemperatureScaling"):
        pytest.skip("this scikit-learn knows no temperature scaling")
    probabilities, labels = survey(400, 5, 0, sharpness)
    log_p = log_probabilities(probabilities)
    theirs = calibration._TemperatureScaling().fit(log_p, labels).beta_
    assert fit_temperature(log_p, labels).slopes == pytest.approx(np.full(5, theirs), rel=1e-5)


def test_calibrated_probabilities_are_those_of_scikit_learn() -> None:
    """Through the public CalibratedClassifierCV, around a classifier whose logits are these."""
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV

    try:
        from sklearn.frozen import FrozenEstimator

        made = CalibratedClassifierCV(method="temperature")
        made._validate_params()
    except (ImportError, ValueError):
        pytest.skip("this scikit-learn knows no temperature scaling")

    class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, X: np.ndarray, y: np.ndarray) -> Given:  # noqa: N803  # scikit-learn's name
            self.classes_ = np.unique(y)
            return self

        def decision_function(self, X: np.ndarray) -> np.ndarray:  # noqa: N803  # noqa: N803
            return X

        def predict(self, X: np.ndarray) -> np.ndarray:  # noqa: N803  # noqa: N803
            return X.argmax(1)

    probabilities, labels = survey(300, 4, 1, 3.0)
    log_p = log_probabilities(probabilities)
    theirs = CalibratedClassifierCV(FrozenEstimator(Given().fit(log_p, labels)), method="temperature", ensemble=False)
    expected = theirs.fit(log_p, labels).predict_proba(log_p)
    np.testing.assert_allclose(fit_temperature(log_p, labels)(log_p), expected, atol=1e-5)


def test_a_temperature_is_found_again_from_many_galaxies() -> None:
    probabilities, labels = survey(20_000, 4, 2, 2.5)
    assert 1 / fit_temperature(log_probabilities(probabilities), labels).slopes[0] == pytest.approx(2.5, rel=0.05)


@given(st.integers(0, 10_000), st.floats(0.2, 6))
def test_a_scaling_never_loses_more_than_none_where_it_was_fitted(seed: int, sharpness: float) -> None:
    probabilities, labels = survey(60, 3, seed, sharpness)
    log_p = log_probabilities(probabilities)
    before = mean_loss(softmax(log_p), labels)
    assert mean_loss(fit_temperature(log_p, labels)(log_p), labels) <= before + 1e-9


def test_the_slope_of_the_loss_is_that_of_differences() -> None:
    probabilities, labels = survey(50, 3, 3)
    log_p = log_probabilities(probabilities)

    def loss(values: np.ndarray) -> float:
        return scaling._loss_and_errors(log_p * values[:3] + values[3:], labels)[0]

    at = np.array([0.7, 1.2, 1.0, 0.1, -0.4, 0.3])
    errors = scaling._loss_and_errors(log_p * at[:3] + at[3:], labels)[1]
    exact = np.concatenate([(errors * log_p).mean(0), errors.mean(0)])
    np.testing.assert_allclose(exact, approx_fprime(at, loss, 1e-7), atol=1e-5)


def folds_of(labels: np.ndarray) -> np.ndarray:
    return np.arange(len(labels)) % scaling.FOLDS


def test_a_vector_is_taken_where_a_class_is_said_too_often() -> None:
    probabilities, labels = survey(800, 3, 4, 1.0, offset=2.0)
    choice = choose_scaling(log_probabilities(probabilities), labels, folds_of(labels))
    assert choice.is_vector
    assert choice.held_out_losses["vector"] < choice.held_out_losses["temperature"]
    assert choice.scaling.offsets[2] - choice.scaling.offsets[:2].mean() == pytest.approx(-2, abs=0.4)


@pytest.mark.parametrize("seed", range(5))
def test_a_temperature_is_kept_where_nothing_else_is_wrong(seed: int) -> None:
    probabilities, labels = survey(300, 5, seed, 2.0)
    choice = choose_scaling(log_probabilities(probabilities), labels, folds_of(labels))
    assert not choice.is_vector
    np.testing.assert_array_equal(choice.scaling.offsets, 0)


def test_a_class_without_galaxies_keeps_a_finite_scaling() -> None:
    probabilities, labels = survey(200, 4, 5)
    without = labels != 3
    found = fit_vector(log_probabilities(probabilities[without]), labels[without])
    assert np.isfinite([found.slopes, found.offsets]).all()
    assert np.abs(found.offsets).max() < 10


def test_probabilities_of_zero_stay_finite() -> None:
    sure = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    found = Scaling(np.full(3, 0.5), np.zeros(3))(log_probabilities(sure))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(1), 1)
    np.testing.assert_array_equal(found.argmax(1), [0, 1])
