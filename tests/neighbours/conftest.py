"""What the tests of neighbours share."""

from __future__ import annotations

from pathlib import Path

import pytest

from kamerton.catalogue.predict import predict
from kamerton.runs.folder import Run
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
