"""A network that is no better than guessing is called so, and one that is better is not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from kamerton.evaluation.guessing import AgainstGuess, GuessVerdict, against_guess, guess_warning
from kamerton.evaluation.statistics import exact_mcnemar

NAMES = ("early", "późne", "irregular")


def held(*rows: tuple[int, ...]) -> AgainstGuess:
    found = against_guess(np.array(rows), NAMES[: len(rows)])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("rows", "verdict", "begins"),
    [
        (((0, 50, 0), (0, 30, 0), (0, 20, 0)), "one class", "ONE CLASS FOR ALL: every galaxy is called późne"),
        (
            ((25, 15, 10), (15, 9, 6), (10, 6, 4)),
            "guessing",
            "NOT SHOWN TO BE BETTER THAN GUESSING: always naming early",
        ),
        (
            ((500, 60), (20, 40)),
            "no better",
            "NOT SHOWN TO BE RIGHT MORE OFTEN THAN ALWAYS NAMING early, though it tells",
        ),
        (((40, 5, 5), (4, 24, 2), (3, 3, 14)), "better", ""),
        (((0, 50), (50, 0)), "guessing", "NOT SHOWN TO BE BETTER THAN GUESSING"),
        (((2, 1), (0, 1)), "guessing", "NOT SHOWN TO BE BETTER THAN GUESSING"),
    ],
)
def test_answers_are_held_against_guessing(
    rows: tuple[tuple[int, ...], ...], verdict: GuessVerdict, begins: str
) -> None:
    found = held(*rows)
    assert found.verdict == verdict
    assert guess_warning(found).startswith(begins)
    assert bool(guess_warning(found)) == (verdict != "better")
    assert found.as_json()["words"] == found.describe()
    assert "{" not in found.describe()


def test_the_numbers_are_those_of_the_galaxies_written_out() -> None:
    matrix = np.array([[40, 5, 5], [4, 24, 2], [3, 3, 14]])
    labels, said = (np.repeat(places, matrix.ravel()) for places in np.indices(matrix.shape).reshape(2, -1))
    found = held(*map(tuple, matrix.tolist()))
    assert (found.class_name, found.share) == ("early", 0.5)
    assert found.difference.value == pytest.approx((said == labels).mean() - 0.5)
    assert found.mcnemar == exact_mcnemar(said == labels, labels == 0)
    assert found.kappa is not None
    assert found.kappa.interval.value == pytest.approx(cohen_kappa_score(labels, said))


def test_a_test_of_one_class_tells_nothing_of_guessing() -> None:
    assert against_guess(np.array([[7, 2], [0, 0]]), NAMES[:2]) is None
    assert guess_warning(None) == ""


def test_answers_at_random_are_rarely_called_better() -> None:
    """A one-sided claim of a two-sided test at 0.05: 1 in 40 at most."""
    generator = np.random.default_rng(0)
    better = 0
    for _ in range(300):
        labels, said = generator.choice(3, 60, p=[0.4, 0.3, 0.3]), generator.choice(3, 60)
        matrix = np.zeros((3, 3), np.int64)
        np.add.at(matrix, (labels, said), 1)
        better += held(*map(tuple, matrix.tolist())).verdict in {"better", "no better"}
    assert better <= 15
