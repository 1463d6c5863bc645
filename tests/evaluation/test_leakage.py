"""A galaxy that the run has seen does not pass for a test, whatever file it comes in."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from rich.console import Console

from kamerton.data.cubes.cube import open_cube
from kamerton.evaluation import evaluate as evaluation
from kamerton.evaluation.evaluate import evaluate
from kamerton.evaluation.leakage import check_leakage, leakage_warning
from kamerton.evaluation.tables import print_metrics
from kamerton.formats.importing import import_keras_file
from kamerton.runs.evaluation import Leakage
from kamerton.runs.folder import Run, open_run
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube, write_toy_cube


@pytest.fixture
def run(toy_run: Run, tmp_path: Path) -> Run:
    shutil.copytree(toy_run.path, tmp_path / "run", ignore=shutil.ignore_patterns("evaluation"))
    return open_run(tmp_path / "run")


def leakage_of(run: Run, cube: Path) -> Leakage:
    with open_cube(cube) as galaxies:
        return check_leakage(run, galaxies.galaxy_fingerprints())


def test_of_a_cube_that_was_kept_apart_nothing_leaked(toy_run: Run, toy_splits: Path) -> None:
    leakage = leakage_of(toy_run, toy_splits / "test.fits")
    assert leakage == Leakage("none", {"train": 0, "valid": 0})
    assert leakage_warning(leakage, 25) == ""


@pytest.mark.parametrize(("split", "count"), [("train", 70), ("valid", 20)])
def test_a_cube_of_the_training_is_told_with_its_split(toy_run: Run, toy_splits: Path, split: str, count: int) -> None:
    leakage = leakage_of(toy_run, toy_splits / f"{split}.fits")
    assert leakage.status == "found"
    assert leakage_warning(leakage, count) == f"NOT A TEST: of {count} galaxies the run has seen {count} in {split}"


def test_one_seen_galaxy_among_others_is_found_in_another_layout_and_number_type(toy_run: Run, tmp_path: Path) -> None:
    seen, _ = toy_galaxies(70, 32, 0)
    fresh, labels = toy_galaxies(9, 32, 99)
    fresh[4] = seen[33]
    path = tmp_path / "mixed.fits"
    planes_nchw = np.moveaxis(fresh, -1, 1).astype(np.float32)
    fits.HDUList([fits.PrimaryHDU(planes_nchw), fits.ImageHDU(labels.astype(np.int16))]).writeto(path)
    assert leakage_of(toy_run, path).seen == {"train": 1, "valid": 0}


def test_of_weights_from_elsewhere_leakage_is_not_known(toy_run: Run, toy_splits: Path, tmp_path: Path) -> None:
    imported = import_keras_file(toy_run.keras_path, tmp_path / "theirs")
    leakage = leakage_of(imported, toy_splits / "test.fits")
    assert leakage == Leakage("unknown", None)
    assert leakage_warning(leakage, 25).startswith("LEAKAGE NOT KNOWN")


def test_leakage_is_in_the_numbers_the_table_and_the_pictures(
    run: Run, toy_splits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    for name in ("confusion_figure", "mistakes_figure"):
        draw = getattr(evaluation, name)
        monkeypatch.setattr(evaluation, name, lambda *parts, draw=draw: (titles.append(parts[-1]), draw(*parts))[1])
    found = evaluate(run, toy_splits / "valid.fits")
    warning = "NOT A TEST: of 20 galaxies the run has seen 20 in valid"
    kept = json.loads((found.path / "metrics.json").read_text())
    assert kept["leakage"] == {"status": "found", "seen": {"train": 0, "valid": 20}}
    screen = Console(file=io.StringIO(), width=100, highlight=False)
    print_metrics(found.metrics, screen)
    assert isinstance(screen.file, io.StringIO)
    assert screen.file.getvalue().splitlines()[0].strip() == warning
    assert len(titles) == 2
    assert all(title.startswith(warning + "\n") for title in titles)


def test_a_result_without_leakage_says_nothing_of_it(run: Run, tmp_path: Path) -> None:
    cube = write_toy_cube(tmp_path / "fresh.fits", 9, seed=123)
    found = evaluate(run, cube)
    screen = Console(file=io.StringIO(), width=100, highlight=False)
    print_metrics(found.metrics, screen)
    assert found.metrics.leakage.status == "none"
    assert isinstance(screen.file, io.StringIO)
    assert "TEST" not in screen.file.getvalue()


def test_a_galaxy_with_one_other_pixel_is_another(toy_run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(70, 32, 0)
    images_nhwc[:, 0, 0, 0] ^= 1
    cube = write_cube(tmp_path / "near.fits", images_nhwc, labels, CLASS_NAMES)
    assert leakage_of(toy_run, cube).status == "none"
