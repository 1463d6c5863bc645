"""The readers under attack: ``TARGETS``. Adding one is a function that reads, a function of sound files, one line.

A reader gets a folder with the files of a case, some of them spoilt, and either raises the named error or returns; then
everything that it read must be what the reader promises, which is asserted here.
"""

from __future__ import annotations

import dataclasses
import gzip
import io
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from astropy.io import fits
from astropy.table import Table
from PIL import Image
from pyarrow import parquet
from rich.console import Console

from kamerton.config import PictureSettings
from kamerton.data.audit.list_file import examine_list
from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.importers.galaxy10_file import open_galaxy10
from kamerton.data.importers.source import ImportRequest
from kamerton.data.lists import read_list
from kamerton.data.marks import FEATURE_BYTES, GalaxyMarks
from kamerton.data.pictures.picture import read_picture
from kamerton.errors import CubeError, DataError, KamertonError, ModelFileError, PictureError, RunError, UsageError
from kamerton.evaluation.evaluate import Evaluation
from kamerton.evaluation.metrics import classification_metrics, group_metrics
from kamerton.evaluation.tables import print_metrics
from kamerton.formats.importing import import_keras_file
from kamerton.formats.keras.file import import_keras, read_keras, write_keras
from kamerton.networks.registry import build_network
from kamerton.recipes import load_recipe, recipe_folder, recipe_names
from kamerton.runs.evaluation import (
    GroupedScores,
    Leakage,
    Metrics,
    Predictions,
    evaluation_names,
    read_metrics,
    read_predictions,
    write_evaluation,
)
from kamerton.runs.folder import Run, open_run
from kamerton.runs.history import NOTEBOOK_COLUMNS
from kamerton.runs.record import CubeRecord
from kamerton.training.checkpoint import restore_newest, write_checkpoint
from kamerton.training.session import RunningTally, Session, Tally
from tests.training.sealing import reseal

Files = dict[str, bytes]
"""The files of a case, by their path inside its folder."""

SIZE = 20
ROW = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds", "images_per_second"), 0.1)


@dataclass(frozen=True)
class Target:
    """One reader: the sound cases that mutations start from, how it reads one, and the error it may raise."""

    seeds: Callable[[Path], dict[str, Files]]
    """Make sound cases, by name, in an empty folder."""
    read: Callable[[Path], None]
    error: type[KamertonError]


def files_of(folder: Path) -> Files:
    """Read all files of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


# FITS cubes


def cube_seeds(folder: Path) -> dict[str, Files]:
    """Cubes of each layout, number type, scaling and compression."""
    rng = np.random.default_rng(0)
    images_nhwc = rng.integers(0, 256, (6, 8, 8, 3), np.uint8)
    labels = np.arange(6) % 3
    catalogue = Table({"id": [f"g{row}" for row in range(6)], "ra": np.linspace(0, 359, 6), "dec": np.zeros(6)})
    for dtype in (np.uint8, np.float32):
        path = folder / f"{np.dtype(dtype).name}.fits"
        with CubeWriter(path, image_shape=(8, 8, 3), dtype=dtype, class_names=("bright", "dim", "striped")) as writer:
            writer.append(images_nhwc.astype(dtype))
            writer.finish(labels, catalogue, ["from nowhere"])
    plain = {
        "int16": [fits.PrimaryHDU(images_nhwc.astype(np.int16))],
        "uint16": [fits.PrimaryHDU(images_nhwc.astype(np.uint16))],
        "channels-first": [fits.PrimaryHDU(np.moveaxis(images_nhwc, -1, 1).astype(np.float64))],
        "grey": [fits.PrimaryHDU(images_nhwc[..., 0].astype(np.int32))],
        "rice": [fits.PrimaryHDU(), fits.CompImageHDU(images_nhwc, compression_type="RICE_1")],
        "gzip": [fits.PrimaryHDU(), fits.CompImageHDU(images_nhwc.astype(np.float32), compression_type="GZIP_2")],
    }
    found = {}
    for name, hdus in plain.items():
        path = folder / f"{name}.fits"
        fits.HDUList([*hdus, fits.ImageHDU(labels.astype(np.int16))]).writeto(path)
    for path in sorted(folder.glob("*.fits")):
        found[path.stem] = {"cube.fits": path.read_bytes()}
    found["packed"] = {"cube.fits.gz": gzip.compress(found["int16"]["cube.fits"], mtime=0)}
    return found


def read_cube(folder: Path) -> None:
    """Read everything that a cube has."""
    with open_cube(next(folder.iterdir())) as cube:
        height, width, channels = cube.image_shape
        assert len(cube) > 0
        assert height == width > 0
        assert 1 <= channels <= 16
        assert cube.dtype in (np.uint8, np.float32)
        assert cube.labels.dtype == np.int64
        assert cube.labels.shape == (len(cube),)
        assert cube.labels.min() >= 0
        assert cube.labels.max() < len(cube.class_names) == len(set(cube.class_names))
        rows = 0
        for place, images_nhwc in cube.chunks():
            assert images_nhwc.shape == (place.stop - place.start, *cube.image_shape)
            assert images_nhwc.dtype == cube.dtype
            rows += len(images_nhwc)
        assert rows == len(cube)
        assert len(cube.ids) == len(cube.catalogue) == len(cube)
        assert all(isinstance(line, str) for line in cube.history)
        # This promises finite pixels from 0 to 255, or the error.
        assert len(cube.galaxy_fingerprints()) == len(cube)
        pixels = cube.read(slice(0, len(cube)))
        assert np.isfinite(pixels).all()
        assert pixels.min() >= 0
        assert pixels.max() <= 255
        assert len(cube.fingerprint()) == 64


# FITS cutouts


def cutout_seeds(folder: Path) -> dict[str, Files]:
    """One galaxy in each number of bands, number type, scaling and compression."""
    y, x = np.mgrid[:24, :24]
    sky_chw = np.random.default_rng(0).normal(5, 1, (3, 24, 24))
    bands_chw = sky_chw + 300 * np.exp(-np.hypot(x - 12, y - 16) / 3)
    whole_chw = np.rint(10 * bands_chw)
    scaled = fits.PrimaryHDU(bands_chw[0].astype(np.float32))
    scaled.scale("int16", bscale=0.1, bzero=100)
    kinds = {
        "float32": [fits.PrimaryHDU(bands_chw.astype(np.float32), fits.Header({"BANDS": "grz"}))],
        "one-band": [fits.PrimaryHDU(bands_chw[0])],
        "uint16": [fits.PrimaryHDU(whole_chw.clip(0).astype(np.uint16))],
        "scaled": [scaled],
        "second": [fits.PrimaryHDU(), fits.ImageHDU(whole_chw.astype(np.int32))],
        "rice": [fits.PrimaryHDU(), fits.CompImageHDU(whole_chw.astype(np.int32), compression_type="RICE_1")],
        "gzip": [fits.PrimaryHDU(), fits.CompImageHDU(bands_chw.astype(np.float32), compression_type="GZIP_2")],
        "hcompress": [
            fits.PrimaryHDU(),
            fits.CompImageHDU(whole_chw.astype(np.int32), compression_type="HCOMPRESS_1", tile_shape=(1, 24, 24)),
        ],
        "plio": [fits.PrimaryHDU(), fits.CompImageHDU(whole_chw[0].astype(np.int16), compression_type="PLIO_1")],
    }
    found = {}
    for name, hdus in kinds.items():
        fits.HDUList(hdus).writeto(folder / f"{name}.fits")
        found[name] = {"cutout.fits": (folder / f"{name}.fits").read_bytes()}
    found["packed"] = {"cutout.fits.gz": gzip.compress(found["float32"]["cutout.fits"], mtime=0)}
    return found


def read_cutout(folder: Path) -> None:
    """Read a cutout as the pixels of a cube."""
    picture = read_picture(next(folder.iterdir()), PictureSettings(size=16))
    assert picture.image_hwc.shape == (16, 16, 3)
    assert picture.image_hwc.dtype == np.uint8
    if picture.stretch is not None:
        assert np.isfinite(dataclasses.astuple(picture.stretch)[:2]).all()


# Pictures


def picture_seeds(folder: Path) -> dict[str, Files]:
    """One galaxy in each format and number of bits that is read."""
    y, x = np.mgrid[:24, :28]
    light_hw = 250 * np.exp(-np.hypot(x - 14, y - 12) / 6)
    rgb = Image.fromarray(np.stack([light_hw, light_hw / 2, light_hw / 3], axis=-1).astype(np.uint8))
    deep = Image.fromarray((light_hw * 250).astype(np.uint16))
    kinds: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "rgb.png": (rgb, {}),
        "palette.png": (rgb.quantize(16), {}),
        "clear.png": (rgb.convert("RGBA"), {}),
        "deep.png": (deep, {}),
        "noted.png": (rgb, {"icc_profile": b"profile" * 20, "dpi": (72, 72)}),
        "plain.jpg": (rgb, {"quality": 70}),
        "grey.jpg": (rgb.convert("L"), {"progressive": True}),
        "print.jpg": (rgb.convert("CMYK"), {}),
        "plain.tif": (rgb, {}),
        "plain.webp": (rgb, {}),
        "plain.bmp": (rgb, {}),
        "plain.gif": (rgb.quantize(16), {}),
    }
    for name, (image, options) in kinds.items():
        image.save(folder / name, **options)
    return {name: {f"picture{Path(name).suffix}": (folder / name).read_bytes()} for name in kinds}


# Lists


def list_seeds(folder: Path) -> dict[str, Files]:
    """A list of galaxies in each form that is read."""
    columns: dict[str, list[Any]] = {
        "id": ["g0", "g1", "łuk, 2"],
        "ra": [0.5, None, 359.0],
        "dec": [-1.0, 2.0, 89.0],
        "label": ["spiral", "edge-on", "spiral"],
        "n": [1, 2, 3],
    }
    pd.DataFrame(columns).to_csv(folder / "plain.csv", index=False)
    (folder / "quoted.csv").write_text('id,ra,dec,label\n"a ""b""\n",1,2,0\nc,,,1.0\n', encoding="utf-8-sig")
    table = pa.table(columns)
    ways: dict[str, dict[str, Any]] = {
        "plain": {},
        "zstd": {"compression": "zstd"},
        "simple": {"use_dictionary": False},
    }
    for name, options in ways.items():
        parquet.write_table(table, folder / f"{name}.parquet", **options)
    paths = sorted(folder.iterdir())
    return {path.name: {f"list{path.suffix}": path.read_bytes()} for path in paths}


def read_any_list(folder: Path) -> None:
    """Read a list as an import does, and as a check does, which notes what is wrong."""
    path = next(folder.iterdir())
    noted = examine_list(path)
    assert all(finding.what.isprintable() or finding.count for finding in noted.findings)
    columns = read_list(path)
    assert columns
    assert len({len(cells) for cells in columns.values()}) == 1
    assert all(isinstance(cell, str) for cells in columns.values() for cell in cells)


# HDF5


def hdf5_seeds(folder: Path) -> dict[str, Files]:
    """Galaxy10's file, plain and in chunks."""
    import h5py

    images_nhwc = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "chunks": {"chunks": (2, 8, 8, 3)},
        "gzip": {"chunks": (2, 8, 8, 3), "compression": "gzip", "shuffle": True},
        "lzf": {"chunks": (4, 8, 8, 1), "compression": "lzf", "fletcher32": True},
    }
    for name, options in kinds.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file.create_dataset("images", data=images_nhwc, **options)
            file.create_dataset("ans", data=np.arange(6) % 3)
            file.create_dataset("ra", data=np.linspace(0, 359, 6))
            file.create_dataset("dec", data=np.zeros(6, np.float32))
    return {name: {"galaxies.h5": (folder / f"{name}.h5").read_bytes()} for name in kinds}


def read_galaxy10(folder: Path) -> None:
    """Read all images and labels."""
    request = ImportRequest(
        next(folder.iterdir()), PictureSettings(size=8), "path", "label", skip_bad=False, classes=None
    )
    with open_galaxy10(request) as galaxies:
        count = sum(len(images_nhwc) for images_nhwc in galaxies.batches)
        assert count == len(galaxies.labels) == len(galaxies.catalogue)
        assert 0 <= galaxies.labels.min() <= galaxies.labels.max() < len(galaxies.class_names)


# Recipes


def recipe_seeds(_: Path) -> dict[str, Files]:
    """The recipes that come with Kamerton."""
    return {name: {"own.toml": (recipe_folder() / f"{name}.toml").read_bytes()} for name in recipe_names()}


def read_recipe(folder: Path) -> None:
    """Read a recipe of one's own."""
    recipe = load_recipe(str(folder / "own.toml"))
    assert recipe.epochs >= 1
    assert recipe.batch_size >= 1


# .keras files


def keras_seeds(folder: Path) -> dict[str, Files]:
    """LeNet-5 as Kamerton writes it, as Keras does after training, and packed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = import_keras()
        write_keras(build_network("lenet5", size=SIZE, channels=3, classes=3), (SIZE, SIZE, 3), folder / "plain.keras")
        model = keras.saving.load_model(folder / "plain.keras")
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(np.zeros((4, SIZE, SIZE, 3), np.float32), np.zeros(4), verbose=0)
        model.save(folder / "trained.keras")
    found = {path.stem: {"model.keras": path.read_bytes()} for path in sorted(folder.glob("*.keras"))}
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(folder / "plain.keras") as plain,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in plain.namelist():
            archive.writestr(zipfile.ZipInfo(name), plain.read(name), zipfile.ZIP_DEFLATED)
    return found | {"packed": {"model.keras": packed.getvalue()}}


def read_model(folder: Path) -> None:
    """Read the weights and put them into the network."""
    contents = read_keras(next(folder.iterdir()))
    network = build_network(contents.network, size=contents.size, channels=contents.channels, classes=contents.classes)
    _assert_weights_of(network, contents.state, complete=False)
    assert all(torch.isfinite(tensor).all() for tensor in contents.state.values())


def _assert_weights_of(network: torch.nn.Module, state: dict[str, torch.Tensor], complete: bool) -> None:
    expected = network.state_dict()
    missing = {name for name in expected if name not in state}
    assert set(state) <= set(expected)
    assert not missing if complete else all(name.endswith("num_batches_tracked") for name in missing)
    for name, tensor in state.items():
        assert tensor.shape == expected[name].shape
        assert tensor.dtype == expected[name].dtype


# Run folders


def run_seeds(folder: Path) -> dict[str, Files]:
    """A run that was trained here, and one that was imported, with everything that a folder may hold."""
    write_keras(build_network("lenet5", size=SIZE, channels=3, classes=3), (SIZE, SIZE, 3), folder / "a.keras")
    with warnings.catch_warnings():
        # Of classes that have no names.
        warnings.simplefilter("ignore")
        run = import_keras_file(folder / "a.keras", folder / "run")
    network = run.load_network()
    for epoch in range(3):
        run.append_history(epoch, ROW)
    _write_results(run, Leakage.of(None), groups=None)
    found = {"imported": files_of(run.path)}
    run.update(
        dataclasses.replace(
            run.record,
            class_names=("bright", "mgławica", "S$a$"),
            recipe=load_recipe("notebook"),
            seed=0,
            data={split: CubeRecord(f"{split}.fits", 3, "0" * 64) for split in ("train", "valid")},
        )
    )
    _write_results(run, Leakage.of({"train": 1, "valid": 0}), groups=("", "", "", "g1", "g1", "g2"))
    run.save_seen({"train": _marks("abc"), "valid": _marks("def")})
    run.finish(network, epoch=3)
    return found | {"trained": files_of(run.path)}


def _marks(letters: str) -> GalaxyMarks:
    """What three galaxies are known again by."""
    features = np.random.default_rng(ord(letters[0])).integers(-127, 128, (3, FEATURE_BYTES)).astype(np.int8)
    positions_deg = np.array([[10.0, -5.0], [np.nan, np.nan], [359.0, 80.0]])
    return GalaxyMarks(tuple(letter * 64 for letter in letters), ("PGC 1", "", "ŁÓDŹ 7"), positions_deg, features)


def _write_results(run: Run, leakage: Leakage, groups: tuple[str, ...] | None) -> None:
    """Write what an evaluation of six galaxies leaves, without its pictures."""
    labels = np.array([0, 1, 1, 1, 2, 2])
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 6).astype(np.float32)
    scores = classification_metrics(labels, probabilities, run.record.class_names)
    metrics = Metrics(
        **vars(scores),
        run=run.name,
        network=run.record.network,
        dataset="test.fits",
        path="/data/test.fits",
        fingerprint="0" * 64,
        weights_sha256="1" * 64,
        weights_chosen_by=run.record.weights_chosen_by,
        leakage=leakage,
        views=8,
        precision="float32",
        by=GroupedScores("source", group_metrics(labels, probabilities, ["north", "south"] * 3)),
    )
    ids = tuple(f"g{row}" for row in range(6))
    write_evaluation(run, "test", metrics, Predictions(ids, labels, probabilities, groups), {})


def read_run(folder: Path) -> None:
    """Open a run and read all that it holds."""
    run = open_run(folder)
    record = run.record
    assert record.class_names
    assert len(set(record.class_names)) == len(record.class_names)
    network = run.load_network()
    assert not network.training
    _assert_weights_of(network, network.state_dict(), complete=True)
    shape = (1, record.preprocessing.channels, record.preprocessing.size, record.preprocessing.size)
    with torch.inference_mode():
        assert network(torch.zeros(shape)).shape == (1, len(record.class_names))
    history = run.history()
    assert set(NOTEBOOK_COLUMNS) <= set(history.columns)
    assert all(kind == np.float64 for kind in history.dtypes)
    for name in evaluation_names(run):
        _read_results(run, name)
    seen = run.seen()
    assert (seen is None) == (not record.data)
    assert all(isinstance(name, str) for marks in (seen or {}).values() for name in marks.digests + (marks.ids or ()))


def _read_results(run: Run, dataset: str) -> None:
    metrics, classes = read_metrics(run, dataset), len(run.record.class_names)
    shares = [metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1, metrics.roc_auc_macro]
    for row in metrics.per_class:
        shares += [row.precision, row.recall, row.f1, row.roc_auc]
    assert all(share is None or 0 <= share <= 1 for share in shares)
    assert 0 <= metrics.log_loss < float("inf")
    counts = np.array(metrics.confusion_matrix)
    assert counts.shape == (classes, classes)
    assert counts.min() >= 0
    assert counts.sum() == metrics.galaxies
    # What is printed and drawn of it.
    print_metrics(Evaluation(run.path, metrics), Console(file=io.StringIO()))
    predictions = read_predictions(run, dataset, metrics.galaxies)
    assert len(predictions.ids) == len(predictions.labels) == metrics.galaxies
    assert predictions.groups is None or len(predictions.groups) == metrics.galaxies
    assert predictions.labels.dtype == np.int64
    assert set(predictions.labels.tolist()) <= set(range(classes))
    assert predictions.probabilities.dtype == np.float32
    assert predictions.probabilities.shape == (metrics.galaxies, classes)
    assert np.abs(predictions.probabilities.sum(1) - 1).max() < 0.01
    assert 0 <= predictions.probabilities.min() <= predictions.probabilities.max() <= 1


# Checkpoints


def _session() -> Session:
    return Session.start(build_network("lenet5", size=SIZE, channels=3, classes=3), load_recipe("notebook"))


def checkpoint_seeds(folder: Path) -> dict[str, Files]:
    """A run before its first step, and one in its third epoch; every number of a tensor is its checkpoint's epoch."""
    session = _session()
    write_checkpoint(folder / "fresh", session)
    images_nchw, labels = torch.zeros(2, 3, SIZE, SIZE), torch.tensor([0, 1])
    for _ in range(2):
        torch.nn.functional.cross_entropy(session.network(images_nchw), labels).backward()
        session.optimizer.step()
        session.tally, session.seconds = RunningTally(Tally(2.0, 1, 2)), 1.0
        session.end_epoch(Tally(1.0, 1, 2), 0.5, 1e-3)
        with torch.no_grad():
            for tensor in session.tensors().values():
                tensor.fill_(session.epoch)
        write_checkpoint(folder / "trained", session)
    return {path.name: files_of(path) for path in sorted(folder.iterdir())}


def read_checkpoints(folder: Path) -> None:
    """Resume from the files as they are, and as someone leaves them who can put the hashes right."""
    with tempfile.TemporaryDirectory() as place:
        resealed = Path(place) / "checkpoint"
        shutil.copytree(folder, resealed)
        reseal(resealed)
        with suppress(RunError):
            _restore(resealed)
    session = _restore(folder)
    if session is not None and session.epoch:
        # With its hashes right, it is a checkpoint that was written, to the bit.
        assert all(bool((tensor == session.epoch).all()) for tensor in session.tensors().values())
        assert [row["val_loss"] for row in session.history] == [0.5] * session.epoch


def _restore(folder: Path) -> Session | None:
    said: list[str] = []
    session = _session()
    restored = restore_newest(folder, session, said.append)
    assert all(line.isprintable() for line in said)
    if not restored:
        return None
    kinds = [
        {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
        for tensors in (session.tensors(), session.expected_tensors(session.numbers()))
    ]
    assert kinds[0] == kinds[1]
    assert min(session.epoch, session.step) >= 0
    assert len(session.history) == session.epoch
    return session


TARGETS: dict[str, Target] = {
    "cube": Target(cube_seeds, read_cube, CubeError),
    "cutout": Target(cutout_seeds, read_cutout, PictureError),
    "keras": Target(keras_seeds, read_model, ModelFileError),
    "picture": Target(picture_seeds, read_cutout, PictureError),
    "list": Target(list_seeds, read_any_list, DataError),
    "hdf5": Target(hdf5_seeds, read_galaxy10, DataError),
    "recipe": Target(recipe_seeds, read_recipe, UsageError),
    "checkpoint": Target(checkpoint_seeds, read_checkpoints, RunError),
    "run": Target(run_seeds, read_run, RunError),
}
