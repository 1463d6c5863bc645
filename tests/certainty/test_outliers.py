"""Distances and energies are those of their definitions, and unlike galaxies are far."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

from kamerton.certainty import outliers
from kamerton.certainty.outliers import distances, energies, learn_space, percentiles


def test_the_energy_is_that_of_its_definition() -> None:
    logits = np.random.default_rng(0).normal(0, 30, (50, 4)).astype(np.float32)
    np.testing.assert_allclose(energies(logits), -logsumexp(logits.astype(np.float64), axis=1), rtol=1e-12)


def test_the_distance_is_to_the_tenth_nearest() -> None:
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(1)
    known, new = rng.normal(size=(80, 5)).astype(np.float32), rng.normal(size=(20, 5)).astype(np.float32)
    theirs = NearestNeighbors(n_neighbors=outliers.NEIGHBOURS).fit(known).kneighbors(new)[0][:, -1]
    np.testing.assert_allclose(distances(new, known), theirs, rtol=1e-4)


def test_few_known_galaxies_are_all_neighbours() -> None:
    known = np.array([[0, 0], [3, 4]], np.float32)
    assert distances(np.zeros((1, 2), np.float32), known) == pytest.approx([5])


def test_features_are_measured_in_their_own_spread() -> None:
    features = np.random.default_rng(2).normal(5, [1, 100, 0], (400, 3)).astype(np.float32)
    points = learn_space(features).points(features)
    np.testing.assert_allclose(points.std(0), [1, 1, 0], atol=1e-3)
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-3)


def test_many_features_keep_their_distances_on_fewer_axes() -> None:
    """What lies beside the kept axes counts: a galaxy along a feature that never moved together stays as far."""
    rng = np.random.default_rng(3)
    basis = rng.normal(size=(20, 300))
    features = (rng.normal(size=(500, 20)) @ basis + 0.01 * rng.normal(size=(500, 300))).astype(np.float32)
    space = learn_space(features)
    assert space.axes is not None
    points = space.points(features)
    assert points.shape == (500, outliers.FEATURES_KEPT + 1)
    exact = (features - space.centre) * space.weights
    pairs = rng.integers(0, 500, (100, 2))
    full = np.linalg.norm(exact[pairs[:, 0]] - exact[pairs[:, 1]], axis=1)
    kept = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    np.testing.assert_allclose(kept, full, rtol=0.01, atol=0.05)
    beside = features[:1] + 50 * np.linalg.svd(exact, full_matrices=True)[2][-1] / np.maximum(space.weights, 1e-9)
    assert space.points(beside.astype(np.float32))[0, -1] == pytest.approx(50, rel=0.05)


def test_a_percentile_is_the_share_below() -> None:
    found = percentiles(np.array([-1.0, 0.5, 2.0, 9.0]), np.array([0.0, 1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(found, np.array([0, 0.25, 0.5, 1], np.float32))


@pytest.mark.parametrize("axes", [3, 200])
def test_what_overflows_is_far_from_all(axes: int) -> None:
    """As of a file of known galaxies that somebody changed, or of pixels that no camera makes."""
    features = np.random.default_rng(0).normal(size=(40, axes)).astype(np.float32)
    space = learn_space(features)
    known, huge = space.points(features), np.full((2, axes), 1e30, np.float32)
    for points, among in ((space.points(huge), known), (known[:2], np.full_like(known, 1e30))):
        assert distances(points, among).tolist() == [np.inf, np.inf]
    assert percentiles(np.array([np.inf]), np.arange(3.0)).tolist() == [1.0]
