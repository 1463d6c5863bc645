"""The list of slow tests is true, and the quick ones miss no room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.quick import FIXTURE, slow_names

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
    gone = {name for name in slow_names() if not name.startswith(FIXTURE)} - known
    assert gone == set(), "take these lines out of tests/slow.txt, or name the tests anew"


def test_every_slow_fixture_exists() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py"))
    known = {FIXTURE + name for name in re.findall(r"@pytest\.fixture.*\ndef (\w+)", text)}
    assert {name for name in slow_names() if name.startswith(FIXTURE)} - known == set()


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_room_has_quick_tests(room: Path) -> None:
    assert functions(room) - slow_names()
