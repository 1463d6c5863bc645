"""Which galaxies are shortlisted, and how they are spread."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamerton.neighbours.asking import Shortlist, margins, spread


def test_the_margin_is_how_far_the_first_is_from_the_second() -> None:
    found = margins(np.array([[0.2, 0.7, 0.1], [0.4, 0.2, 0.4], [np.nan, np.nan, np.nan]]))
    np.testing.assert_allclose(found, [0.5, 0, np.nan])


@pytest.mark.hypothesis
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 12), st.integers(1, 20), st.integers(0, 9))
def test_a_shortlist_is_the_head_of_all_however_they_come(numbers: list[int], most: int, step: int, seed: int) -> None:
    keys = np.array(numbers, np.float64)
    may_be = np.random.default_rng(seed).random(len(keys)) < 0.7
    found = Shortlist.of(most)
    for start in range(0, len(keys), step):
        found.add(start, keys[start : start + step], may_be[start : start + step])
    expected = [row for row in np.argsort(keys, kind="stable").tolist() if may_be[row]][:most]
    assert found.rows.tolist() == expected


def directions_of(*angles_deg: float) -> np.ndarray:
    angles = np.radians(angles_deg)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def test_of_each_kind_the_most_typical_is_taken() -> None:
    assert spread(directions_of(0, 2, 4, 90, 92, 95, 180, 181, 183), 3).tolist() == [1, 4, 7]


def test_ten_of_one_kind_are_not_asked_for_where_there_are_others() -> None:
    points = directions_of(*np.linspace(0, 5, 50), 100, 200, 300)
    assert {50, 51, 52} <= set(spread(points, 4).tolist())


def test_each_is_chosen_once_and_those_without_a_direction_last() -> None:
    points = directions_of(0, 0, 0, 10)
    points[1] = np.nan
    assert spread(points, 9).tolist() == [0, 2, 3, 1]
    assert spread(np.full((3, 2), np.nan, np.float32), 2).tolist() == [0, 1]


def test_of_equal_galaxies_there_are_as_many_as_were_asked_for() -> None:
    found = spread(directions_of(*[0] * 20, 90), 5).tolist()
    assert len(set(found)) == 5
    assert 20 in found
