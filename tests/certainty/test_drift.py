"""A survey like the calibration's is quiet; other galaxies, noise, sky and missing pixels are said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamerton.certainty.drift import auc, drift, two_samples
from kamerton.certainty.judging import Certainty
from kamerton.certainty.pixels import MEASURES, pixel_measures
from kamerton.runs.calibration import Calibration, KnownRecord
from kamerton.runs.folder import Run
from kamerton.runs.record import CubeRecord

SIDE = 24


def pictures(count: int, seed: int, *, noise: float = 5, sky: float = 40) -> np.ndarray:
    """Draw round galaxies on a noisy sky."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    light = rng.uniform(50, 150, (count, 1, 1)) * np.exp(-np.hypot(x, y) / 3)
    images_nhwc = sky + light[..., np.newaxis] + rng.normal(0, noise, (count, SIDE, SIDE, 3))
    return images_nhwc.clip(1, 254).astype(np.uint8)


def features(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)


def calibration(**more: Any) -> Calibration:
    made = Calibration(
        weights_sha256="0" * 64,
        cube=CubeRecord("cube.fits", 300, "0" * 64),
        leakage="none",
        seen={},
        views=1,
        precision="float32",
        coverage=0.9,
        method="lac",
        kind="temperature",
        slopes=(1.0, 1.0, 1.0),
        offsets=(0.0, 0.0, 0.0),
        held_out_losses={},
        galaxies=(50, 50, 50),
        thresholds=(0.5, 0.5, 0.5),
        pooled=(),
        known=KnownRecord("0" * 64, features=6, axes=0, training=300, calibrating=300),
    )
    return replace(made, **more)


@pytest.fixture(scope="module")
def certainty(toy_run: Run) -> Certainty:
    """One that knows 300 galaxies of six features."""
    known = {
        "centre": np.zeros(6, np.float32),
        "weights": np.ones(6, np.float32),
        "calibrating": features(300, 0),
        "training_pixels": pixel_measures(pictures(300, 0)),
    }
    return Certainty(toy_run, calibration(), known)


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_same_kind_of_galaxies_is_quiet(certainty: Certainty, seed: int) -> None:
    found = drift(certainty.run, certainty, features(200, seed), pictures(200, seed))
    assert found.lines == ()
    assert 0.4 < found.numbers["features_auc"] < 0.6


@pytest.mark.parametrize("change", [lambda points: points + 0.8, lambda points: 2 * points])
def test_other_galaxies_are_told_apart(certainty: Certainty, change: Any) -> None:
    """By where their features lie, and by how wide they spread."""
    found = drift(certainty.run, certainty, change(features(200, 1)), pictures(200, 1))
    assert len(found.lines) == 1
    assert "sees other galaxies" in found.lines[0]
    assert found.numbers["features_p"] == pytest.approx(1 / 200)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"noise": 15}, "noise is higher"),
        ({"noise": 1}, "noise is lower"),
        ({"sky": 60}, "sky level is higher"),
        ({"sky": 20}, "sky level is lower"),
    ],
)
def test_another_sky_is_said(certainty: Certainty, other: dict[str, float], said: str) -> None:
    found = drift(certainty.run, certainty, features(200, 1), pictures(200, 1, **other))
    assert len(found.lines) == 1
    assert said in found.lines[0]


@pytest.mark.parametrize(("value", "said"), [(0, "black, perhaps missing"), (255, "white, saturated")])
def test_spoilt_pixels_are_said(certainty: Certainty, value: int, said: str) -> None:
    images_nhwc = pictures(200, 1)
    images_nhwc[:40, 8:12, 8:12] = value
    found = drift(certainty.run, certainty, features(200, 1), images_nhwc)
    assert len(found.lines) == 1
    assert said in found.lines[0]
    assert found.lines[0].startswith("20% of the galaxies")


def test_few_galaxies_are_not_tested(certainty: Certainty) -> None:
    assert drift(certainty.run, certainty, features(20, 1) + 9, pictures(20, 1, sky=200)).lines == ()


def test_without_known_galaxies_that_is_said(certainty: Certainty) -> None:
    without = replace(calibration(), known=KnownRecord("0" * 64, features=6, axes=0, training=0, calibrating=300))
    found = drift(certainty.run, Certainty(certainty.run, without, {}), features(200, 1), pictures(200, 1))
    assert "drift was not looked for" in found.lines[0]


@given(st.integers(0, 10_000))
def test_the_area_is_that_of_scikit_learn(seed: int) -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 6, 12).astype(np.float64), rng.integers(0, 6, 9).astype(np.float64)
    theirs = roc_auc_score([1] * 12 + [0] * 9, np.concatenate([first, second]))
    assert auc(first, second) == pytest.approx(theirs)


def test_p_values_of_equal_samples_are_uniform() -> None:
    """A test at 10% is wrong in about 10% of 60 cases: within 0 and 14 but for one chance in ten thousand."""
    rng = np.random.default_rng(0)
    found = [two_samples(rng.normal(size=(40, 3)), rng.normal(size=(60, 3)))[1] for _ in range(60)]
    assert sum(p <= 0.1 for p in found) <= 14
    assert np.median(found) > 0.25


def test_measures_are_those_of_their_definitions() -> None:
    images_nhwc = pictures(50, 2, noise=8, sky=70)
    images_nhwc[3, :6] = 0
    images_nhwc[4, :12, :, 1] = 255
    measured = dict(zip(MEASURES, pixel_measures(images_nhwc).T, strict=True))
    assert np.median(measured["sky level"]) == pytest.approx(70, abs=2)
    assert np.median(measured["noise"]) == pytest.approx(8 / np.sqrt(3), rel=0.15)
    assert measured["black share"][3] == pytest.approx(0.25)
    assert measured["saturated share"][4] == pytest.approx(0.5)
