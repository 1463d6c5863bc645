"""Filters of warnings that several threads need at once."""

from __future__ import annotations

import threading
import warnings

import pytest

from kamerton.quiet import Filter, Quiet

quiet = Quiet(Filter("ignore", UserWarning), Filter("error", UserWarning, "(?s).*damaged"))


def say(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=1)


def test_what_is_passed_over_is_so_inside_alone() -> None:
    with quiet:
        say("a strange card")
    with pytest.warns(UserWarning, match="a strange card"):
        say("a strange card")


def test_the_last_filter_counts_first() -> None:
    with quiet, pytest.raises(UserWarning, match="damaged"):
        say("a file is damaged")


def test_filters_stay_until_the_last_thread_leaves() -> None:
    before = list(warnings.filters)
    entered, leave = threading.Barrier(2), threading.Event()

    def read() -> None:
        with quiet:
            entered.wait(10)
            leave.wait(10)

    reader = threading.Thread(target=read)
    with quiet:
        reader.start()
        entered.wait(10)
    # The first to come has gone, and the other still reads.
    assert list(warnings.filters) != before
    leave.set()
    reader.join()
    assert list(warnings.filters) == before


def test_who_comes_in_is_quiet_though_another_put_back_the_filters_of_before() -> None:
    with warnings.catch_warnings():
        quiet.__enter__()
    try:
        with quiet:
            say("a strange card")
    finally:
        quiet.__exit__(None, None, None)


def test_a_filter_of_the_user_s_own_stays() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        before = list(warnings.filters)
        with quiet:
            say("a strange card")
        assert list(warnings.filters) == before


def test_another_context_with_equal_filters_takes_nothing_away() -> None:
    with quiet:
        with Quiet(Filter("ignore", UserWarning)):
            say("a strange card")
        say("a strange card")


def test_filters_that_others_set_inside_stay() -> None:
    with warnings.catch_warnings():
        with quiet:
            warnings.simplefilter("always", ResourceWarning)
            mine = warnings.filters[0]
        assert warnings.filters[0] == mine
