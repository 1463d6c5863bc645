"""Errors are one line with all their parts, and the tree in the docstring is the real one."""

import inspect
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kamerton import errors
from kamerton.errors import (
    BadValueError,
    DataError,
    KamertonError,
    KamertonWarning,
    TrainingStoppedError,
    UnknownNameError,
    UsageError,
    WorkerLostError,
    heard,
    take_heard,
    warn,
    warn_again,
)

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, KamertonError)]
NEITHER = {KamertonError, TrainingStoppedError, WorkerLostError}
"""What is neither the request's fault nor the data's."""


def test_all_parts_stand_in_one_line() -> None:
    error = DataError("It broke", received="a\nb", allowed="c", next_step="mend it")
    assert str(error) == "It broke. Received: a b. Allowed: c. Next: mend it."


def test_a_message_is_printable_whatever_a_file_put_into_it() -> None:
    error = DataError("Bad name", received="\x1b[2J\u202etxt\udc80")
    assert str(error) == r"Bad name. Received: \x1b[2J\u202etxt\udc80."


def test_of_a_long_part_only_the_beginning_is_shown() -> None:
    assert len(str(DataError("It broke", received="x" * 1_000_000, allowed="y"))) < 2100


def test_of_many_values_the_first_are_shown_and_all_counted() -> None:
    names = ", ".join(f"class {number}" for number in range(100_000))
    said = str(DataError("It broke", received=names, allowed=names, next_step="mend it"))
    assert len(said) < 1300
    assert said.count("class 1, class 2, ") == said.count(", ... (100,000 in all).") == 2
    assert said.endswith("Next: mend it.")


def test_a_warning_has_the_parts_of_an_error_and_is_said_each_time() -> None:
    with pytest.warns(KamertonWarning) as said:  # noqa: PT031
        for _ in range(2):
            warn("Two classes look alike", received="'Sa', 'SA'", next_step="rename one\x1b")
    words = r"Two classes look alike. Received: 'Sa', 'SA'. Next: rename one\x1b."
    assert [str(warning.message) for warning in said] == [words] * 2


def test_parts_that_are_not_given_are_left_out() -> None:
    assert str(UsageError("It broke.")) == "It broke."


def test_an_unknown_name_is_answered_with_the_known_and_the_closest() -> None:
    error = UnknownNameError("network", "alexnt", ["lenet5", "alexnet"])
    assert str(error) == "Unknown network 'alexnt'. Allowed: lenet5, alexnet. Next: did you mean 'alexnet'?"


def test_a_name_like_no_other_gets_no_guess() -> None:
    assert "did you mean" not in str(UnknownNameError("network", "zzz", ["lenet5", "alexnet"]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_docstring_draws_every_kind(kind: type[KamertonError]) -> None:
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NEITHER])
def test_wrong_usage_exits_with_2_and_bad_data_with_1(kind: type[KamertonError]) -> None:
    assert issubclass(kind, ValueError)
    assert kind.exit_code == (2 if issubclass(kind, UsageError) else 1)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_training_exits_as_shells_count_signals(number: signal.Signals, code: int) -> None:
    assert TrainingStoppedError(number, "epoch 1", Path("run")).exit_code == code


@pytest.mark.parametrize("door", ["def door(): deep()", "door = contextmanager(lambda: (yield deep()))().__enter__"])
def test_a_warning_points_at_the_callers_line_outside_of_the_package(door: str) -> None:
    # In a process of its own, where no function is wrapped.
    program = f"""
from contextlib import contextmanager; from kamerton.errors import warn
inside = {{"__name__": "kamerton.inner", "warn": warn, "contextmanager": contextmanager}}
exec("def deep(): warn('Read so')\\n{door}", inside); inside["door"]()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[0] == "<string>:4: KamertonWarning: Read so."


@pytest.mark.parametrize(
    "error",
    [
        TrainingStoppedError(signal.SIGTERM, "in epoch 1 of 2", Path("run"), next_step="begin again"),
        UnknownNameError("network", "alexnt", ["alexnet"]),
        BadValueError("count", 0, "1 to 500"),
        DataError("wrong", received=[1], next_step="mend it"),
    ],
)
def test_an_error_comes_back_whole_from_another_process(error: KamertonError) -> None:
    # As multiprocessing and Ray send it.
    again = pickle.loads(pickle.dumps(error))  # our own bytes
    assert type(again) is type(error)
    assert (str(again), vars(again), again.exit_code) == (str(error), vars(error), error.exit_code)


def test_lines_that_are_heard_are_kept_once_and_not_shown() -> None:
    with heard() as lines:
        warn("One")
        warn("One")
        with heard() as inner:
            warn("Two")
        assert (take_heard(), lines, inner) == (["One."], [], ["Two."])
        warn_again(inner[0])
    assert lines == ["Two."]
    with pytest.warns(KamertonWarning, match="Three"):
        warn("Three")
    assert take_heard() == []
