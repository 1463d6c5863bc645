"""Every word of the page exists in every language, with the same places to fill."""

from __future__ import annotations

import inspect
import re
from string import Formatter

import pytest

from kamerton.catalogue import requests
from kamerton.config.serving import LANGUAGES
from kamerton.data import lists
from kamerton.data.sources import pictures
from kamerton.labelling import journal
from kamerton.neighbours import learned, next_galaxies
from kamerton.serving import browse
from kamerton.serving.app import PARTS
from kamerton.serving.words import PARTS as WORDS_OF_PARTS
from kamerton.serving.words.warned import KNOWN, warned


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


@pytest.mark.parametrize("pattern", KNOWN["pl"])
def test_a_warning_that_is_known_is_said_somewhere(pattern: str) -> None:
    modules = (next_galaxies, learned, lists, journal, requests, pictures, browse)
    said = re.sub(r'"\s+f?"', "", "".join(map(inspect.getsource, modules)))
    fragments = re.split(r"\(\?P<\w+>[^)]*\)|galax\(y\|ies\)", pattern.partition(r"\. Received")[0])
    assert [one for one in fragments if one.strip() and one.removeprefix(": ") not in said] == []
    assert set(re.findall(r"P<(\w+)>", pattern)) == _places(KNOWN["pl"][pattern])


def test_a_warning_is_in_the_language_of_the_page_or_as_it_is() -> None:
    line = "runs/a. b: its last line was cut, and is taken away. Received: 'x'. Next: decide again."
    assert warned(line, "en") == (line, "en")
    text, lang = warned(line, "pl")
    assert (text[:30], lang) == ("runs/a. b: ostatnia linia była", "pl")
    assert warned("anything else.", "pl") == ("anything else.", "en")
