"""From a folder of cubes to a run folder: ``kamerton train``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import torch

from kamerton.config import Preprocessing, Recipe, TrainSettings
from kamerton.data.cubes import LabelledCube, open_cube
from kamerton.errors import CubeError, UsageError
from kamerton.files import cannot_write, require_new, whole_file
from kamerton.formats.keras_file import has_keras_twin, write_keras
from kamerton.networks import build_network, count_parameters, find_network
from kamerton.runs import NOTEBOOK_COLUMNS, CubeRecord, Run, RunRecord, create_run, describe_device, versions
from kamerton.training.loop import Trainer
from kamerton.training.progress import Silent, Watcher
from kamerton.training.recipes import load_recipe

NOTEBOOK_MODELS = Path("Models")
NOTEBOOK_HISTORIES = Path("ResultLearning")


def train(
    data: str | Path,
    *,
    network: str = "alexnet",
    recipe: str = "notebook",
    epochs: int | None = None,
    batch_size: int | None = None,
    size: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    notebook_paths: bool = False,
    watcher: Watcher | None = None,
) -> Run:
    """Train ``network`` on ``data/train.fits``, validate on ``data/valid.fits``, and keep all in a new run folder.

    ``epochs`` and ``batch_size`` replace the recipe's; ``size`` (pixels) resizes the images; ``out`` defaults to
    ``runs/NETWORK-TIME``. With ``notebook_paths`` also ``Models/NAME_full.keras`` and ``ResultLearning/NAME_full.csv``
    are written in the current folder. Raises UsageError, OutputError and CubeError before anything is written.
    """
    settings = TrainSettings(size=size, seed=seed)
    plan = load_recipe(recipe, epochs=epochs, batch_size=batch_size)
    find_network(network)
    path = Path(out) if out is not None else _default_folder(network)
    require_new(path)
    copies = _notebook_copies(network) if notebook_paths else {}
    with ExitStack() as files:
        train_cube, valid_cube = (files.enter_context(open_cube(Path(data) / f"{s}.fits")) for s in ("train", "valid"))
        names = _shared_class_names(train_cube, valid_cube)
        side, _, channels = train_cube.image_shape
        preprocessing = Preprocessing(size=side if settings.size is None else settings.size, channels=channels)
        return _train_into(
            path,
            network,
            plan,
            preprocessing,
            names,
            settings.seed,
            train_cube,
            valid_cube,
            copies,
            watcher or Silent(),
        )


def _train_into(
    path: Path,
    network_name: str,
    recipe: Recipe,
    preprocessing: Preprocessing,
    class_names: tuple[str, ...],
    seed: int,
    train_cube: LabelledCube,
    valid_cube: LabelledCube,
    copies: Mapping[str, Path],
    watcher: Watcher,
) -> Run:
    device = choose_device()
    network = build_network(
        network_name,
        size=preprocessing.size,
        channels=preprocessing.channels,
        classes=len(class_names),
        seed=seed,
    ).to(device)
    record = RunRecord(
        network=network_name,
        parameters=sum(count_parameters(network)),
        class_names=class_names,
        preprocessing=preprocessing,
        seed=seed,
        recipe=recipe,
        weights_chosen_on="no split: the weights are those of the last epoch",
        # Both passes over the pixels also find NaN and the like before an hour is spent.
        data={"train": _cube_record(train_cube), "valid": _cube_record(valid_cube)},
        device=describe_device(device),
        versions=versions(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        origin="trained",
    )
    _make_parents(copies)
    run = create_run(path, record)
    try:
        Trainer(network, recipe, preprocessing, seed, device, watcher).fit(train_cube, valid_cube, run.append_history)
    finally:
        watcher.close()
    run.save_network(network)
    if has_keras_twin(network):
        write_keras(network, run.image_shape, run.keras_path, network_name)
    _write_notebook_copies(run, copies)
    return run


def choose_device() -> torch.device:
    """Take a CUDA card where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _default_folder(network: str) -> Path:
    return Path("runs") / f"{network}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _shared_class_names(train_cube: LabelledCube, valid_cube: LabelledCube) -> tuple[str, ...]:
    """Take the class names of both cubes, which must agree, and check that their images have one shape."""
    if train_cube.image_shape != valid_cube.image_shape:
        raise CubeError(
            f"{valid_cube.where()}: images have another shape than those of {train_cube.path}",
            received=f"{valid_cube.image_shape} beside {train_cube.image_shape}",
            next_step="make both cubes with one `kamerton data split`",
        )
    longer = max((train_cube.class_names, valid_cube.class_names), key=len)
    named = [cube.class_names for cube in (train_cube, valid_cube) if cube.has_class_names]
    if len(set(named)) > 1:
        raise CubeError(
            f"{valid_cube.path}: class names differ from those of {train_cube.path}",
            received=f"{valid_cube.class_names} beside {train_cube.class_names}",
            next_step="make both cubes with one `kamerton data split`",
        )
    names = named[0] if named else longer
    if len(longer) > len(names):
        raise CubeError(
            f"{train_cube.path}, {valid_cube.path}: a label is beyond the class names of the other cube",
            received=f"label {len(longer) - 1} with {len(names)} class names",
            next_step="correct the label or name every class",
        )
    if len(names) < 2:
        raise UsageError(
            f"{train_cube.path}: a network needs classes to tell apart",
            received=f"{names}",
            allowed="2 classes or more",
        )
    return names


def _cube_record(cube: LabelledCube) -> CubeRecord:
    return CubeRecord(path=str(cube.path), galaxies=len(cube), fingerprint=cube.fingerprint())


def _notebook_copies(network: str) -> dict[str, Path]:
    """Name the notebook's two files, which must not exist yet: no result is ever overwritten."""
    stem = f"{find_network(network).title.replace('-', '')}_full"
    copies = {"model": NOTEBOOK_MODELS / f"{stem}.keras", "history": NOTEBOOK_HISTORIES / f"{stem}.csv"}
    for path in copies.values():
        require_new(path)
    return copies


def _make_parents(copies: Mapping[str, Path]) -> None:
    """Make the notebook's folders before the long work, so that a place without permission is known at once."""
    for path in copies.values():
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise cannot_write(path.parent, error) from error


def _write_notebook_copies(run: Run, copies: Mapping[str, Path]) -> None:
    if not copies:
        return
    with whole_file(copies["history"]) as partial:
        run.history()[list(NOTEBOOK_COLUMNS)].to_csv(partial)
    if run.keras_path.exists():
        with whole_file(copies["model"]) as partial:
            shutil.copyfile(run.keras_path, partial)
