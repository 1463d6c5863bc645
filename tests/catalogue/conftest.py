"""What the tests of catalogues share."""

from __future__ import annotations

import shutil

import pytest

from kamerton.evaluation.calibrate import calibrate
from kamerton.runs.folder import Run, open_run
from tests.conftest import write_toy_cube


@pytest.fixture(scope="session")
def calibrated(toy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The toy run, calibrated on galaxies that it has not seen."""
    folder = tmp_path_factory.mktemp("calibrated")
    shutil.copytree(toy_run.path, folder / "run")
    calibrate(folder / "run", write_toy_cube(folder / "calibration.fits", 120, seed=11))
    return open_run(folder / "run")
