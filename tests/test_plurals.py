from __future__ import annotations

import pytest

from kamerton.plurals import counted


@pytest.mark.parametrize(
    ("number", "noun", "expected"),
    [
        (1, "galaxy", "1 galaxy"),
        (0, "galaxy", "0 galaxies"),
        (2, "class", "2 classes"),
        (11, "shard", "11 shards"),
        (2, "more difference", "2 more differences"),
    ],
)
def test_one_is_one_and_others_are_many(number: int, noun: str, expected: str) -> None:
    assert counted(number, noun) == expected
