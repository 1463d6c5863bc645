"""Which galaxies are explained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kamerton.errors import UnknownNameError, UsageError
from kamerton.explaining.choosing import MOST_GALAXIES, UNKNOWN, choose_galleries, class_number, wanted_rows

PROBABILITIES = np.array(
    [[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.7, 0.3, 0.0], [0.8, 0.2, 0.0], [0.2, 0.7, 0.1], [np.nan] * 3], np.float32
)


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ("0", (0,)),
        ("0,5,10-12", (0, 5, 10, 11, 12)),
        (" 3 , 1-1", (3, 1)),
        ("2,2,1-2", (2, 1)),
        ([4, 1], (4, 1)),
        (3, (3,)),
        (np.int64(3), (3,)),
    ],
)
def test_rows_are_read_as_they_are_typed(given: Any, rows: tuple[int, ...]) -> None:
    assert wanted_rows(given) == rows


@pytest.mark.parametrize("given", ["", "a", "1-", "-3", "5-2", "1.5", 1.5, True, [True], [-1], ["1"], "9" * 30])
def test_other_rows_are_refused_in_one_line(given: Any) -> None:
    with pytest.raises(UsageError, match="0,5,10-20"):
        wanted_rows(given)


@pytest.mark.parametrize("given", ["0-99999999999", f"0-{MOST_GALAXIES}", [], range(MOST_GALAXIES + 1)])
def test_too_many_rows_or_none_are_refused(given: Any) -> None:
    with pytest.raises(UsageError, match=f"1 to {MOST_GALAXIES}"):
        wanted_rows(given)


def test_an_unknown_class_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"'spyral'. .*spiral, edge-on.*did you mean 'spiral'"):
        class_number("spyral", ("spiral", "edge-on"))


def test_a_gallery_shows_the_surest_the_least_sure_and_the_wrong_each_once() -> None:
    labels = np.array([0, 0, 1, UNKNOWN, 1, 0])
    first, second = choose_galleries(PROBABILITIES, labels, 2)
    assert (first.surest, first.least_sure, first.wrong) == ((0, 3), (1,), (2,))
    assert (second.surest, second.least_sure, second.wrong) == ((4,), (), ())


def test_of_one_class_the_likeliest_are_shown_even_where_another_is_likelier() -> None:
    (only,) = choose_galleries(PROBABILITIES, np.full(6, UNKNOWN), 2, only=2)
    assert only.surest == (4, 0)
    assert 5 not in only.galaxies
