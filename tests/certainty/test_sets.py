"""Sets hold the true class as often as promised, class by class, by ranks in whole numbers."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from kamerton.certainty import sets
from kamerton.certainty.scaling import softmax
from kamerton.config.judging import SetMethod

METHODS: tuple[SetMethod, SetMethod] = ("lac", "aps")


@given(st.integers(0, 10**9), st.integers(500, 999))
def test_the_rank_is_exact(galaxies: int, thousandths: int) -> None:
    coverage = thousandths / 1000
    expected = (Decimal(galaxies + 1) * Decimal(thousandths) / 1000).to_integral_value(ROUND_CEILING)
    assert sets.rank(galaxies, coverage) == int(expected)


def test_a_rank_in_floats_would_be_wrong() -> None:
    """0.55 x 100 is 55.00000000000001 in floats, and its ceiling one too many."""
    assert math.ceil(100 * 0.55) == 56
    assert sets.rank(99, 0.55) == 55


@given(st.integers(500, 999))
def test_the_fewest_galaxies_are_those_whose_rank_is_among_them(thousandths: int) -> None:
    coverage = thousandths / 1000
    fewest = sets.galaxies_needed(coverage)
    assert sets.rank(fewest, coverage) <= fewest
    assert sets.rank(fewest - 1, coverage) > fewest - 1


def survey(count: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (count, classes)) + np.linspace(1, -1, classes)
    labels = (softmax(logits).cumsum(1) < rng.random((count, 1))).sum(1)
    # Too sure by half, as networks are.
    return softmax(1.5 * logits).astype(np.float32), labels


def brute_scores(row: np.ndarray, method: SetMethod) -> list[float]:
    """As the papers write them, one class at a time."""
    exact = [float(value) for value in row]
    if method == "lac":
        return [1 - value for value in exact]
    order = sorted(range(len(exact)), key=lambda place: (-exact[place], place))
    return [sum(exact[other] for other in order[: order.index(place) + 1]) for place in range(len(exact))]


@pytest.mark.parametrize("method", METHODS)
def test_scores_and_sets_are_those_of_the_papers(method: SetMethod) -> None:
    probabilities, labels = survey(240, 3, 0)
    scores = sets.scores(probabilities, method)
    np.testing.assert_allclose(scores, [brute_scores(row, method) for row in probabilities], rtol=0, atol=1e-15)
    found = sets.find_thresholds(scores, labels, 0.9)
    assert found is not None
    assert found.pooled == ()
    for place in range(3):
        own = sorted(brute_scores(row, method)[place] for row in probabilities[labels == place])
        assert found.values[place] == pytest.approx(own[math.ceil((len(own) + 1) * 9 / 10) - 1], abs=1e-15)
    inside = sets.sets_of(scores, found.values)
    np.testing.assert_array_equal(inside, scores <= np.array(found.values))


def test_sets_are_those_of_crepes() -> None:
    crepes = pytest.importorskip("crepes")
    probabilities, labels = survey(600, 4, 1)
    new, _ = survey(300, 4, 2)
    exact, exact_new = probabilities.astype(np.float64), new.astype(np.float64)
    theirs = crepes.ConformalClassifier()
    theirs.fit(1 - exact[np.arange(600), labels], bins=labels)
    # Class by class, each class's scores against those of its own bin; ties are not broken at random.
    p_values = np.column_stack(
        [
            theirs.predict_p((1 - exact_new)[:, [place]], bins=np.full(300, place), smoothing=False)[:, 0]
            for place in range(4)
        ]
    )
    found = sets.find_thresholds(sets.scores(probabilities, "lac"), labels, 0.9)
    assert found is not None
    ours = sets.sets_of(sets.scores(new, "lac"), found.values)
    np.testing.assert_array_equal(ours, p_values > 0.1 + 1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_each_class_is_covered_as_promised(method: SetMethod) -> None:
    """Over many simulated surveys the covered share of each class is within its binomial interval, or above."""
    coverage, calibrations, tested = 0.9, 60, 400
    covered, counted = np.zeros(4), np.zeros(4)
    for seed in range(calibrations):
        probabilities, labels = survey(400, 4, 2 * seed)
        found = sets.find_thresholds(sets.scores(probabilities, method), labels, coverage)
        assert found is not None
        new, true = survey(tested, 4, 2 * seed + 1)
        inside = sets.sets_of(sets.scores(new, method), found.values)[np.arange(tested), true]
        covered += np.bincount(true, inside, minlength=4)
        counted += np.bincount(true, minlength=4)
    # Ranks round up; galaxies of one calibration are not independent, hence the wide interval.
    low = binom.ppf(1e-6, counted.astype(int), coverage) / counted
    assert (covered / counted >= low).all()
    assert (covered / counted <= coverage + 0.04).all()


def test_rare_classes_share_a_threshold() -> None:
    probabilities, labels = survey(400, 4, 3)
    few = np.flatnonzero(labels == 2)[3:]
    kept = np.setdiff1d(np.arange(400), few)
    scores, labels = sets.scores(probabilities[kept], "lac"), labels[kept]
    found = sets.find_thresholds(scores, labels, 0.9)
    assert found is not None
    assert found.galaxies[2] == 3
    assert 2 in found.pooled
    assert len(found.pooled) == 2, "one further class lends its galaxies"
    assert len({found.values[place] for place in found.pooled}) == 1
    together = np.sort(scores[np.arange(len(labels)), labels][np.isin(labels, found.pooled)])
    assert found.values[2] == together[sets.rank(len(together), 0.9) - 1]


def test_a_class_without_galaxies_is_pooled() -> None:
    probabilities, labels = survey(400, 4, 4)
    kept = labels != 1
    found = sets.find_thresholds(sets.scores(probabilities[kept], "lac"), labels[kept], 0.9)
    assert found is not None
    assert 1 in found.pooled
    assert math.isfinite(found.values[1])


def test_too_few_galaxies_have_no_threshold() -> None:
    probabilities, labels = survey(8, 3, 5)
    assert sets.find_thresholds(sets.scores(probabilities, "lac"), labels, 0.9) is None
