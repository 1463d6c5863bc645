"""``kamerton labels`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kamerton.cli.command import answer
from tests.conftest import write_toy_splits


def typed(*words: object) -> int:
    return answer(["labels", *map(str, words)])


def one_line(shown: pytest.CaptureFixture[str]) -> str:
    said = shown.readouterr().err
    assert said.startswith("kamerton: ")
    assert said.count("\n") == 1
    return said


def test_a_folder_is_searched_its_test_set_stays_sealed_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cleanlab")
    data, out = write_toy_splits(tmp_path / "data"), tmp_path / "out"
    quick = ("--network", "lenet5", "--recipe", "notebook", "--epochs", 1, "--folds", 2)
    assert typed(data, "--out", out, *quick) == 0
    captured = capsys.readouterr()
    assert f"{data / 'test.fits'} stays sealed" in captured.out
    assert f"{data / 'test.fits'} stays sealed" in captured.err
    assert "of 90 labels (" in captured.out
    assert f"look at: {out / 'labels.html'}" in captured.out
    assert typed(data, "--out", out, "--resume", "--json", *quick) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sealed"] == str(data / "test.fits")
    assert [part["galaxies"] for part in found["data"]] == [70, 20]
    assert not any("test" in name for name in (out / "folds.json").read_text().split())


def test_decisions_make_a_corrected_cube(toy_cube: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "decisions.csv").write_text("id,label,who\ntoy-0-0,dim,Ola\ntoy-0-1,dim,Ola\n")
    assert typed(toy_cube, "--apply", tmp_path / "decisions.csv", "--out", tmp_path / "new.fits") == 0
    shown = capsys.readouterr().out
    assert "2 decisions: 1 label changed, 1 kept as given" in shown
    assert "from bright to dim: 1" in shown
    assert typed(toy_cube, "--apply", tmp_path / "decisions.csv", "--out", tmp_path / "two.fits", "--json") == 0
    assert json.loads(capsys.readouterr().out)["changed"] == [{"from": "bright", "to": "dim", "labels": 1}]


def test_decisions_that_do_not_fit_are_one_line_and_exit_1(
    toy_cube: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "decisions.csv").write_text("id,label\nnobody,dim\n")
    assert typed(toy_cube, "--apply", tmp_path / "decisions.csv", "--out", tmp_path / "new.fits") == 1
    assert "row 0, counted from 0: no galaxy has this id" in one_line(capsys)
    assert not (tmp_path / "new.fits").exists()


@pytest.mark.parametrize(
    "words", [(), ("--network", "lenet5", "--apply", "a.csv"), ("--apply", "a.csv", "--resume"), ("--network", "lenet")]
)
def test_a_request_that_cannot_be_meant_is_one_line_and_exit_2(
    words: tuple[str, ...], toy_cube: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(toy_cube, "--out", tmp_path / "out", *words) == 2
    one_line(capsys)
    assert not (tmp_path / "out").exists()


def test_weights_that_may_know_the_labels_are_refused(
    toy_cube: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--network", "lenet5", "--start", tmp_path / "run", "--out", tmp_path / "out")
    assert typed(toy_cube, *words) == 2
    assert "must not have learned from them" in one_line(capsys)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_nothing_but_a_test_set_is_not_unsealed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_toy_splits(tmp_path / "data")
    for name in ("train", "valid"):
        (data / f"{name}.fits").unlink()
    assert typed(data, "--network", "lenet5", "--out", tmp_path / "out") == 2
    assert f"give {data / 'test.fits'} itself" in one_line(capsys)


@pytest.mark.parametrize("how", [("--network", "lenet5"), ("--apply", "decisions.csv")])
def test_a_list_in_the_place_of_a_cube_is_told_how_to_become_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], how: tuple[str, str]
) -> None:
    (tmp_path / "my list.csv").write_text("path,label\na.png,x\n", encoding="utf-8")
    assert typed(tmp_path / "my list.csv", "--out", tmp_path / "out", *how) == 2
    assert f"kamerton data import '{tmp_path / 'my list.csv'}' galaxies.fits" in one_line(capsys)
