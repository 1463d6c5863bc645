"""Metrics agree with numbers worked out by hand and with scikit-learn, and stay defined where classes are absent."""

from __future__ import annotations

import dataclasses
import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from kamerton.errors import RunError
from kamerton.evaluation.metrics import classification_metrics, group_metrics, log_loss
from kamerton.records import read_record
from kamerton.runs.scores import ClassScores, GroupScores, Scores

NAMES = ("spiral", "smooth", "merging")
LABELS = np.array([0, 0, 0, 1, 1, 2])
PROBABILITIES = np.array(
    [
        [0.70, 0.20, 0.10],
        [0.50, 0.25, 0.25],
        [0.25, 0.50, 0.25],  # a spiral called smooth
        [0.10, 0.80, 0.10],
        [0.60, 0.30, 0.10],  # a smooth galaxy called spiral
        [0.20, 0.30, 0.50],
    ],
    np.float32,
)

quick = settings(max_examples=30)


@st.composite
def predictions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N,) that need not hold every class, and softmax probabilities (N, classes) in float32."""
    classes = draw(st.integers(2, 5))
    labels = np.array(draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=40)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = np.exp(rng.normal(0, 2, (len(labels), classes)).astype(np.float32))
    return labels, weights / weights.sum(1, keepdims=True)


def names(probabilities: np.ndarray) -> tuple[str, ...]:
    return tuple(f"class {index}" for index in range(probabilities.shape[1]))


@pytest.fixture(scope="module")
def found() -> Scores:
    return classification_metrics(LABELS, PROBABILITIES, NAMES)


def test_headlines_are_those_worked_out_by_hand(found: Scores) -> None:
    assert found.galaxies == 6
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert found.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert found.log_loss == pytest.approx(-math.log(0.70 * 0.50 * 0.25 * 0.80 * 0.30 * 0.50) / 6, rel=1e-6)


def test_the_confusion_matrix_has_true_classes_as_rows(found: Scores) -> None:
    assert found.confusion_matrix == ((2, 1, 0), (1, 1, 0), (0, 0, 1))


def test_each_class_has_its_own_numbers(found: Scores) -> None:
    """One-vs-rest AUC of spiral: of its 9 pairs with other galaxies 7 are in the right order."""
    spiral, smooth, merging = found.per_class
    assert dataclasses.asdict(spiral) == {
        "class_name": "spiral", "precision": pytest.approx(2 / 3), "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(2 / 3), "support": 3, "roc_auc": pytest.approx(7 / 9),
        "precision_interval": None, "recall_interval": None,
    }  # fmt: skip
    assert (smooth.precision, smooth.recall, smooth.support) == (0.5, 0.5, 2)
    assert (merging.precision, merging.recall, merging.roc_auc) == (1.0, 1.0, 1.0)


@quick
@given(case=predictions())
def test_headlines_agree_with_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = case
    found = classification_metrics(labels, probabilities, names(probabilities))
    predicted = probabilities.argmax(1)
    with warnings.catch_warnings():
        # It warns of predicted classes that do not occur, and leaves them out, as is wanted here.
        warnings.simplefilter("ignore", UserWarning)
        assert found.balanced_accuracy == pytest.approx(sklearn_metrics.balanced_accuracy_score(labels, predicted))
    assert found.accuracy == pytest.approx(sklearn_metrics.accuracy_score(labels, predicted))
    wanted = sklearn_metrics.confusion_matrix(labels, predicted, labels=range(probabilities.shape[1]))
    np.testing.assert_array_equal(found.confusion_matrix, wanted)


@quick
@given(case=predictions())
def test_auc_is_scikit_learns_one_against_the_rest(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = case
    classes = probabilities.shape[1]
    labels = np.concatenate([labels, np.arange(classes)])
    probabilities = np.concatenate([probabilities, np.full((classes, classes), 1 / classes, np.float32)])
    found = classification_metrics(labels, probabilities, names(probabilities)).roc_auc_macro
    aucs = [sklearn_metrics.roc_auc_score(labels == index, probabilities[:, index]) for index in range(classes)]
    assert found == pytest.approx(np.mean(aucs))


@quick
@given(case=predictions())
def test_the_numbers_of_a_class_follow_from_the_confusion_matrix(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = case
    found = classification_metrics(labels, probabilities, names(probabilities))
    counts = np.array(found.confusion_matrix)
    assert counts.sum() == found.galaxies == len(labels)
    assert found.accuracy == pytest.approx(np.trace(counts) / counts.sum())
    for index, row in enumerate(found.per_class):
        assert row.support == counts[index].sum()
        share = counts[index, index] / counts[index].sum() if counts[index].any() else None
        assert row.recall == (share if share is None else pytest.approx(share))
        share = counts[index, index] / counts[:, index].sum() if counts[:, index].any() else None
        assert row.precision == (share if share is None else pytest.approx(share))


@quick
@given(case=predictions(), seed=st.integers(0, 1000))
def test_the_order_of_the_galaxies_does_not_matter(case: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    labels, probabilities = case
    order = np.random.default_rng(seed).permutation(len(labels))
    first = classification_metrics(labels, probabilities, names(probabilities))
    other = classification_metrics(labels[order], probabilities[order], names(probabilities))
    for key in ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "roc_auc_macro"):
        assert getattr(other, key) == (None if getattr(first, key) is None else pytest.approx(getattr(first, key)))
    assert other.confusion_matrix == first.confusion_matrix


@quick
@given(case=predictions(), seed=st.integers(0, 1000))
def test_the_order_of_the_classes_does_not_matter(case: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    labels, probabilities = case
    order = np.random.default_rng(seed).permutation(probabilities.shape[1])
    first = classification_metrics(labels, probabilities, names(probabilities))
    renamed = tuple(names(probabilities)[index] for index in order)
    other = classification_metrics(np.argsort(order)[labels], probabilities[:, order], renamed)
    by_name = {row.class_name: row for row in other.per_class}
    for row in first.per_class:
        wanted = {
            key: pytest.approx(value) if isinstance(value, float) else value
            for key, value in dataclasses.asdict(row).items()
        }
        assert dataclasses.asdict(by_name[row.class_name]) == wanted
    assert other.macro_f1 == pytest.approx(first.macro_f1)


@quick
@given(case=predictions())
def test_scores_come_back_from_json(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = case
    found = classification_metrics(labels, probabilities, names(probabilities))
    table = json.loads(json.dumps(dataclasses.asdict(found), allow_nan=False))
    assert read_record(Scores, table, "metrics.json", RunError) == found


def test_an_absent_class_has_no_numbers_and_spoils_no_average() -> None:
    seen = LABELS != 2
    found = classification_metrics(LABELS[seen], PROBABILITIES[seen], NAMES)
    merging = found.per_class[2]
    assert merging == ClassScores("merging", None, None, None, 0, None)
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 2)
    first, second = (row.roc_auc for row in found.per_class[:2])
    assert first is not None
    assert second is not None
    assert found.roc_auc_macro == pytest.approx((first + second) / 2)
    assert np.shape(found.confusion_matrix) == (3, 3)


def test_a_class_that_is_only_predicted_counts_against_the_true_ones() -> None:
    found = classification_metrics(np.array([0, 0]), PROBABILITIES[[0, 5]], NAMES)
    assert (found.accuracy, found.balanced_accuracy) == (0.5, 0.5)
    merging = found.per_class[2]
    assert (merging.precision, merging.recall, merging.support) == (0.0, None, 0)


def test_a_cube_of_one_class_has_an_accuracy_and_no_auc() -> None:
    found = classification_metrics(np.zeros(3, np.int64), PROBABILITIES[:3], NAMES)
    assert (found.accuracy, found.balanced_accuracy) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found.roc_auc_macro is None
    assert [row.roc_auc for row in found.per_class] == [None, None, None]
    assert math.isfinite(found.log_loss)


def test_a_class_that_is_never_predicted_has_no_precision() -> None:
    always_first = np.tile(np.array([0.8, 0.1, 0.1], np.float32), (6, 1))
    smooth = classification_metrics(LABELS, always_first, NAMES).per_class[1]
    assert (smooth.precision, smooth.recall, smooth.f1) == (None, 0.0, 0.0)


def test_a_perfect_network_has_perfect_numbers() -> None:
    found = classification_metrics(LABELS, np.eye(3, dtype=np.float32)[LABELS], NAMES)
    assert (found.accuracy, found.balanced_accuracy, found.macro_f1, found.roc_auc_macro) == (1.0,) * 4
    assert found.log_loss == pytest.approx(0, abs=1e-6)


@quick
@given(case=predictions())
def test_log_loss_is_the_mean_surprise(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = case
    wanted = -np.log(probabilities[np.arange(len(labels)), labels].astype(np.float64)).mean()
    assert log_loss(labels, probabilities) == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_a_certain_mistake_costs_much_and_not_infinity() -> None:
    certain = np.array([[1.0, 0.0]], np.float32)
    assert log_loss(np.array([1]), certain) == pytest.approx(-math.log(np.finfo(np.float32).eps), rel=1e-3)


def test_groups_are_measured_apart() -> None:
    found = group_metrics(LABELS, PROBABILITIES, ["north", "south", "south", "north", "north", "south"])
    assert list(found) == ["north", "south"]
    for group in found.values():
        assert group.galaxies == 3
        assert group.accuracy == pytest.approx(2 / 3)
        assert group.balanced_accuracy == pytest.approx((1 + 1 / 2) / 2)


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        (["10", "-6", "9", "-1", "-2", ""], ["-6", "-2", "-1", "9", "10", ""]),
        (["2.5", "1", "nan", "10", "1", "1.0"], ["1", "1.0", "2.5", "10", "nan"]),
        (["10", "9", "E", "9", "9", ""], ["", "10", "9", "E"]),
    ],
    ids=["numbers", "a number that is none", "text among them"],
)
def test_groups_stand_in_the_order_of_their_numbers(groups: list[str], told: list[str]) -> None:
    assert list(group_metrics(LABELS, PROBABILITIES, groups)) == told


@quick
@given(case=predictions(), seed=st.integers(0, 1000))
def test_groups_add_up_to_the_whole(case: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    labels, probabilities = case
    groups = [str(value) for value in np.random.default_rng(seed).integers(0, 3, len(labels))]
    found = group_metrics(labels, probabilities, groups).values()
    whole = classification_metrics(labels, probabilities, names(probabilities))
    assert sum(group.galaxies for group in found) == len(labels)
    correct = sum(group.accuracy * group.galaxies for group in found)
    assert correct == pytest.approx(whole.accuracy * len(labels))


def test_a_group_of_one_galaxy_is_measured_too() -> None:
    assert group_metrics(np.array([2]), PROBABILITIES[:1], ["alone"]) == {
        "alone": GroupScores(galaxies=1, accuracy=0.0, balanced_accuracy=0.0)
    }
