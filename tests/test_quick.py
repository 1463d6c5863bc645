"""The list of slow tests is true, and the quick ones miss no room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.quick import slow_tests

TESTS = Path(__file__).parent
ROOMS = sorted({path.parent for path in TESTS.rglob("test_*.py")})


def functions(folder: Path) -> set[str]:
    """The test functions in the files of a folder, as pytest names them."""
    return {
        f"{path.relative_to(TESTS.parent)}::{name}"
        for path in folder.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def test_every_slow_test_exists() -> None:
    known = set().union(*(functions(room) for room in ROOMS))
    assert slow_tests() - known == set(), "take these lines out of tests/slow.txt, or name the tests anew"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_room_has_quick_tests(room: Path) -> None:
    assert functions(room) - slow_tests()
