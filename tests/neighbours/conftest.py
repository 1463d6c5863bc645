"""What the tests of neighbours share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kamerton.catalogue.predict import predict
from kamerton.evaluation.calibrate import calibrate
from kamerton.runs.folder import Run, open_run
from tests.conftest import write_toy_cube

COUNT = 30


@pytest.fixture(scope="session")
def new_cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Galaxies with ids and positions, which the toy run has not seen."""
    return write_toy_cube(tmp_path_factory.mktemp("neighbours") / "new.fits", COUNT, seed=7)


@pytest.fixture(scope="session")
def night(toy_run: Run, new_cube: Path) -> Path:
    """A folder of shards with the features of all of them; do not change it."""
    out = new_cube.with_name("night")
    predict(toy_run, new_cube, out=out, features="all", shard_galaxies=8)
    return out


@pytest.fixture(scope="session")
def sure_run(toy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The toy run, calibrated."""
    folder = tmp_path_factory.mktemp("sure")
    shutil.copytree(toy_run.path, folder / "run")
    calibrate(folder / "run", write_toy_cube(folder / "calibration.fits", 120, seed=11))
    return open_run(folder / "run")
