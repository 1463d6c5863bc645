"""What a command says and where: its answer on stdout, the rest on stderr."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from kamerton.cli import main
from kamerton.cli.terminal import print_json
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
    call: Call, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    def networks(*given: object) -> list[object]:
        warnings.warn("old", UserWarning, stacklevel=1)
        return []

    monkeypatch.setattr("kamerton.networks.table.network_table", networks)
    call("networks", "--json")
    assert [str(warning.message) for warning in recwarn] == ["old"]


# Errors for a program


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (["trian"], 2, {"what": "No such command 'trian'"}),
        (["train", "data"], 2, {"what": "Missing option '--network'", "next": "--help"}),
        (
            ["train", "data", "--network", "alexnt"],
            2,
            {"what": "Unknown network 'alexnt'", "allowed": "alexnet", "next": "did you mean 'alexnet'?"},
        ),
        (["data", "synth", "new", "--count", "0"], 2, {"what": "count", "received": "0", "allowed": "1 or more"}),
        (["evaluate", "nowhere", "test.fits"], 1, {"what": "nowhere"}),
        (["train", "nowhere", "--network", "lenet5"], 1, {"what": "nowhere", "received": "No such file or directory"}),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else None,
)
def test_a_program_gets_an_error_in_its_parts(
    call: Call, capsys: pytest.CaptureFixture[str], words: list[str], code: int, parts: dict[str, str]
) -> None:
    assert call(*words, "--json") == code
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert sorted(error) == ["allowed", "exit_code", "next", "received", "what"]
    assert error["exit_code"] == code
    for name, part in parts.items():
        assert part in error[name]
    assert shown.err.startswith("kamerton: "), "a log has the line, too"
    assert shown.err.count("\n") == 1


def test_without_json_an_error_is_on_stderr_only(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("trian") == 2
    assert capsys.readouterr().out == ""


def test_a_defect_is_one_line_with_its_place_and_a_code_of_its_own(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from kamerton.data.synthetic import survey

    monkeypatch.setattr(survey, "write_survey", lambda *_: {"file": 1}["path"])
    assert call("data", "synth", tmp_path / "d") == 70
    said = capsys.readouterr().err
    assert said.startswith("kamerton: A defect of Kamerton: KeyError at kamerton/data/synthetic/survey.py:")
    assert "Received: 'path'." in said
    assert said.count("\n") == 1
    assert call("data", "synth", tmp_path / "d", "-v") == 70
    assert "Traceback (most recent call last)" in capsys.readouterr().err


# Quiet and verbose


def test_the_answer_is_on_stdout_and_progress_on_stderr(
    call: Call, tmp_path: Path, toy_splits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train", toy_splits, "--network", "lenet5", "--epochs", 1, "--out")
    call(*words, tmp_path / "run")
    shown = capsys.readouterr()
    assert shown.out == f"run: {tmp_path / 'run'}\n"
    assert shown.err.startswith("epoch 1/1 loss ")
    assert "\nwriting model.keras, which takes some seconds\n" in shown.err
    call(*words, tmp_path / "quiet", "-q")
    assert capsys.readouterr() == (f"run: {tmp_path / 'quiet'}\n", "")
    call("--quiet", *words, tmp_path / "before")
    assert capsys.readouterr().err == ""
    call(*words, tmp_path / "program", "--json")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [("-v", "data", "check"), ("data", "check", "--verbose")])
def test_verbose_says_what_was_given_and_read_and_how_long_it_took(
    call: Call, toy_cube: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    call(*words, toy_cube)
    shown = capsys.readouterr()
    assert "Nothing wrong in 1 file" in shown.out
    given = re.search(r"^kamerton: given: (.*)$", shown.err, re.MULTILINE)
    assert given is not None
    assert {f"FILE {toy_cube}", "--radius 1.0", "--json no"} <= set(given[1].split(", "))
    assert f"kamerton: reading {toy_cube}" in shown.err
    assert re.search(r"^kamerton: \d+\.\d s, \d+ MB of memory at most$", shown.err, re.MULTILINE)
    call("data", "check", toy_cube)
    assert capsys.readouterr().err == "", "not in the next command"


def test_verbose_says_what_a_training_settled_as_options(
    call: Call, tmp_path: Path, toy_splits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("train", toy_splits, "--network", "lenet5", "--epochs", 1, "--out", tmp_path / "run", "-v")
    settled = re.search(r"^kamerton: settled: (.*)$", capsys.readouterr().err, re.MULTILINE)
    assert settled is not None
    assert ", recipe = modern, optimizer = adamw, schedule = cosine, epochs = 1, batch_size = 32, " in settled[1]
    assert "(" not in settled[1]


def test_quiet_and_verbose_at_once_is_refused(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("networks", "-q", "-v") == 2
    assert "cannot be quiet and verbose" in capsys.readouterr().err


# Terminals of all kinds, in processes of their own


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which $K is the command."""
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "K": f"{sys.executable} -m kamerton", **environment},
    )


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}


@pytest.mark.parametrize("words", ["--help", "data import --help", "networks", "train x --network późne"])
def test_a_terminal_that_knows_ascii_only_gets_ascii(words: str) -> None:
    done = shell(f"$K {words}", **C_LOCALE)
    assert "Error" not in done.stderr
    assert "A defect" not in done.stderr
    assert (done.stdout + done.stderr).isascii()
    assert done.returncode == (2 if "późne" in words else 0)


def test_a_class_with_other_letters_is_printed_as_an_escape_where_they_are_missing() -> None:
    program = (
        "from kamerton.cli.terminal import speaking\nwith speaking([]): print('p\\xf3\\u017ane \\u2013 \\u0142ukowate')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ, **C_LOCALE}
    )
    assert done.stdout == "p\\xf3\\u017ane - \\u0142ukowate\n"


def test_json_is_ascii_so_that_every_terminal_and_reader_takes_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"class": "późne"})
    shown = capsys.readouterr().out
    assert shown.isascii()
    assert json.loads(shown)["class"] == "późne"


@pytest.mark.parametrize("environment", [{"COLUMNS": "40"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_table_has_whole_numbers_in_any_terminal(environment: dict[str, str]) -> None:
    done = shell("$K networks", **environment)
    assert "41,546,506" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("words", ["networks", "--help", "networks --json", "data synth --help"])
def test_a_closed_pipe_ends_a_command_without_a_word(words: str) -> None:
    done = shell(f"$K {words} | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (141, "")


def test_a_closed_log_does_not_stop_a_training(toy_splits: Path, tmp_path: Path) -> None:
    line = f"($K train {toy_splits} --network lenet5 --epochs 2 --out {tmp_path}/run 2>&1 >{tmp_path}/out) | true"
    done = shell(f"{line}; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, (tmp_path / "out").read_text()) == (0, f"run: {tmp_path}/run\n")


@pytest.mark.parametrize("moment", ["from kamerton.cli.command import answer", "code = answer"])
def test_ctrl_c_is_one_line_also_while_the_command_is_imported(moment: str) -> None:
    """A line of main() is told to be interrupted."""
    program = f"""
import sys
def interrupt(frame, event, argument):
    if event == "line" and {moment!r} in lines[frame.f_lineno - 1]:
        raise KeyboardInterrupt
    return interrupt
import kamerton.cli
lines = open(kamerton.cli.__file__, encoding="utf-8").read().splitlines()
sys.settrace(lambda frame, *_: interrupt if frame.f_code.co_filename == kamerton.cli.__file__ else None)
kamerton.cli.main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "kamerton: stopped by Ctrl-C\n")
