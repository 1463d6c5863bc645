"""A galaxy is found by its name, or names that come near are told."""

from __future__ import annotations

import pyarrow as pa
import pytest

from kamerton.errors import DataError
from kamerton.neighbours.galaxy import near_names, row_named, unknown_name

NAMES = [["a/spiral_001.png", "a/spiral_002.png"], ["b/łuk_001.png"], ["J123456.78+001234.5", "587722981741232279"]]
IDS = [pa.chunked_array([piece]) for piece in NAMES]


def test_a_name_is_a_row_however_the_ids_come() -> None:
    rows = [row_named("x", name, IDS) for piece in NAMES for name in piece]
    assert rows == [0, 1, 2, 3, 4]
    assert row_named("x", "spiral_001.png", IDS) is None


def test_a_name_that_two_galaxies_have_is_said() -> None:
    with pytest.raises(DataError, match=r"x: 2 galaxies have the id 'b'. Received: rows 1, 2, counted from 0"):
        row_named("x", "b", [pa.chunked_array([["a", "b"]]), pa.chunked_array([["b", None]])])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("spiral_002.png", "a/spiral_002.png"),
        ("a/spiral_02.png", "a/spiral_002.png"),
        ("A/SPIRAL_001.PNG", "a/spiral_001.png"),
        ("ŁUK_001", "b/łuk_001.png"),
        ("J123456.78+001234.6", "J123456.78+001234.5"),
        (" 587722981741232279", "587722981741232279"),
    ],
)
def test_names_that_come_near_are_told(name: str, expected: str) -> None:
    assert near_names(name, (one for piece in NAMES for one in piece))[0] == expected


def test_where_none_comes_near_that_is_said() -> None:
    assert near_names("zzz", (one for piece in NAMES for one in piece)) == []
    assert "look it up in its column id" in str(unknown_name("x", "zzz", IDS))
