"""The languages of the report: the same words in each, and numbers as each writes them."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from kamerton.evaluation.comparison import DOUBTS
from kamerton.reporting import english, polish
from kamerton.reporting.languages import LANGUAGES, Speaker
from kamerton.runs.record import WeightsChosenBy
from tests.reporting.pages import Parts


def test_polish_has_a_word_for_every_english_one_with_the_same_gaps() -> None:
    assert set(polish.WORDS) == set(english.WORDS)
    for name, word in english.WORDS.items():
        assert set(re.findall(r"{\w+}", polish.WORDS[name])) == set(re.findall(r"{\w+}", word))


def test_polish_numbers_have_a_comma_and_polish_words_their_letters(pages: dict[str, str]) -> None:
    text = Parts(pages["pl"]).text
    assert re.search(r"\b0,\d{3}\b", text)
    assert not re.search(r"\b0\.\d{3}\b", text)
    assert set("ąćęłńóśż") <= set(text.lower())


def test_polish_knows_what_tells_trainings_apart() -> None:
    assert polish.TRAITS.keys() == english.TRAITS.keys()
    assert polish.GUESS_WORDS.keys() == english.GUESS_WORDS.keys()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_negative_number_has_a_true_minus(lang: str) -> None:
    assert Speaker(LANGUAGES[lang]).number(-0.5, "+.1f") in {"−0.5", "−0,5"}


def test_both_languages_know_the_same_doubts() -> None:
    assert set(english.DOUBTS) == set(polish.DOUBTS) == set(DOUBTS)


def test_both_languages_say_what_chose_the_weights_in_every_case() -> None:
    assert set(english.CHOSEN) == set(polish.CHOSEN) == set(get_args(WeightsChosenBy))
