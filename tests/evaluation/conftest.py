"""Runs that were tested on the same galaxies, and their comparison, for all tests of these."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kamerton.evaluation.compare import compare
from kamerton.evaluation.evaluate import Evaluation, evaluate
from kamerton.runs.folder import Run, find_runs, open_run
from kamerton.sweeping import sweep
from tests.conftest import toy_galaxies, write_cube, write_toy_cube
from tests.evaluation.changing import change_metrics
from tests.evaluation.compared import RESAMPLES, copy_runs
from tests.evaluation.evaluated import COUNT


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LeNet-5 with two seeds and a small ResNet's cousin with one, on toy galaxies; do not change it."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "data").mkdir()
    for seed, (name, count) in enumerate({"train": 36, "valid": 12, "test": 40}.items()):
        images_nhwc, labels = toy_galaxies(count, 33, seed)
        group = [f"g{row // 2}" if name == "test" and row < 20 else "" for row in range(count)]
        ids = [f"{name}{row}" for row in range(count)]
        write_cube(folder / "data" / f"{name}.fits", images_nhwc, labels, id=ids, group=group)
    sweep(folder / "data", networks=["lenet5"], seeds=[0, 1], recipe="modern", epochs=2, out=folder / "runs")
    sweep(folder / "data", networks=["resnet18"], seeds=[0], recipe="modern", epochs=1, out=folder / "runs")
    return folder


@pytest.fixture(scope="session")
def written(swept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("written") / "out"
    compare([swept / "runs"], out=out, resamples=RESAMPLES)
    return out


@pytest.fixture
def copies(swept: Path, tmp_path: Path) -> list[Run]:
    """Copies of the runs, to be changed in all but their weights."""
    copy_runs(swept / "runs", tmp_path / "runs")
    runs = find_runs([tmp_path / "runs"])
    for run in runs:
        change_metrics(run, seal=None)
    return runs


@pytest.fixture
def run(toy_run: Run, tmp_path: Path) -> Run:
    """A copy of the toy run without evaluations."""
    shutil.copytree(toy_run.path, tmp_path / "run", ignore=shutil.ignore_patterns("evaluation"))
    return open_run(tmp_path / "run")


@pytest.fixture(scope="session")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cube that the toy run has not seen; do not change it."""
    return write_toy_cube(tmp_path_factory.mktemp("cubes") / "test.fits", COUNT, seed=7)


@pytest.fixture(scope="session")
def found(toy_run: Run, cube: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """The toy run, evaluated on that cube by source."""
    path = tmp_path_factory.mktemp("evaluated") / "toy"
    shutil.copytree(toy_run.path, path)
    return evaluate(path, cube, by="source")
