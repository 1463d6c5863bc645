"""What was made may be made anew with overwrite, whole or not at all, and never over what is not Kamerton's."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

import kamerton
from kamerton.config.surveys import SPLIT_NAMES
from kamerton.errors import CubeError, OutputError, UsageError
from kamerton.runs.folder import Run
from tests.conftest import write_toy_cube


def content(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_an_imported_cube_is_replaced_when_asked_to(toy_cube: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.fits"
    kamerton.import_cube(toy_cube, out)
    with pytest.raises(OutputError, match="exists already"):
        kamerton.import_cube(toy_cube, out, size=16)
    kamerton.import_cube(toy_cube, out, size=16, overwrite=True)
    assert fits.getdata(out).shape == (30, 16, 16, 3)


def test_a_failed_import_leaves_the_earlier_cube(toy_cube: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.fits"
    kamerton.import_cube(toy_cube, out)
    before = content(tmp_path)
    with fits.open(toy_cube, memmap=False) as hdus:
        hdus[1].data[3] = 99
        hdus.writeto(tmp_path / "bad.fits")
    bad = (tmp_path / "bad.fits").read_bytes()
    with pytest.raises(CubeError):
        kamerton.import_cube(tmp_path / "bad.fits", out, overwrite=True)
    assert content(tmp_path) == {**before, "bad.fits": bad}


@pytest.mark.parametrize("kind", ["another program's cube", "a text", "a link", "a folder"])
def test_an_import_never_replaces_what_is_not_kamertons(toy_cube: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out.fits"
    if kind == "another program's cube":
        fits.PrimaryHDU(np.zeros((3, 8, 8, 3), np.uint8)).writeto(out)
    elif kind == "a text":
        out.write_text("a thesis")
    elif kind == "a link":
        out.symlink_to(shutil.copy(toy_cube, tmp_path / "elsewhere.fits"))
    else:
        out.mkdir()
    with pytest.raises(OutputError, match="is no cube that Kamerton wrote"):
        kamerton.import_cube(toy_cube, out, overwrite=True)
    assert kind != "a text" or out.read_text() == "a thesis"


@pytest.mark.parametrize("bad_again", [True, False])
def test_the_list_of_what_was_left_out_goes_with_its_cube(tmp_path: Path, bad_again: bool) -> None:
    source, out, left_out = tmp_path / "list.csv", tmp_path / "out.fits", tmp_path / "out.left-out.csv"
    _write_list(source, bad=(1,))
    kamerton.import_cube(source, out, skip_bad=True)
    before = left_out.read_bytes()
    _write_list(source, bad=(2, 3) if bad_again else ())
    summary = kamerton.import_cube(source, out, skip_bad=bad_again, overwrite=True)
    assert left_out.exists() == bad_again
    assert summary.left_out == 2 * bad_again
    assert not bad_again or left_out.read_bytes() != before


@pytest.mark.parametrize("skip_bad", [True, False])
def test_an_import_never_replaces_a_list_of_another(tmp_path: Path, skip_bad: bool) -> None:
    source, out, left_out = tmp_path / "list.csv", tmp_path / "out.fits", tmp_path / "out.left-out.csv"
    _write_list(source, bad=())
    left_out.write_text("mine")
    with pytest.raises(OutputError, match=r"left-out\.csv exists") if skip_bad else nullcontext():
        kamerton.import_cube(source, out, skip_bad=skip_bad, overwrite=True)
    assert left_out.read_text() == "mine"


def test_a_cube_is_not_read_and_replaced_at_once(toy_cube: Path) -> None:
    with pytest.raises(OutputError, match="is what is read from"):
        kamerton.import_cube(toy_cube, toy_cube, overwrite=True)


def test_a_split_is_replaced_as_a_whole(toy_cube: Path, tmp_path: Path) -> None:
    data, fresh = tmp_path / "data", tmp_path / "fresh"
    kamerton.split_cube(toy_cube, data, seed=1)
    with pytest.raises(OutputError, match="exists already"):
        kamerton.split_cube(toy_cube, data, seed=2)
    kamerton.split_cube(toy_cube, data, seed=2, overwrite=True)
    kamerton.split_cube(toy_cube, fresh, seed=2, overwrite=True)
    assert content(data) == content(fresh)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "fresh", "toy.fits"}


@pytest.mark.parametrize(
    "foreign", ["notes.txt", "train.fits", "split.json", "the source"], ids=lambda name: f"{name} of another"
)
def test_a_split_never_replaces_what_is_not_a_split_of_kamertons(toy_cube: Path, tmp_path: Path, foreign: str) -> None:
    data = tmp_path / "data"
    kamerton.split_cube(toy_cube, data)
    source = toy_cube
    if foreign == "notes.txt":
        (data / foreign).write_text("mine")
    elif foreign == "train.fits":
        fits.PrimaryHDU(np.zeros((3, 8, 8, 3), np.uint8)).writeto(data / foreign, overwrite=True)
    elif foreign == "split.json":
        (data / foreign).write_text(json.dumps({"theirs": 1}))
    else:
        source = data / "train.fits"
    before = content(data)
    with pytest.raises(OutputError):
        kamerton.split_cube(source, data, seed=2, overwrite=True)
    assert content(data) == before


@pytest.mark.parametrize("kind", ["a file", "a link"])
def test_what_is_no_folder_is_never_replaced_by_a_split(toy_cube: Path, tmp_path: Path, kind: str) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    kamerton.split_cube(toy_cube, elsewhere)
    before = content(elsewhere)
    if kind == "a file":
        data.write_text("a thesis")
    else:
        data.symlink_to(elsewhere)
    with pytest.raises(OutputError, match="a file or a link in its place"):
        kamerton.split_cube(toy_cube, data, seed=2, overwrite=True)
    with pytest.raises(OutputError, match="a file or a link in its place"):
        kamerton.synth(data, count=50, size=16, overwrite=True)
    assert content(elsewhere) == before
    assert kind != "a file" or data.read_text() == "a thesis"


def test_a_split_that_fails_leaves_the_earlier_one(toy_cube: Path, tmp_path: Path) -> None:
    kamerton.split_cube(toy_cube, tmp_path / "data")
    before = content(tmp_path / "data")
    with pytest.raises(UsageError, match="no column"):
        kamerton.split_cube(toy_cube, tmp_path / "data", group_column="none", overwrite=True)
    assert content(tmp_path / "data") == before
    assert {path.name for path in tmp_path.iterdir()} == {"data", "toy.fits"}


def test_a_survey_is_replaced_when_asked_to(tmp_path: Path) -> None:
    data, fresh = tmp_path / "data", tmp_path / "fresh"
    kamerton.synth(data, count=50, size=16)
    kamerton.synth(data, count=60, size=16, overwrite=True)
    kamerton.synth(fresh, count=60, size=16, overwrite=True)
    cubes = [f"{split}.fits" for split in SPLIT_NAMES]
    assert [(data / name).read_bytes() for name in cubes] == [(fresh / name).read_bytes() for name in cubes]
    assert {path.name for path in tmp_path.iterdir()} == {"data", "fresh"}


def test_a_survey_never_replaces_what_is_not_kamertons(tmp_path: Path) -> None:
    kamerton.synth(tmp_path / "data", count=50, size=16)
    (tmp_path / "data/notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        kamerton.synth(tmp_path / "data", count=60, size=16, overwrite=True)
    assert (tmp_path / "data/notes.txt").read_text() == "mine"


def test_results_of_another_cube_are_replaced_when_asked_to(toy_run: Run, tmp_path: Path) -> None:
    run = kamerton.open_run(shutil.copytree(toy_run.path, tmp_path / "run"))
    cubes = [write_toy_cube(tmp_path / str(seed) / "mine.fits", 20, seed=seed) for seed in _made(tmp_path, (3, 4))]
    first = kamerton.evaluate(run, cubes[0])
    with pytest.raises(OutputError, match="--overwrite"):
        kamerton.evaluate(run, cubes[1])
    second = kamerton.evaluate(run, cubes[1], overwrite=True)
    assert first.path == second.path
    assert first.metrics.fingerprint != second.metrics.fingerprint


def _write_list(path: Path, bad: tuple[int, ...]) -> None:
    """Write a list of six pictures in two classes, of which some cannot be read."""
    rows = ["path,label"]
    for row in range(6):
        picture = path.with_name(f"{row}.png")
        Image.fromarray(np.full((8, 8, 3), 40 * row, np.uint8)).save(picture)
        if row in bad:
            picture.write_bytes(b"no picture")
        rows.append(f"{picture.name},{'ab'[row % 2]}")
    path.write_text("\n".join(rows) + "\n")


def _made(folder: Path, names: tuple[int, ...]) -> tuple[int, ...]:
    for name in names:
        (folder / str(name)).mkdir()
    return names
