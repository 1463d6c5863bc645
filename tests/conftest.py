"""What several tests need: small cubes, the real galaxies beside the project, Keras on its torch backend."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import settings

from tests.array_types import check_arrays_of

check_arrays_of("kamerton")

from kamerton import progress
from kamerton.config.pictures import PixelOrigin
from kamerton.data.cubes.writer import CubeWriter
from kamerton.evaluation import evaluate_figures
from kamerton.evaluation.calibrate import calibrate
from kamerton.evaluation.evaluate import evaluate
from kamerton.formats.keras.file import import_keras
from kamerton.labelling import writing as labels_writing
from kamerton.machine.tiled_convolutions import tiles_available
from kamerton.runs.folder import Run, open_run
from kamerton.training import progress as training_progress
from kamerton.training.train import train
from tests.watching import Clock

REAL_DATA = Path(__file__).resolve().parents[2] / "shared/data"
CLASS_NAMES = ("bright", "dim", "striped")

needs_nnpack = pytest.mark.skipif(not tiles_available(), reason="NNPACK does not know this processor")


# How long an example takes is the machine's business. Tests try the same examples each time; `make fuzz` tries others.
settings.register_profile("kamerton", deadline=None, derandomize=True)
settings.register_profile("other-examples", deadline=None)
settings.load_profile("kamerton")


def pytest_configure(config: pytest.Config) -> None:
    """Let small cubes of few galaxies pass without a word; what is said of them is asked for with `pytest.warns`."""
    config.addinivalue_line("filterwarnings", "ignore::kamerton.errors.KamertonWarning")


@pytest.fixture(scope="session", autouse=True)
def small_galleries() -> Iterator[None]:
    """Draw few galaxies, for drawing takes most of the time of what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate_figures, "GALLERY_IMAGES", 2)
        patch.setattr(labels_writing, "GALLERY_GALAXIES", 4)
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The real galaxies; tests that need them skip where they are not."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real galaxies at {REAL_DATA}")
    return REAL_DATA


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras 3 on its torch backend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_keras()


def toy_galaxies(count: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noisy images (count, size, size, 3) of three classes that any network tells apart."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images_nhwc = rng.integers(0, 60, (count, size, size, 3))
    images_nhwc[labels == 0] += 150
    images_nhwc[labels == 2, ::2] += 150
    return images_nhwc.astype(np.uint8), labels


def write_cube(
    path: Path,
    images_nhwc: np.ndarray,
    labels: Any,
    class_names: tuple[str, ...] = CLASS_NAMES,
    *,
    origin: PixelOrigin | None = None,
    **columns: Any,
) -> Path:
    """Write a labelled cube of any images; ``columns`` become its catalogue, and no class names leave it unnamed."""
    with CubeWriter(path, image_shape=images_nhwc.shape[1:], dtype=images_nhwc.dtype, class_names=class_names) as cube:
        cube.append(images_nhwc)
        cube.finish(np.asarray(labels), Table(columns) if columns else None, origin=origin)
    return path


def write_toy_cube(path: Path, count: int, size: int = 32, seed: int = 0) -> Path:
    """Write a labelled cube of toy galaxies with a catalogue."""
    images_nhwc, labels = toy_galaxies(count, size, seed)
    rng = np.random.default_rng(seed)
    catalogue = Table(
        {
            "id": [f"toy-{seed}-{row}" for row in range(count)],
            "ra": rng.uniform(0, 360, count),
            "dec": rng.uniform(-30, 30, count),
            "source": ["north" if row % 2 else "south" for row in range(count)],
        }
    )
    with CubeWriter(path, image_shape=(size, size, 3), dtype=np.uint8, class_names=CLASS_NAMES) as writer:
        writer.append(images_nhwc)
        writer.finish(labels, catalogue)
    return path


@pytest.fixture
def toy_cube(tmp_path: Path) -> Path:
    """One cube of 30 toy galaxies."""
    return write_toy_cube(tmp_path / "toy.fits", 30)


def write_toy_splits(folder: Path, size: int = 32) -> Path:
    """Write train, valid and test cubes of toy galaxies."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, count) in enumerate({"train": 70, "valid": 20, "test": 25}.items()):
        write_toy_cube(folder / f"{name}.fits", count, size, seed)
    return folder


@pytest.fixture(scope="session")
def toy_splits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.fits, valid.fits and test.fits; do not change it."""
    return write_toy_splits(tmp_path_factory.mktemp("toy") / "data")


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory: pytest.TempPathFactory, toy_splits: Path) -> Run:
    """LeNet-5 trained by the notebook's recipe for two epochs on the toy galaxies; do not change it."""
    out = tmp_path_factory.mktemp("runs") / "toy"
    return train(toy_splits, network="lenet5", recipe="notebook", epochs=2, out=out)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of all that shows how far a long work is; it passes only when told to."""
    clock = Clock()
    for module in (progress, training_progress):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@pytest.fixture
def break_primary() -> Callable[[Path, int], None]:
    """Cut a file to its first bytes."""

    def cut(path: Path, size_bytes: int) -> None:
        with path.open("r+b") as file:
            file.truncate(size_bytes)

    return cut


@pytest.fixture(scope="session")
def calibrated(toy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The toy run, calibrated on galaxies that it has not seen."""
    folder = tmp_path_factory.mktemp("calibrated")
    shutil.copytree(toy_run.path, folder / "run")
    calibrate(folder / "run", write_toy_cube(folder / "calibration.fits", 120, seed=11))
    return open_run(folder / "run")


@pytest.fixture(scope="session")
def ensemble(toy_run: Run, toy_splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The toy run and one of another size, ``toy`` and ``other`` beside it, tested together; do not change it."""
    folder = tmp_path_factory.mktemp("ensemble")
    shutil.copytree(toy_run.path, folder / "toy", ignore=shutil.ignore_patterns("checkpoint", "evaluation"))
    train(toy_splits, network="lenet5", recipe="notebook", epochs=1, size=40, seed=1, out=folder / "other")
    evaluate([folder / "toy", folder / "other"], toy_splits / "test.fits", out=folder / "both")
    return open_run(folder / "both")
