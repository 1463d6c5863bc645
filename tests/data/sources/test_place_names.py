"""Paths as text, and back."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from kamerton.data.sources.place_names import name_of, place_of


@given(st.binary().filter(lambda name: b"\0" not in name))
def test_any_name_is_given_back(raw: bytes) -> None:
    name = os.fsdecode(raw)
    place = place_of(name)
    assert name_of(place) == name
    # Which any table holds.
    assert place.encode("utf-8").decode("utf-8") == place


@given(st.text(st.characters(codec="utf-8", exclude_characters="\\")))
def test_an_ordinary_name_is_itself(name: str) -> None:
    assert place_of(name) == name
