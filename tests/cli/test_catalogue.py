"""``kamerton predict`` and ``catalogue`` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kamerton.cli.command import answer
from kamerton.runs.folder import Run
from tests.conftest import CLASS_NAMES, write_toy_cube


def test_a_few_galaxies_are_a_table(toy_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cube = write_toy_cube(tmp_path / "new.fits", 3, seed=7)
    assert answer(["predict", str(toy_run.path), str(cube)]) == 0
    shown = capsys.readouterr().out
    assert all(f"toy-7-{row}" in shown for row in range(3))
    assert "3 galaxies: " in shown


def test_a_program_gets_the_rows(toy_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cube = write_toy_cube(tmp_path / "new.fits", 3, seed=7)
    assert answer(["predict", str(toy_run.path), str(cube), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in found["rows"]] == ["toy-7-0", "toy-7-1", "toy-7-2"]
    assert sum(found["rows"][0][f"p_{name}"] for name in CLASS_NAMES) == pytest.approx(1, abs=1e-5)


def test_a_catalogue_is_named_with_its_classes(
    toy_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cube = write_toy_cube(tmp_path / "new.fits", 3, seed=7)
    assert answer(["predict", str(toy_run.path), str(cube), "--out", str(tmp_path / "out.vot")]) == 0
    shown = capsys.readouterr().out
    assert f"catalogue: {tmp_path / 'out.vot'}" in shown
    assert all(name in shown for name in CLASS_NAMES)


def test_no_source_that_is_there_is_one_line_and_exit_2(
    toy_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["predict", str(toy_run.path), str(tmp_path / "absent"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("kamerton: ")
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_too_many_galaxies_for_a_terminal_are_sent_to_a_file(
    toy_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerton.catalogue.predict.SHOWN_GALAXIES", 2)
    cube = write_toy_cube(tmp_path / "new.fits", 3, seed=7)
    assert answer(["predict", str(toy_run.path), str(cube)]) == 2
    assert "--out shapes.parquet" in capsys.readouterr().err


def test_a_folder_is_laid_out_as_hats(toy_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cube = write_toy_cube(tmp_path / "new.fits", 3, seed=7)
    assert answer(["predict", str(toy_run.path), str(cube), "--out", str(tmp_path / "night")]) == 0
    capsys.readouterr()
    assert answer(["catalogue", "hats", str(tmp_path / "night")]) == 0
    assert f"catalogue: {tmp_path / 'night/_hats'}" in capsys.readouterr().out
    assert answer(["catalogue", "hats", str(tmp_path / "night")]) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_program_gets_what_is_in_the_tiles(toy_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cube = write_toy_cube(tmp_path / "new.fits", 3, seed=7)
    assert answer(["predict", str(toy_run.path), str(cube), "--out", str(tmp_path / "night")]) == 0
    capsys.readouterr()
    assert answer(["catalogue", "hats", str(tmp_path / "night"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["galaxies"], found["without_position"]) == (3, 0)
