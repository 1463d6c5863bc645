"""A command has the options, defaults and words of its settings, and its function the same ones as keywords."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import kamerton
from kamerton.checks import Settings
from kamerton.cli import main
from kamerton.cli.command import answer, app
from kamerton.cli.options import docstrings
from kamerton.config.answers import ExplainSettings, PredictSettings
from kamerton.config.judging import CalibrateSettings, CompareSettings, EvaluateSettings, ReportSettings
from kamerton.config.labels import LabelsSettings
from kamerton.config.learning import SweepSettings, TrainSettings
from kamerton.config.machine import DEVICES, BenchSettings
from kamerton.config.neighbours import NextSettings, SimilarSettings
from kamerton.config.pictures import ImportSettings
from kamerton.config.serving import ServeSettings
from kamerton.config.surveys import AuditSettings, SplitSettings, SynthSettings
from kamerton.measuring import bench

SETTINGS: dict[str, tuple[type[Settings], Callable[..., Any]]] = {
    "data synth": (SynthSettings, kamerton.synth),
    "data import": (ImportSettings, kamerton.import_cube),
    "data split": (SplitSettings, kamerton.split_cube),
    "data check": (AuditSettings, kamerton.check),
    "train": (TrainSettings, kamerton.train),
    "sweep": (SweepSettings, kamerton.sweep),
    "evaluate": (EvaluateSettings, kamerton.evaluate),
    "compare": (CompareSettings, kamerton.compare),
    "report": (ReportSettings, kamerton.report),
    "calibrate": (CalibrateSettings, kamerton.calibrate),
    "predict": (PredictSettings, kamerton.predict),
    "explain": (ExplainSettings, kamerton.explain),
    "labels": (LabelsSettings, kamerton.labels),
    "similar": (SimilarSettings, kamerton.similar),
    "next": (NextSettings, kamerton.next_galaxies),
    "serve": (ServeSettings, kamerton.serve),
    "bench": (BenchSettings, bench),
}


def options(command: str) -> dict[str, Any]:
    """The options of a command, by the name under which it receives them."""
    found = typer.main.get_command(app)
    for word in command.split():
        found = found.commands[word]  # type: ignore[attr-defined]
    return {option.name: option for option in found.params}


@pytest.mark.parametrize("command", SETTINGS)
def test_a_setting_is_a_keyword_of_the_function_with_the_same_default(command: str) -> None:
    settings, function = SETTINGS[command]
    keywords = inspect.signature(function).parameters
    goes_on = any(keyword.kind is inspect.Parameter.VAR_KEYWORD for keyword in keywords.values())
    for field in dataclasses.fields(settings):
        if goes_on and field.name not in keywords:
            continue
        default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
        assert keywords[field.name].default == default, field.name


@pytest.mark.parametrize("command", SETTINGS)
def test_a_setting_is_an_option_of_the_command_with_its_docstring_as_help(command: str) -> None:
    settings, _ = SETTINGS[command]
    texts: dict[str, str] = {}
    for kind in reversed(settings.__mro__[:-1]):
        texts |= docstrings(kind)
    found = options(command)
    for field in dataclasses.fields(settings):
        assert found[field.name].help.startswith(inspect.cleandoc(texts[field.name]))
        assert found[field.name].required == (field.default is dataclasses.MISSING)


@pytest.mark.parametrize("command", SETTINGS)
def test_no_option_is_cut_in_a_narrow_terminal(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer([*command.split(), "--help"])
    shown = capsys.readouterr().out
    assert "…" not in shown
    typed = [word for option in options(command).values() for word in option.opts if word.startswith("-")]
    assert "--json" in typed or command == "serve"
    assert [word for word in typed if not re.search(rf"{word}[ \n,]", shown)] == []


@pytest.mark.parametrize("words", [[], ["data"], ["catalogue"]], ids=["all", "data", "catalogue"])
def test_no_sentence_on_a_command_is_cut_in_a_narrow_terminal(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer([*words, "--help"])
    listed = capsys.readouterr().out.partition("Commands:")[2]
    assert listed
    assert "..." not in listed
    assert "…" not in listed


def received(monkeypatch: pytest.MonkeyPatch, function: str, *words: str) -> dict[str, Any]:
    """What a command line hands to its function."""
    given: dict[str, Any] = {}

    def note(*_: object, **keywords: Any) -> None:
        given.update(keywords)
        raise KeyboardInterrupt

    monkeypatch.setattr(function, note)
    monkeypatch.setattr(sys, "argv", ["kamerton", *words])
    with pytest.raises(SystemExit):
        main()
    return given


SWEEP = ("kamerton.sweeping.sweep", "sweep", "data", "--out", "runs", "--networks")
SPLIT = ("kamerton.data.splitting.split_cube", "data", "split", "all.fits", "data")
TRAIN = ("kamerton.training.train.train", "train", "data", "--network", "lenet5")


def test_without_options_the_function_receives_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    given = received(monkeypatch, *TRAIN)
    defaults = dataclasses.asdict(TrainSettings())
    assert {name: given[name] for name in defaults} == defaults


@pytest.mark.parametrize(("words", "seeds"), [((), [0, 1, 2]), (("--seeds", "4, 5"), [4, 5])])
def test_a_list_is_one_word_with_commas(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], seeds: list[int]
) -> None:
    given = received(monkeypatch, *SWEEP, "lenet5,alexnet", *words)
    assert (given["networks"], given["seeds"]) == (["lenet5", "alexnet"], seeds)


def test_zero_switches_off_what_is_on_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert received(monkeypatch, *SPLIT, "--group-radius", "0")["group_radius_arcsec"] is None
    assert received(monkeypatch, *SPLIT, "--group-radius", "5")["group_radius_arcsec"] == 5
    assert received(monkeypatch, *TRAIN, "--checkpoint-minutes", "0")["checkpoint_minutes"] is None


def test_a_switch_that_is_neither_on_nor_off_by_default_can_be_either(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [received(monkeypatch, *TRAIN, *words)["deterministic"] for words in ([], ["--deterministic"])]
    assert [*given, received(monkeypatch, *TRAIN, "--no-deterministic")["deterministic"]] == [None, True, False]


def test_a_word_that_is_no_choice_is_answered_with_the_choices(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["kamerton", "train", str(tmp_path), "--network", "lenet5", "--device", "gpu"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert all(word in said for word in ("--device", "gpu", *DEVICES))


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["next", "none.parquet", "--count", "0"], "--count"),
        (["data", "split", "none.fits", "out", "--group-radius", "-1"], "--group-radius"),
        (["train", "none", "--network", "lenet5", "--batch-size", "0"], "--batch-size"),
        (["sweep", "none", "--networks", "lenet5", "--out", "o", "--seeds", "a"], "--seeds"),
    ],
)
def test_a_bad_value_is_named_by_its_option(words: list[str], option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(words) == 2
    assert capsys.readouterr().err.startswith(f"kamerton: Bad value for {option}. ")
