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
from kamerton.evaluation.leakage import Seal, check_seal
from kamerton.evaluation.tables import print_metrics
from kamerton.formats.importing import import_keras_file
from kamerton.runs.folder import Run, open_run
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube, write_toy_cube


@pytest.fixture
def run(toy_run: Run, tmp_path: Path) -> Run:
    shutil.copytree(toy_run.path, tmp_path / "run", ignore=shutil.ignore_patterns("evaluation"))
    return open_run(tmp_path / "run")


def seal_of(run: Run, cube: Path) -> Seal:
    with open_cube(cube) as galaxies:
        return check_seal(run, galaxies.galaxy_fingerprints())


def test_a_cube_that_was_kept_apart_is_sealed(toy_run: Run, toy_splits: Path) -> None:
    seal = seal_of(toy_run, toy_splits / "test.fits")
    assert (seal.whole, seal.seen, seal.warning) == (True, {"train": 0, "valid": 0}, "")


@pytest.mark.parametrize(("split", "count"), [("train", 70), ("valid", 20)])
def test_a_cube_of_the_training_is_told_with_its_split(toy_run: Run, toy_splits: Path, split: str, count: int) -> None:
    seal = seal_of(toy_run, toy_splits / f"{split}.fits")
    assert seal.whole is False
    assert seal.warning == f"NOT A TEST: of {count} galaxies the run has seen {count} in {split}"


def test_one_seen_galaxy_among_others_is_found_in_another_layout_and_number_type(toy_run: Run, tmp_path: Path) -> None:
    seen, _ = toy_galaxies(70, 32, 0)
    fresh, labels = toy_galaxies(9, 32, 99)
    fresh[4] = seen[33]
    path = tmp_path / "mixed.fits"
    planes_nchw = np.moveaxis(fresh, -1, 1).astype(np.float32)
    fits.HDUList([fits.PrimaryHDU(planes_nchw), fits.ImageHDU(labels.astype(np.int16))]).writeto(path)
    seal = seal_of(toy_run, path)
    assert seal.seen == {"train": 1, "valid": 0}


def test_weights_from_elsewhere_have_an_unknown_seal(toy_run: Run, toy_splits: Path, tmp_path: Path) -> None:
    imported = import_keras_file(toy_run.keras_path, tmp_path / "theirs")
    seal = seal_of(imported, toy_splits / "test.fits")
    assert seal.whole is None
    assert seal.warning.startswith("SEAL UNKNOWN")


def test_a_broken_seal_is_in_the_numbers_the_table_and_the_pictures(
    run: Run, toy_splits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    for name in ("confusion_figure", "mistakes_figure"):
        draw = getattr(evaluation, name)
        monkeypatch.setattr(evaluation, name, lambda *parts, draw=draw: (titles.append(parts[-1]), draw(*parts))[1])
    found = evaluate(run, toy_splits / "valid.fits")
    warning = "NOT A TEST: of 20 galaxies the run has seen 20 in valid"
    kept = json.loads((found.path / "metrics.json").read_text())
    assert kept["seal"] == {"whole": False, "seen": {"train": 0, "valid": 20}, "warning": warning}
    screen = Console(file=io.StringIO(), width=100, highlight=False)
    print_metrics(kept, screen)
    assert screen.file.getvalue().splitlines()[0].strip() == warning
    assert len(titles) == 2
    assert all(title.startswith(warning + "\n") for title in titles)


def test_a_sealed_result_says_nothing_of_it(run: Run, tmp_path: Path) -> None:
    cube = write_toy_cube(tmp_path / "fresh.fits", 9, seed=123)
    found = evaluate(run, cube)
    screen = Console(file=io.StringIO(), width=100, highlight=False)
    print_metrics(found.metrics, screen)
    assert found.metrics["seal"]["whole"] is True
    assert "TEST" not in screen.file.getvalue()


def test_a_galaxy_with_one_other_pixel_is_another(toy_run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(70, 32, 0)
    images_nhwc[:, 0, 0, 0] ^= 1
    cube = write_cube(tmp_path / "near.fits", images_nhwc, labels, CLASS_NAMES)
    assert seal_of(toy_run, cube).whole is True
