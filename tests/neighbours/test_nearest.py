"""The nearest among any number, block by block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from kamerton.certainty.outliers import FeatureSpace, learn_space
from kamerton.neighbours import nearest as module
from kamerton.neighbours.nearest import SAME_DISTANCE, directions, exact_distances, learn_middle, nearest


def random_features(count: int, length: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(1.0, 2.0, (count, length)).astype(np.float32)


def blocks_of(features: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    return [block for block in np.split(features, np.cumsum(lengths)[:-1]) if len(block)]


@pytest.mark.hypothesis
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    count=st.integers(1, 30),
    seed=st.integers(0, 99),
    numbers=st.sampled_from([16, 100, 1 << 18]),
)
def test_they_are_those_of_all_distances_at_once(lengths: list[int], count: int, seed: int, numbers: int) -> None:
    features = random_features(sum(lengths), seed=seed)
    space = learn_middle([features])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_NUMBERS", numbers)
        found = nearest(directions(features[:3], space), blocks_of(features, lengths), count, space)
    points = (features.astype(np.float64) - features.mean(0, np.float64)) / np.where(
        features.std(0) > 0, features.astype(np.float64).std(0), np.inf
    )
    expected = cdist(points[:3], points, "cosine")
    if not np.isfinite(expected).all():
        return
    np.testing.assert_allclose(found.distances, np.sort(expected, axis=1)[:, :count], atol=1e-4)


def test_of_equal_distances_the_first_row_is_nearer() -> None:
    features = np.tile(random_features(5), (4, 1))
    space = learn_middle([features])
    found = nearest(directions(features[2:3], space), blocks_of(features, [7, 7, 6]), 4, space)
    assert found.rows.tolist() == [[2, 7, 12, 17]]


def test_galaxies_without_features_are_nobodys_neighbours_and_change_no_middle() -> None:
    features = random_features(10)
    holes = features.copy()
    holes[[3, 5]] = np.nan
    space = learn_middle([holes])
    np.testing.assert_allclose(space.centre, np.delete(features, [3, 5], 0).mean(0), rtol=1e-6)
    found = nearest(directions(features[:1], space), [holes], 10, space)
    assert sorted(found.rows[0].tolist()) == [0, 1, 2, 4, 6, 7, 8, 9]


def test_the_middle_is_that_of_the_training_galaxies_of_a_calibration() -> None:
    features = random_features(300)
    features[:, 4] = 7
    ours, theirs = learn_middle(blocks_of(features, [100, 150, 50])), learn_space(features)
    np.testing.assert_allclose(ours.centre, theirs.centre, rtol=1e-6)
    np.testing.assert_allclose(ours.weights, theirs.weights, rtol=1e-5)
    assert ours.weights[4] == 0


def test_the_same_picture_again_is_at_no_distance_and_another_is() -> None:
    features = random_features(200)
    space = learn_middle([features])
    # As another batch or another machine rounds.
    again = (features[:1] * (1 + 1e-6)).astype(np.float32)
    distances = exact_distances(features[:1], np.concatenate([again, features[1:]]), space)
    assert distances[0] < SAME_DISTANCE / 100
    assert distances[1:].min() > SAME_DISTANCE


@pytest.mark.parametrize("space", [None, FeatureSpace(np.zeros(3, np.float32), np.ones(3, np.float32), None)])
def test_what_has_no_direction_is_no_number(space: FeatureSpace | None) -> None:
    features = np.array([[0, 0, 0], [np.nan, 1, 1], [np.inf, 1, 1], [3, 4, 0]], np.float32)
    found = directions(features, space)
    assert np.isnan(found[:3]).any(axis=1).all()
    np.testing.assert_allclose(found[3], [0.6, 0.8, 0], rtol=1e-6)
