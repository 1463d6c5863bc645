"""Error bars and tests agree with their peers and with known values."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq
from sklearn.metrics import f1_score, recall_score
from statsmodels.stats.proportion import confint_proportions_2indep

from kamerton.evaluation.metrics import classification_metrics
from kamerton.evaluation.statistics import (
    METRICS,
    Interval,
    cohens_kappa,
    difference_interval,
    exact_mcnemar,
    holm,
    macro_f1_interval,
    mcnemar_of_counts,
    mean_recall_interval,
    negative_log_likelihood,
    paired_difference,
    percentile_interval,
    resampled_weights,
    weighted_metrics,
    wider,
    wilson_interval,
)

ALONE = [str(row) for row in range(60)]


def some_answers(count: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    scores = rng.normal(size=(count, classes)) + 1.5 * np.eye(classes)[labels]
    return labels, (np.exp(scores) / np.exp(scores).sum(1, keepdims=True)).astype(np.float32)


@settings(max_examples=40)
@given(st.integers(1, 80), st.integers(2, 6), st.integers(0, 10_000))
def test_with_equal_weights_every_metric_is_that_of_scikit_learn(count: int, classes: int, seed: int) -> None:
    labels, probabilities = some_answers(count, classes, seed)
    ours = weighted_metrics(labels, probabilities, np.ones((1, count)))
    theirs = classification_metrics(labels, probabilities, tuple(map(str, range(classes))))
    for metric in METRICS:
        assert ours[metric][0] == pytest.approx(getattr(theirs, metric), abs=1e-6)


def test_a_resample_is_measured_as_if_its_galaxies_were_written_out() -> None:
    labels, probabilities = some_answers(60, 4, 1)
    weights = resampled_weights(ALONE, 20, 0)
    ours = weighted_metrics(labels, probabilities, weights)
    for number, row in enumerate(weights.astype(int)):
        drawn = np.repeat(np.arange(60), row)
        theirs = classification_metrics(labels[drawn], probabilities[drawn], ("a", "b", "c", "d"))
        for metric in METRICS:
            assert ours[metric][number] == pytest.approx(getattr(theirs, metric), abs=1e-6)


def test_two_hundred_classes_take_little_memory() -> None:
    """A confusion matrix for each resample would take 96 MB here, and the table of all cells 160 MB."""
    labels, probabilities = some_answers(500, 200, 0)
    weights = resampled_weights([str(row) for row in range(500)], 300, 0)
    tracemalloc.start()
    weighted_metrics(labels, probabilities, weights)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 20e6


def test_a_galaxy_with_no_chance_for_the_truth_keeps_the_loss_finite() -> None:
    assert np.isfinite(negative_log_likelihood(np.array([1]), np.array([[1, 0]], np.float32))).all()


def test_resamples_hold_as_many_groups_as_there_are_and_groups_stay_whole() -> None:
    groups = ["a", "a", "b", "c", "c", "c"]
    weights = resampled_weights(groups, 500, 0)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(1) == 3).all()
    np.testing.assert_allclose(weights.mean(0), 1, atol=0.15)


def test_the_same_seed_draws_the_same() -> None:
    assert (resampled_weights(ALONE, 50, 3) == resampled_weights(ALONE, 50, 3)).all()
    assert (resampled_weights(ALONE, 50, 3) != resampled_weights(ALONE, 50, 4)).any()


def test_the_interval_of_a_share_is_that_of_scipys_bootstrap() -> None:
    right = np.random.default_rng(0).random(400) < 0.7
    weights = resampled_weights([str(row) for row in range(400)], 9000, 1)
    ours = percentile_interval(right.mean(), weights @ right / 400)
    theirs = stats.bootstrap((right,), np.mean, method="percentile", n_resamples=9000, rng=2).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Of 300 surveys of 200 galaxies the 95% interval misses the true accuracy in about 15."""
    rng, misses = np.random.default_rng(5), 0
    weights = resampled_weights([str(row) for row in range(200)], 500, 0)
    for _ in range(300):
        right = rng.random(200) < 0.6
        interval = percentile_interval(right.mean(), weights @ right / 200)
        misses += not interval.low <= 0.6 <= interval.high
    assert 5 <= misses <= 30


def test_galaxies_that_come_in_groups_give_a_wider_interval() -> None:
    """Ten copies of each galaxy are no more galaxies."""
    right = np.repeat(np.random.default_rng(1).random(50) < 0.5, 10)
    grouped = resampled_weights([str(row // 10) for row in range(500)], 2000, 0)
    alone = resampled_weights([str(row) for row in range(500)], 2000, 0)
    wide, narrow = (percentile_interval(0.5, weights @ right / weights.sum(1)) for weights in (grouped, alone))
    assert wide.high - wide.low == pytest.approx(10**0.5 * (narrow.high - narrow.low), rel=0.15)


@pytest.mark.parametrize(("low", "high", "holds"), [(-0.1, 0.2, True), (0.0, 0.2, True), (0.01, 0.2, False)])
def test_an_interval_that_touches_zero_holds_it(low: float, high: float, holds: bool) -> None:
    assert Interval(0.1, low, high).holds_zero is holds


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (3, 10), (1, 1), (700, 1000)])
def test_the_interval_of_a_share_is_wilsons_in_scipy_too(right: int, count: int) -> None:
    wanted = stats.binomtest(right, count).proportion_ci(method="wilson")
    found = wilson_interval(right / count, count)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert found.low <= found.value <= found.high
    assert found.high - found.low > 0.01


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (3, 10), (700, 1000)])
def test_the_mean_recall_of_one_class_is_a_share(right: int, count: int) -> None:
    wilson = wilson_interval(right / count, count)
    found = mean_recall_interval(np.array([[wilson.value, wilson.low, wilson.high]]))
    assert (found.value, found.low, found.high) == pytest.approx((wilson.value, wilson.low, wilson.high))


@pytest.mark.parametrize("counts", [(10, 10, 20, 20), (3, 9, 12, 15), (0, 8, 8, 8)])
def test_the_difference_of_two_shares_is_newcombes_in_statsmodels_too(counts: tuple[int, int, int, int]) -> None:
    first, second = wilson_interval(counts[0] / counts[1], counts[1]), wilson_interval(counts[2] / counts[3], counts[3])
    found = difference_interval(first, second)
    assert (found.low, found.high) == pytest.approx(confint_proportions_2indep(*counts, method="newcomb"))


def recalls_of(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    places, counts = np.unique(labels, return_counts=True)
    shares = [float((predicted[labels == place] == place).mean()) for place in places]
    found = [wilson_interval(share, int(count)) for share, count in zip(shares, counts, strict=True)]
    return np.array([[one.value, one.low, one.high] for one in found])


@settings(max_examples=20)
@given(st.integers(1, 80), st.integers(2, 6), st.integers(0, 10_000))
def test_intervals_of_means_over_classes_hold_what_scikit_learn_says(count: int, classes: int, seed: int) -> None:
    labels, probabilities = some_answers(count, classes, seed)
    predicted = probabilities.argmax(1)
    balanced = mean_recall_interval(recalls_of(labels, predicted))
    assert balanced.value == pytest.approx(
        recall_score(labels, predicted, labels=np.unique(labels), average="macro", zero_division=0)
    )
    f1 = macro_f1_interval(labels, predicted, ALONE[:1] * count)
    assert f1.value == pytest.approx(
        f1_score(labels, predicted, labels=np.unique(labels), average="macro", zero_division=0)
    )
    for interval in (balanced, f1):
        assert 0 <= interval.low <= interval.value <= interval.high <= 1
        assert interval.has_width


@pytest.mark.parametrize("counts", [(5, 5, 5), (20, 30, 40), (3, 200, 40), (8, 8)])
def test_where_resamples_agree_a_truth_beyond_the_ends_would_hardly_leave_all_right(counts: tuple[int, ...]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    shares = np.array(counts) / len(labels)

    def f1_of(recall: float) -> float:
        said = shares * recall + np.roll(shares, 1) * (1 - recall)
        return float(np.mean(2 * shares * recall / (shares + said)))

    low = mean_recall_interval(recalls_of(labels, labels)).low
    f1_low = macro_f1_interval(labels, labels, [str(row) for row in range(len(labels))]).low
    recall_of_f1 = brentq(lambda recall: f1_of(recall) - f1_low, 0, 1)
    errors_in_one_class = max(0, 1 - len(counts) * (1 - low))
    for recall, galaxies in ((low, len(labels)), (errors_in_one_class, min(counts)), (recall_of_f1, len(labels))):
        assert recall**galaxies < 0.1


def test_the_wider_of_two_intervals_covers_both() -> None:
    assert wider(Interval(0.5, 0.4, 0.6), Interval(0.5, 0.45, 0.7)) == Interval(0.5, 0.4, 0.7)


@pytest.mark.parametrize("shares", [(0.1, 0.05), (0.3, 0.3), (0.6, 0.01)])
def test_the_interval_of_a_difference_covers_the_truth_as_often_as_it_says(shares: tuple[float, float]) -> None:
    first, second = shares
    drawn = np.random.default_rng(3).multinomial(80, [first, second, 1 - first - second], 400)
    found = [paired_difference(int(one), int(two), 80) for one, two, _ in drawn]
    misses = sum(not interval.low <= first - second <= interval.high for interval in found)
    assert misses <= 35


@pytest.mark.parametrize(("first_only", "second_only", "count"), [(0, 0, 5), (5, 0, 5), (0, 5, 5), (1, 0, 1)])
def test_a_difference_lies_in_its_interval_which_has_width(first_only: int, second_only: int, count: int) -> None:
    found = paired_difference(first_only, second_only, count)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@pytest.mark.parametrize(("first_only", "second_only"), [(10, 2), (0, 0), (1, 0), (25, 25), (3, 30)])
def test_mcnemar_is_the_two_sided_binomial_test_of_the_pairs_that_differ(first_only: int, second_only: int) -> None:
    both, neither = 40, 7
    first = np.repeat([True, True, False, False], [both, first_only, second_only, neither])
    second = np.repeat([True, False, True, False], [both, first_only, second_only, neither])
    found = exact_mcnemar(first, second)
    assert (found.first_only, found.second_only) == (first_only, second_only)
    differing = first_only + second_only
    wanted = stats.binomtest(first_only, differing).pvalue if differing else 1.0
    assert found.p_value == pytest.approx(wanted)
    assert mcnemar_of_counts(first_only, second_only) == found


def test_mcnemar_by_hand() -> None:
    """Nine of ten: 2 x (1 + 10) / 2**10."""
    first = np.array([True] * 9 + [False])
    assert exact_mcnemar(first, ~first).p_value == pytest.approx(22 / 1024)


@pytest.mark.parametrize(("matrix", "end"), [([[5, 0], [1, 6]], 1), ([[0, 6], [5, 1]], -1)])
def test_no_end_of_an_interval_lies_where_kappa_cannot_be(matrix: list[list[int]], end: int) -> None:
    interval = cohens_kappa(np.array(matrix, np.float64)).interval
    assert -1 <= interval.low < interval.value < interval.high <= 1
    assert end in (interval.low, interval.high)


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    """Worked by hand: 4 x 0.01, 3 x 0.02, 2 x 0.03 but no less than before, 0.04 likewise."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]
