"""What the page says of a galaxy, in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from kamerton.catalogue.columns import DOUBTFUL
from kamerton.certainty.judging import FAR, UNCLEAR
from kamerton.serving.answering import Answer, Galaxy
from kamerton.serving.sentences import beware, described, listed, unlike
from kamerton.serving.words import WORDS

NAMES = ("round", "spiral", "edge-on")


def galaxy(in_set: tuple[bool, ...] | None, flags: int = 0) -> Galaxy:
    image_hwc = np.zeros((8, 8, 3), np.uint8)
    return Galaxy("a", image_hwc, None, (0.2, 0.7, 0.1), in_set, flags, 0.5, None, None)


def said(in_set: tuple[bool, ...] | None, lang: str) -> str:
    answer = cast(Answer, cast(Any, SimpleNamespace(class_names=NAMES, coverage=0.9)))
    return " ".join(described(answer, galaxy(in_set), WORDS[lang]))


@pytest.mark.parametrize(
    ("in_set", "english", "polish"),
    [
        (None, "not calibrated", "nie jest skalibrowana"),
        ((False, True, False), "Likely class: only spiral.", "Prawdopodobna klasa: tylko spiral."),
        ((True, True, False), "Likely classes: round or spiral.", "Prawdopodobne klasy: round lub spiral."),
        ((False, False, False), "No class fits", "Żadna klasa nie pasuje"),
        ((True, True, True), "Any class is possible", "Możliwa jest każda klasa"),
    ],
)
def test_the_set_is_said_in_words(in_set: tuple[bool, ...] | None, english: str, polish: str) -> None:
    assert english in said(in_set, "en")
    assert polish in said(in_set, "pl")


def test_percent_has_the_sign_of_the_language() -> None:
    assert "70.0%" in said(None, "en")
    assert "70,0%" in said(None, "pl")


@pytest.mark.parametrize(("flags", "count"), [(0, 0), (FAR, 1), (FAR | UNCLEAR | DOUBTFUL, 3)])
def test_each_flag_is_a_sentence(flags: int, count: int) -> None:
    words = WORDS["en"].classify
    assert len(beware(galaxy(None, flags), words)) == len(beware(galaxy(None, flags), words, short=True)) == count


@pytest.mark.parametrize(
    ("lang", "usual", "unusual"), [("en", "Ordinary", "Unusual"), ("pl", "Zwyczajna", "Niezwykła")]
)
def test_whether_a_galaxy_is_ordinary_is_said_first(lang: str, usual: str, unusual: str) -> None:
    assert unlike(galaxy(None), WORDS[lang]).startswith(usual)
    assert unlike(galaxy(None, FAR), WORDS[lang]).startswith(unusual)


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")]
)
def test_names_are_listed_as_in_a_sentence(names: list[str], text: str) -> None:
    assert listed(names, WORDS["en"].classify) == text
