"""What was found, in words."""

from __future__ import annotations

import dataclasses
import re
from string import Formatter

import pytest

from kamerton.evaluation.statistics import Interval
from kamerton.labelling.groups import Group
from kamerton.labelling.telling import LANGUAGES, find_language, group_name, percent


def test_both_languages_say_the_same_things_with_the_same_numbers() -> None:
    english, polish = (find_language(lang) for lang in ("en", "pl"))
    assert list(english) == list(polish)
    for key, text in english.items():
        names = [{name for _, name, _, _ in Formatter().parse(one) if name} for one in (text, polish[key])]
        assert names[0] == names[1], key


def test_no_language_has_words_of_another() -> None:
    assert not re.search("[ąćęłńóśźż]", "".join(find_language("en").values()))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_only_numbers_get_the_language_s_decimal_sign(lang: str) -> None:
    words = find_language(lang)
    interval = Interval(0.5, 0.4, 0.6)
    named = Group("class", "class", "Sa – Sb, v1.5", None, 10, interval, 1, 0.5)
    binned = Group("column", "seeing", "", (1.25, 1.5), 10, interval, 1, 0.5)
    assert group_name(named, words).endswith("Sa – Sb, v1.5")
    last = dataclasses.replace(binned, has_upper_end=True)
    below = {"en": "seeing 1.25 to below 1.5", "pl": "seeing od 1,25 do poniżej 1,5"}[lang]
    assert group_name(binned, words).endswith(below)
    assert group_name(last, words).endswith({"en": "seeing 1.25 to 1.5", "pl": "seeing od 1,25 do 1,5"}[lang])
    assert percent(0.1234, words) == {"en": "12.3%", "pl": "12,3%"}[lang]
