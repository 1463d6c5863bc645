from __future__ import annotations

import keyword
import re
import sqlite3

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kamerton.catalogue.names import safe_names, words

ANY_NAMES = st.lists(st.text(), max_size=8)


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("ra", "ra"),
        ("Spirala łącząca się", "spirala_laczaca_sie"),
        ("Długość (″)", "dlugosc"),
        ("ŻÓŁĆ", "zolc"),
        ("α, δ", "alpha_delta"),
        ("Straße", "strasse"),
        ("g-r", "g_r"),
        ("  two  blanks ", "two_blanks"),
        ("4th", "c_4th"),
        ("order", "order_"),
        ("class", "class_"),
        ("星系", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_a_name_is_written_in_letters_that_need_no_quoting(given_name: str, safe: str) -> None:
    assert safe_names([given_name]) == [safe]


def test_names_that_become_one_are_numbered_and_the_first_that_has_it_keeps_it() -> None:
    assert safe_names(["g r", "g_r", "G-R", "g_r_2"]) == ["g_r", "g_r_3", "g_r_4", "g_r_2"]


def test_a_name_that_is_taken_is_numbered() -> None:
    assert safe_names(["ID", "status", "x"], taken={"id", "status", "id_2"}) == ["id_3", "status_2", "x"]


@given(ANY_NAMES, st.sets(st.sampled_from(["id", "ra", "unnamed", "unnamed_2", "a", "a_2"])))
def test_any_names_become_distinct_ones_that_sql_and_python_take_as_they_are(names: list[str], taken: set[str]) -> None:
    safe = safe_names(names, taken)
    assert len(safe) == len(names)
    assert len({*safe, *taken}) == len(safe) + len(taken)
    assert all(re.fullmatch("[a-z][a-z0-9_]{0,62}", name) for name in safe)
    assert not any(map(keyword.iskeyword, safe))
    if safe:
        with sqlite3.connect(":memory:") as database:
            database.execute(f"create table t ({', '.join(safe)})")
            assert [row[0] for row in database.execute(f"select {safe[-1]} from t").description] == [safe[-1]]


@given(ANY_NAMES)
@example(["SESSION", "SESSION"])
def test_safe_names_stay_as_they_are(names: list[str]) -> None:
    safe = safe_names(names)
    assert safe_names(safe) == safe


def test_many_columns_of_one_name_are_numbered_in_no_time() -> None:
    assert safe_names(["x"] * 5000)[-1] == "x_5000"


def test_a_long_name_is_cut() -> None:
    assert len(words("galaxy " * 40)) <= 48
