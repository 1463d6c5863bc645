"""Networks side by side: what is computed of their predictions, against peers and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from kamerton.config.judging import CompareSettings
from kamerton.errors import UsageError
from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparing import _draw_seeds
from kamerton.evaluation.comparison_figures import hard_rows
from kamerton.evaluation.results import read_all_predictions
from kamerton.evaluation.statistics import METRICS, SHARES
from kamerton.runs.folder import Run
from kamerton.runs.scores import Metrics
from tests.evaluation.compared import RESAMPLES, answers, rewrite


def recalls_of(metrics: Metrics) -> list[float]:
    found = []
    for row in metrics.per_class:
        assert row.recall is not None
        found.append(row.recall)
    return found


def test_every_interval_holds_its_value_and_all_numbers_are_those_of_the_runs(swept: Path) -> None:
    found = compare([swept / "runs"], resamples=RESAMPLES)
    for result in found.networks:
        for metric in METRICS:
            value = result.metrics[metric]
            assert value.low <= value.value <= value.high
            wanted = np.mean([getattr(one.metrics, metric) for one in result.predictions])
            assert value.value == pytest.approx(wanted, abs=1e-6)
        recalls = np.mean([recalls_of(one.metrics) for one in result.predictions], axis=0)
        np.testing.assert_allclose(result.recall[:, 0], recalls)


def test_galaxies_of_a_group_are_counted_as_one(swept: Path) -> None:
    found = compare([swept / "runs"], resamples=RESAMPLES)
    assert (found.galaxies, found.groups) == (40, 30)


def test_a_run_against_itself_shows_no_difference(copies: list[Run]) -> None:
    one, two = copies[0], copies[2]
    probabilities = read_all_predictions([one])[0].probabilities
    rewrite(two, probabilities)
    found = compare([one, two], resamples=RESAMPLES)
    (difference,) = found.differences
    assert not difference.shown
    assert difference.metrics["accuracy"].value == 0
    assert difference.mcnemar.p_value == 1
    assert difference.describe().startswith("no difference shown between ")


def test_a_clear_difference_is_said_with_the_better_first(copies: list[Run]) -> None:
    one, two = copies[0], copies[2]
    labels = read_all_predictions([one])[0].labels
    rewrite(one, np.eye(3, dtype=np.float32)[labels] * 0.9 + 0.1 / 3)
    rewrite(two, np.eye(3, dtype=np.float32)[(labels + 1) % 3] * 0.9 + 0.1 / 3)
    found = compare([two, one], resamples=RESAMPLES)
    (difference,) = found.differences
    assert difference.shown
    assert difference.describe().startswith("LeNet-5 is better than ResNet-18: accuracy +1.000")
    assert difference.mcnemar.first_only == 40
    assert list(hard_rows(found)) == []


def test_a_network_that_names_one_class_is_called_so_first(copies: list[Run]) -> None:
    labels = read_all_predictions(copies[:1])[0].labels
    answers(copies[0], np.full(40, 2))
    answers(copies[1], labels)
    found = compare(copies[:2], resamples=RESAMPLES)
    share = (labels == 2).mean()
    (caution,) = [caution for caution in found.cautions if caution.kind == "guess"]
    assert caution.describe().startswith("lenet5-seed0: ONE CLASS FOR ALL: every galaxy is called ")
    assert f"the accuracy, {share:.3f}, is its share" in caution.describe()
    assert found.describe()[0] == f"WARNING: {caution.describe()}"


def test_a_recall_of_none_or_all_has_an_interval_with_width(copies: list[Run]) -> None:
    labels = read_all_predictions(copies[:1])[0].labels
    answers(copies[0], np.full(40, 2))
    (network,) = compare(copies[:1], resamples=RESAMPLES).networks
    value, low, high = network.recall.T
    assert value.tolist() == [0, 0, 1]
    groups = np.array(read_all_predictions(copies[:1])[0].groups)
    counts = [len(set(groups[labels == place])) for place in range(3)]
    for place, right in enumerate((0, 0, counts[2])):
        wanted = stats.binomtest(right, counts[place]).proportion_ci(method="wilson")
        assert (low[place], high[place]) == pytest.approx((wanted.low, wanted.high))


def test_the_interval_of_a_share_ends_at_0_and_1(copies: list[Run]) -> None:
    """Of two seeds that disagree, the draws are spread beyond both."""
    labels = read_all_predictions(copies[:1])[0].labels
    answers(copies[0], labels)
    answers(copies[1], (labels + 1) % 3)
    (network,) = compare(copies[:2], resamples=RESAMPLES).networks
    assert network.recall.min() == 0
    assert network.recall.max() == 1
    accuracy = network.metrics["accuracy"]
    assert (accuracy.low, accuracy.value, accuracy.high) == (0, 0.5, 1)


def test_an_accuracy_of_all_has_an_interval_with_width(copies: list[Run]) -> None:
    answers(copies[0], read_all_predictions(copies[:1])[0].labels)
    (network,) = compare(copies[:1], resamples=RESAMPLES).networks
    accuracy = network.metrics["accuracy"]
    wanted = stats.binomtest(30, 30).proportion_ci(method="wilson")
    assert (accuracy.value, accuracy.low, accuracy.high) == pytest.approx((1, wanted.low, 1))


WITHOUT_ERRORS = {
    "all right": lambda labels: labels,
    "all wrong": lambda labels: (labels + 1) % 3,
    "one class for all": lambda labels: np.full_like(labels, 2),
}


@pytest.mark.parametrize("said", WITHOUT_ERRORS)
@pytest.mark.parametrize("seeds", [1, 2])
def test_no_share_has_an_interval_of_nothing(copies: list[Run], said: str, seeds: int) -> None:
    labels = read_all_predictions(copies[:1])[0].labels
    for run in copies:
        answers(run, WITHOUT_ERRORS[said](labels))
    found = compare(copies[:seeds], resamples=RESAMPLES)
    recall = found.networks[0].recall[:, 1]
    for metric in SHARES:
        one = found.networks[0].metrics[metric]
        assert 0 <= one.low <= one.value <= one.high <= 1
        assert one.high - one.low > 0.03, metric
    assert found.networks[0].metrics["balanced_accuracy"].low >= recall.mean() - 1e-9, "a mean varies less"


def test_networks_that_answer_alike_are_not_shown_to_be_alike(copies: list[Run]) -> None:
    """No resample can make two differ that agree on every galaxy, and other galaxies can."""
    one, two = copies[0], copies[2]
    rewrite(two, read_all_predictions([one])[0].probabilities)
    (difference,) = compare([one, two], resamples=RESAMPLES).differences
    for metric in SHARES:
        found = difference.metrics[metric]
        assert found.value == 0
        assert found.low < -0.03
        assert found.high > 0.03


def test_what_every_network_gets_wrong_is_found_the_surest_first(copies: list[Run]) -> None:
    one, two = copies[0], copies[2]
    labels = read_all_predictions([one])[0].labels
    probabilities = np.eye(3, dtype=np.float32)[labels] * 0.9 + 0.1 / 3
    for row, sureness in ((3, 0.6), (7, 0.8)):
        probabilities[row] = (1 - sureness) / 2
        probabilities[row, (labels[row] + 1) % 3] = sureness
    for run in (one, two):
        rewrite(run, probabilities)
    assert list(hard_rows(compare([one, two], resamples=RESAMPLES))) == [7, 3]


def test_too_few_resamples_are_refused() -> None:
    with pytest.raises(UsageError, match="Bad value for resamples"):
        CompareSettings(resamples=10)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_seeds_vary_in_the_resamples_as_their_mean_would(count: int) -> None:
    """The variance of a mean of n is the sample variance over n."""
    values = np.random.default_rng(count).normal(size=count)
    means = _draw_seeds(count, CompareSettings(resamples=40_000)) @ values
    assert means.mean() == pytest.approx(values.mean(), abs=0.02)
    assert means.var() == pytest.approx(values.var(ddof=1) / count, rel=0.05)
