"""What tests of training share."""

from __future__ import annotations

from pathlib import Path

import pytest

from kamerton.runs.folder import Run
from kamerton.training.train import train
from tests.conftest import write_toy_cube
from tests.training.killed import OPTIONS


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cubes of few small galaxies; do not change it."""
    folder = tmp_path_factory.mktemp("tiny")
    write_toy_cube(folder / "train.fits", 20, 16, seed=0)
    write_toy_cube(folder / "valid.fits", 9, 16, seed=1)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cubes for the training that is killed, and resumed; do not change them."""
    folder = tmp_path_factory.mktemp("resume")
    write_toy_cube(folder / "train.fits", 36, 20, seed=0)
    write_toy_cube(folder / "valid.fits", 9, 20, seed=1)
    return folder


@pytest.fixture(scope="session")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The training that nothing interrupted; do not change it."""
    return train(data, **OPTIONS, out=tmp_path_factory.mktemp("whole") / "run")
