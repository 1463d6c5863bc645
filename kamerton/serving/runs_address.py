"""What an address of the part that shows runs asks for: a test, a class, a page."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request

from kamerton.serving.run_states import RunState, Tested, short_key


def asked_test(request: Request, tests: Sequence[Tested]) -> Tested | None:
    """Find the results that an address asks for by their short name, or the first."""
    key = request.query_params.get("test")
    if key is None:
        return next(iter(tests), None)
    for tested in tests:
        if tested.key == key:
            return tested
    raise HTTPException(404)


def shared_tests(states: Sequence[RunState]) -> list[str]:
    """List the tests that all runs share which can be compared, in the order of the first of them."""
    lists = [[tested.name for tested in state.tests] for state in states if state.is_comparable]
    return [name for name in lists[0] if all(name in names for names in lists)] if lists else []


def asked_name(request: Request, tests: Sequence[str]) -> str | None:
    """Give the name of the test that is asked for, or the first; None where the runs share none."""
    key = request.query_params.get("test")
    if key is None:
        return next(iter(tests), None)
    for name in tests:
        if short_key(name) == key:
            return name
    raise HTTPException(404)


def asked_class(request: Request, which: str, classes: int) -> int | None:
    """Read the number of a class from the address; HTTPException 404 for anything else."""
    text = request.query_params.get(which)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 6 or int(text) >= classes:
        raise HTTPException(404)
    return int(text)


def page_number(request: Request) -> int:
    """Read which page of a list is asked for, counted from 0; anything else is the first."""
    text = request.query_params.get("page", "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0
