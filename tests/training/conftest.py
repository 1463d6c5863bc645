"""What tests of training share."""

from __future__ import annotations

from pathlib import Path

import pytest

from kamerton.runs.folder import Run
from kamerton.training.train import train
from tests.conftest import write_toy_cube
from tests.training.killed import OPTIONS


def _cubes(folder: Path, count: int, size: int) -> Path:
    """Fill a folder with so many galaxies to train on, and nine to validate with."""
    write_toy_cube(folder / "train.fits", count, size, seed=0)
    write_toy_cube(folder / "valid.fits", 9, size, seed=1)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cubes of few small galaxies; do not change it."""
    return _cubes(tmp_path_factory.mktemp("tiny"), 20, 16)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cubes for the training that is killed, and resumed; do not change them."""
    return _cubes(tmp_path_factory.mktemp("resume"), 36, 20)


@pytest.fixture(scope="session")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The training that nothing interrupted; do not change it."""
    return train(data, **OPTIONS, out=tmp_path_factory.mktemp("whole") / "run")
