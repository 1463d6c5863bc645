"""Every word of the page exists in every language, with the same places to fill."""

from __future__ import annotations

from string import Formatter

import pytest

from kamerton.config.serving import LANGUAGES
from kamerton.serving.app import PARTS
from kamerton.serving.words import PARTS as WORDS_OF_PARTS


@pytest.mark.parametrize("part", WORDS_OF_PARTS)
def test_the_languages_say_the_same(part: str) -> None:
    words = WORDS_OF_PARTS[part]
    assert tuple(words) == LANGUAGES
    assert list(words["en"]) == list(words["pl"])
    for key, text in words["en"].items():
        assert _places(text) == _places(words["pl"][key]), key


def _places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


def test_every_part_has_what_the_navigation_says() -> None:
    assert {part.name for part in PARTS} <= set(WORDS_OF_PARTS)
    assert all({"nav", "about"} <= set(WORDS_OF_PARTS[part.name]["en"]) for part in PARTS)
