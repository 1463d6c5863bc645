"""Which labels are probably wrong."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from kamerton.errors import MissingExtraError
from kamerton.labelling.issues import find_issues, require_cleanlab

pytest.importorskip("cleanlab")


def chances(true: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """Give the truth most of the probability, and the rest by chance."""
    found = np.random.default_rng(seed).dirichlet(np.ones(classes), len(true)) * 0.4
    found[np.arange(len(true)), true] += 0.6
    return found.astype(np.float32)


@pytest.fixture
def flipped() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, labels of which 30 of 600 are wrong, and which."""
    rng = np.random.default_rng(3)
    true = rng.choice(3, 600, p=[0.1, 0.3, 0.6])
    labels, wrong = true.copy(), np.zeros(600, bool)
    wrong[rng.choice(600, 30, replace=False)] = True
    labels[wrong] = (labels[wrong] + rng.integers(1, 3, 30)) % 3
    return chances(true, 3, 4), labels, wrong


def test_flipped_labels_come_first_and_their_true_class_is_suggested(
    flipped: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    probabilities, labels, wrong = flipped
    found = find_issues(labels, probabilities)
    assert wrong[found.order[:30]].all()
    assert (found.suggested == probabilities.argmax(1)).all()
    assert wrong[found.is_issue].all()
    assert found.is_issue.sum() >= 15
    assert 10 <= found.estimated <= 36


def test_a_label_that_is_often_wrong_that_way_is_more_suspicious() -> None:
    # Of 300 galaxies of class 0, 60 are given 1, and none 2.
    true = np.repeat([0, 1, 2], 300)
    labels = true.copy()
    labels[:60] = 1
    probabilities = chances(true, 3, 6)
    # Two galaxies of one picture: the one was given 1, the other 2, and the network has no opinion between these.
    probabilities[[400, 700]] = (0.6, 0.2, 0.2)
    found = find_issues(labels, probabilities)
    assert found.score[400] < found.score[700]


def test_all_galaxies_are_ranked_those_that_are_probably_wrong_before_the_others(
    flipped: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    found = find_issues(flipped[1], flipped[0])
    assert sorted(found.order) == list(range(600))
    count = int(found.is_issue.sum())
    assert found.is_issue[found.order[:count]].all()
    for part in (found.order[:count], found.order[count:]):
        assert (np.diff(found.score[part]) >= 0).all()


def test_a_class_without_galaxies_changes_nothing(flipped: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    probabilities, labels, _ = flipped
    with_empty = np.insert(probabilities * np.float32(0.9), 1, 0.1, axis=1)
    one, two = find_issues(labels, probabilities), find_issues(np.where(labels > 0, labels + 1, 0), with_empty)
    np.testing.assert_allclose(one.score, two.score, rtol=1e-5)
    np.testing.assert_array_equal(one.is_issue, two.is_issue)
    assert set(two.suggested) == {0, 2, 3}
    np.testing.assert_array_equal(np.delete(np.delete(two.joint, 1, 0), 1, 1), one.joint)


def test_a_galaxy_of_which_nothing_is_left_for_the_classes_there_are_is_no_error() -> None:
    probabilities = np.array([[0.8, 0.2, 0], [0.1, 0.9, 0], [0, 0, 1], [0.9, 0.1, 0], [0.2, 0.8, 0]], np.float32)
    found = find_issues(np.array([0, 1, 1, 0, 1]), probabilities)
    assert np.isfinite(found.score).all()


def test_labels_that_fit_are_no_issues() -> None:
    true = np.arange(90) % 3
    found = find_issues(true, chances(true, 3, 0))
    assert not found.is_issue.any()
    assert found.estimated == 0


def test_without_cleanlab_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    with pytest.raises(MissingExtraError, match=r"extra `labels`.*pip install"):
        require_cleanlab()
