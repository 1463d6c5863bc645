"""How far two people agree."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from kamerton.labelling.agreement import agreements
from kamerton.labelling.journal import Decision

CLASSES = ("spiral", "edge-on", "merger")


def said(who: str, labels: list[str]) -> list[Decision]:
    return [Decision(f"g{number}", label, who) for number, label in enumerate(labels)]


def test_kappa_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    first = rng.choice(CLASSES, 200).tolist()
    second = [label if rng.random() < 0.7 else str(rng.choice(CLASSES)) for label in first]
    (found,) = agreements([*said("Ola", first), *said("Jan", second)], CLASSES)
    assert (found.first, found.second, found.galaxies) == ("Ola", "Jan", 200)
    assert found.agreed == sum(one == two for one, two in zip(first, second, strict=True))
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(cohen_kappa_score(first, second))


def test_the_interval_holds_the_true_kappa_as_often_as_it_says() -> None:
    """Two who agree on 60% beyond chance over equal classes have kappa 0.6."""
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        first = rng.choice(CLASSES, 150)
        second = np.where(rng.random(150) < 0.6, first, rng.choice(CLASSES, 150))
        (found,) = agreements([*said("a", first.tolist()), *said("b", second.tolist())], CLASSES)
        assert found.kappa is not None
        held += found.kappa.low <= 0.6 <= found.kappa.high
    assert 180 <= held <= 199


def test_only_galaxies_count_that_both_put_in_a_class() -> None:
    decisions = [
        *said("Ola", ["spiral", "merger", "unsure", "merger", "spiral"]),
        *said("Jan", ["spiral", "edge-on", "merger", "unsure"]),
        Decision("g1", "", "Jan"),
    ]
    (found,) = agreements(decisions, CLASSES)
    assert (found.galaxies, found.unsure) == (1, 2)


def test_the_last_word_of_each_counts() -> None:
    decisions = [
        *said("Ola", ["spiral", "merger"]),
        *said("Jan", ["merger", "merger"]),
        Decision("g0", "spiral", "Jan"),
    ]
    (found,) = agreements(decisions, CLASSES)
    assert (found.agreed, found.galaxies) == (2, 2)


def test_where_all_are_of_one_class_there_is_no_kappa() -> None:
    (found,) = agreements([*said("Ola", ["spiral"] * 3), *said("Jan", ["spiral"] * 3)], CLASSES)
    assert found.kappa is None


def test_where_all_agree_there_is_no_width() -> None:
    labels = ["spiral", "merger"]
    (found,) = agreements([*said("Ola", labels), *said("Jan", labels)], CLASSES)
    assert found.kappa is not None
    assert found.kappa.value == 1
    assert math.isnan(found.kappa.low)


def test_every_two_who_share_galaxies_are_told_the_most_first() -> None:
    decisions = [
        *said("a", ["spiral"]),
        *said("b", ["spiral"] * 3),
        *said("c", ["merger"] * 3),
        Decision("x", "spiral", "d"),
    ]
    assert [(one.first, one.second, one.galaxies) for one in agreements(decisions, CLASSES)] == [
        ("b", "c", 3),
        ("a", "b", 1),
        ("a", "c", 1),
    ]
