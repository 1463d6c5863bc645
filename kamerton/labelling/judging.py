"""Every galaxy, judged by a network that has not seen it: a fold's cubes, its training, and its test."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kamerton.arrays import Probabilities
from kamerton.config.labels import LabelsSettings
from kamerton.config.learning import TrainSettings
from kamerton.config.recipe import Recipe
from kamerton.data.cubes.writer import CubeWriter
from kamerton.errors import OutputError, RunError, TrainingStoppedError, as_typed
from kamerton.evaluation.evaluate import evaluate
from kamerton.files import remove_own, whole_folder
from kamerton.labelling.folds import HELD, Folds
from kamerton.labelling.galaxies import Galaxies
from kamerton.plurals import counted
from kamerton.runs.evaluation import evaluation_names, of_present_weights, read_metrics, read_predictions
from kamerton.runs.folder import Run, is_run, open_run
from kamerton.runs.scores import Metrics
from kamerton.training.progress import Watcher
from kamerton.training.train import train

RUNS, CUBES = "runs", "cubes"
"""The folders of the run folders and of the cubes that a fold needs while it is worked on."""

HELD_NAME = "held"
"""What the test of a fold's network on its own fold is called."""

PART_FILES = ("train.fits", "valid.fits", f"{HELD_NAME}.fits")
"""By what a galaxy is to a fold."""


@dataclass(frozen=True)
class Plan:
    """How the network of each fold is trained and tested."""

    out: Path
    network: str
    recipe: Recipe
    settings: LabelsSettings


@dataclass(frozen=True, eq=False)
class Judged:
    """What networks that had not seen them say of all galaxies."""

    probabilities: Probabilities
    runs: tuple[Run, ...]
    """One a fold."""
    metrics: tuple[Metrics, ...]
    """Of each on its own fold."""


def judge(plan: Plan, galaxies: Galaxies, folds: Folds, watcher_for: Callable[[], Watcher]) -> Judged:
    """Train and test the network of each fold, from wherever that stands, and put its answers together.

    RunError for a damaged run, OutputError where a link leads out of the folder, and TrainingStoppedError after a
    signal, which tells how to go on.
    """
    _refuse_links(plan)
    count = plan.settings.folds
    found = np.full((len(galaxies), len(galaxies.class_names)), np.nan, np.float32)
    runs, metrics = [], []
    for fold in range(count):
        rows = np.flatnonzero(np.array(folds.fold_of) == fold)
        ids = tuple(galaxies.ids[row] for row in rows)
        watcher = watcher_for()
        path = plan.out / RUNS / _fold_name(fold)
        if not _is_done(path):
            watcher.say(f"fold {fold + 1} of {count}: {counted(len(rows), 'galaxy')} to judge")
            try:
                _train_and_test(plan, galaxies, folds, fold, watcher)
            except TrainingStoppedError as stopped:
                place = f"in fold {fold + 1} of {count}, {stopped.place}"
                raise TrainingStoppedError(stopped.signal, place, plan.out) from stopped
        run = open_run(path)
        runs.append(run)
        metrics.append(read_metrics(run, HELD_NAME))
        found[rows] = _answers(run, metrics[-1], ids, galaxies.class_names)
        _remove_cubes(plan.out, fold)
    assert not np.isnan(found).any()
    return Judged(found, tuple(runs), tuple(metrics))


def _refuse_links(plan: Plan) -> None:
    """Refuse inner folders that are links (OutputError): what they lead to was not made here."""
    inner = [plan.out / name for name in (RUNS, CUBES)]
    for place in (*inner, *(folder / _fold_name(fold) for folder in inner for fold in range(plan.settings.folds))):
        if place.is_symlink():
            raise OutputError(
                f"{place} is a link, and nothing outside {plan.out} is written or removed",
                next_step="put a folder in its place",
            )


def _fold_name(fold: int) -> str:
    return f"fold-{fold + 1}"


def _is_done(path: Path) -> bool:
    if not is_run(path):
        return False
    run = open_run(path)
    return (
        run.is_finished and HELD_NAME in evaluation_names(run) and of_present_weights(run, read_metrics(run, HELD_NAME))
    )


def _train_and_test(plan: Plan, galaxies: Galaxies, folds: Folds, fold: int, watcher: Watcher) -> None:
    settings = plan.settings
    data = _write_cubes(plan.out, galaxies, folds, fold, settings.seed)
    asked: dict[str, Any] = {field.name: getattr(settings, field.name) for field in dataclasses.fields(TrainSettings)}
    # The plan's recipe has epochs, batch size and what freezing makes of it already.
    asked |= {"recipe": plan.recipe, "epochs": None, "batch_size": None}
    out = plan.out / RUNS / _fold_name(fold)
    run = train(data, network=plan.network, out=out, resume=True, watcher=watcher, **asked)
    held = data / PART_FILES[HELD]
    evaluate(run, held, eight_views=settings.eight_views, device=settings.device, name=HELD_NAME, watcher=watcher)


def _cubes_path(out: Path, fold: int) -> Path:
    return out / CUBES / _fold_name(fold)


def _write_cubes(out: Path, galaxies: Galaxies, folds: Folds, fold: int, seed: int) -> Path:
    """Write what a fold's network learns from, is watched on and judges, in one pass over the images."""
    parts = folds.parts(fold, galaxies.labels, seed)
    place = _cubes_path(out, fold)
    with whole_folder(place, existing="replace", own=PART_FILES) as folder, ExitStack() as files:
        writers = [
            files.enter_context(
                CubeWriter(
                    folder / name,
                    image_shape=galaxies.cubes[0].image_shape,
                    dtype=galaxies.dtype,
                    class_names=galaxies.class_names,
                )
            )
            for name in PART_FILES
        ]
        for rows, images_nhwc in galaxies.chunks():
            for number, writer in enumerate(writers):
                writer.append(images_nhwc[parts[rows] == number].astype(galaxies.dtype))
        for number, writer in enumerate(writers):
            chosen = parts == number
            history = [f"{PART_FILES[number]} of fold {fold + 1} of {galaxies.path.name}, seed {seed}, kamerton labels"]
            writer.finish(galaxies.labels[chosen], galaxies.catalogue[chosen], history, galaxies.origin)
    return place


def _remove_cubes(out: Path, fold: int) -> None:
    """Take away a fold's cubes, which can be made again from the data and the folds; five are as large as five sets."""
    place = _cubes_path(out, fold)
    remove_own(place, PART_FILES)
    with suppress(OSError):
        place.parent.rmdir()


def _answers(run: Run, metrics: Metrics, ids: tuple[str, ...], class_names: tuple[str, ...]) -> Probabilities:
    """Read what a fold's network says of its own galaxies; RunError where these are others, or were changed."""
    place = run.evaluation_path(HELD_NAME)
    predictions = read_predictions(run, HELD_NAME, metrics.galaxies)
    wrong = (
        "changed since they were written"
        if metrics.is_broken(predictions)
        else "of other galaxies"
        if predictions.ids != ids
        else "of other classes"
        if run.record.class_names != class_names
        else ""
    )
    if wrong:
        raise RunError(
            f"{place}: not what this fold's network said of its galaxies",
            received=f"predictions {wrong}",
            next_step=f"move {as_typed(run.path)} away and give the same command with --resume",
        )
    return predictions.probabilities
