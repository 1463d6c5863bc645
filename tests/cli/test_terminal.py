"""What a command says and where: its answer on stdout, the rest on stderr."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from kamerton.cli import main
from kamerton.errors import warn

Call = Callable[..., int]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command line in this process and give its exit code."""

    def run(*words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["kamerton", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    return run


@pytest.fixture
def doubtful_synth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A survey that is made with two doubts, one of them twice."""
    from kamerton.data.synthetic import survey

    def synth(*given: object, **settings: object) -> object:
        for _ in range(2):
            warn("Few galaxies", received=settings["count"], next_step="ask for more")
        warn("Small ones")
        return made(*given, **settings)  # type: ignore[arg-type]

    made = survey.synth
    monkeypatch.setattr(survey, "synth", synth)


LINES = ["Few galaxies. Received: 40. Next: ask for more.", "Small ones."]
SHOWN = pytest.mark.filterwarnings("always::kamerton.errors.KamertonWarning")
SYNTH = ("--count", 40, "--size", 16)


@SHOWN
@pytest.mark.usefixtures("doubtful_synth")
def test_a_warning_is_one_line_on_stderr_and_said_once(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("data", "synth", tmp_path / "d", *SYNTH) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [f"kamerton: warning: {line}" for line in LINES]
    assert "Few galaxies" not in shown.out


@SHOWN
@pytest.mark.usefixtures("doubtful_synth")
def test_a_program_gets_the_warnings_with_the_answer(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("d", "e"):
        assert call("data", "synth", tmp_path / folder, *SYNTH, "--json") == 0
        assert json.loads(capsys.readouterr().out)["warnings"] == LINES, "none of another command"


def test_without_a_warning_the_list_is_empty(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call("data", "synth", tmp_path / "d", *SYNTH, "--json")
    assert json.loads(capsys.readouterr().out)["warnings"] == []


def test_warnings_of_libraries_are_not_touched(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def synth(*given: object, **settings: object) -> None:
        warnings.warn("old", UserWarning, stacklevel=1)

    monkeypatch.setattr("kamerton.data.synthetic.survey.synth", synth)
    with pytest.raises(UserWarning, match="old"):
        call("data", "synth", tmp_path / "d", *SYNTH)
