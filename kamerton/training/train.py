"""From a folder of cubes to a run folder: ``kamerton train``."""

from __future__ import annotations

import dataclasses
import logging
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from kamerton.checks import as_path
from kamerton.config.learning import TrainSettings
from kamerton.config.machine import Device, Layout
from kamerton.config.pictures import Preprocessing
from kamerton.config.recipe import Recipe
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.identity import cube_marks
from kamerton.errors import OutputError, RunError, UsageError, as_typed
from kamerton.files import require_new
from kamerton.formats.exporting import working_on
from kamerton.formats.keras.file import has_keras_twin, write_keras
from kamerton.machine.computation import choose_computation
from kamerton.machine.devices import choose_device, describe_device
from kamerton.machine.memory import peak_memory_bytes
from kamerton.machine.repeatable import repeatable, threads_possible, warn_of_varying_threads
from kamerton.networks.layouts import asked_layout
from kamerton.networks.registry import build_network, count_parameters, find_network
from kamerton.recipes import load_recipe
from kamerton.runs.checkpoints import keep_newest, newest_first
from kamerton.runs.folder import Run, create_run, is_run, open_run
from kamerton.runs.lock import locked
from kamerton.runs.places import from_run
from kamerton.runs.record import CubeRecord, RunRecord, settled_in_words, versions
from kamerton.starts.start import Start, implied_start, named_start, open_start, require_start
from kamerton.training.checkpoint import restore_newest
from kamerton.training.cubes import (
    cube_paths,
    shared_class_names,
    shared_origin,
    warn_of_seen_validation,
    warn_of_training_classes,
)
from kamerton.training.frozen import FrozenTrainer, with_head
from kamerton.training.keeping import RunKeeper, StopRequest, stoppable
from kamerton.training.loop import Trainer
from kamerton.training.notebook_files import (
    make_parents,
    notebook_copies,
    warn_of_another_recipe,
    write_notebook_copies,
)
from kamerton.training.processes import Processes, joined, process_count, rank
from kamerton.training.progress import Silent, Watcher
from kamerton.training.regularise import how_it_learns, regularised
from kamerton.training.resume import continue_run
from kamerton.training.schedules import standstill
from kamerton.training.session import Session

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cubes:
    """What a network learns from, and what it is watched on."""

    train: LabelledCube
    valid: LabelledCube


def train(
    data: str | Path,
    *,
    network: str,
    recipe: str | Recipe = TrainSettings.recipe,
    epochs: int | None = TrainSettings.epochs,
    batch_size: int | None = TrainSettings.batch_size,
    size: int | None = TrainSettings.size,
    seed: int = TrainSettings.seed,
    checkpoint_minutes: float | None = TrainSettings.checkpoint_minutes,
    checkpoint_steps: int | None = TrainSettings.checkpoint_steps,
    deterministic: bool | None = TrainSettings.deterministic,
    device: Device = TrainSettings.device,
    start: Run | str | Path | None = TrainSettings.start,
    freeze: bool = TrainSettings.freeze,
    layout: Layout = TrainSettings.layout,
    out: str | Path | None = None,
    resume: bool = False,
    notebook_paths: bool = False,
    watcher: Watcher | None = None,
) -> Run:
    """Train ``network`` on ``data/train.fits``, validate on ``data/valid.fits``, and keep all in a run folder.

    The settings from ``recipe`` to ``layout`` are those of `kamerton.config.learning.TrainSettings`; ``out``
    defaults to ``runs/NETWORK-TIME`` and must be new. With ``resume`` the training in ``out`` goes on from its newest
    whole checkpoint, to the same bits as if it had never stopped; where nothing is there yet, it begins. With
    ``notebook_paths`` also ``Models/NAME_full.keras`` and ``ResultLearning/NAME_full.csv`` are written in the current
    folder. Under torchrun the processes learn together, each from its part of every batch, and ``out`` must be given;
    the first one writes. Raises UsageError, OutputError and CubeError before anything is written, and
    TrainingStoppedError after SIGINT or SIGTERM, with a checkpoint written.
    """
    settings = TrainSettings(
        recipe=recipe,
        epochs=epochs,
        batch_size=batch_size,
        size=size,
        seed=seed,
        checkpoint_minutes=checkpoint_minutes,
        checkpoint_steps=checkpoint_steps,
        deterministic=deterministic,
        device=device,
        start=named_start(start),
        freeze=freeze,
        layout=layout,
    )
    watcher = watcher or Silent()
    plan = load_recipe(recipe, epochs=epochs, batch_size=batch_size, freeze=freeze)
    find_network(network)
    require_start(plan, network, settings.start)
    places = cube_paths(as_path(data, "data"))
    path = _run_path(out, network, resume=resume)
    copies = notebook_copies(network) if notebook_paths else {}
    if copies:
        warn_of_another_recipe(plan)
    warn_of_varying_threads()
    with stoppable(path) as stop, ExitStack() as held:
        if rank() == 0 and path.is_dir():
            held.enter_context(locked(path, "train"))
        cubes = Cubes(*(held.enter_context(open_cube(place, watcher=watcher)) for place in places))
        record = _record(network, plan, settings, cubes, path)
        given = settings.start or implied_start(network)
        begin = _open_start(given, record, path, watcher)
        record = dataclasses.replace(record, start=begin if begin is None else begin.record)
        LOG.info("settled: %s", settled_in_words(record))
        processes = held.enter_context(joined(choose_device(device)))
        if processes.is_first:
            warn_of_seen_validation(cubes.valid, {} if begin is None else begin.seen)
            warn_of_training_classes(cubes.train, cubes.valid, record.class_names)
            make_parents(copies)
            if resume and is_run(path):
                run = continue_run(path, record, watcher.say, layout_left_open=layout == "auto")
                _complete(run, cubes, begin)
            else:
                if not path.is_dir():
                    held.enter_context(locked(path, "train"))
                _begin(path, record, cubes, begin)
        processes.wait()
        run = open_run(path)
        if run.is_finished:
            watcher.say(f"{run.path}: this training has ended already")
            return run
        if standstill(plan):
            watcher.say(standstill(plan))
        _learn(run, cubes, settings, begin, watcher, processes, stop)
        processes.wait()
        if processes.is_first:
            write_notebook_copies(run, copies)
    return open_run(path)


def _open_start(given: str | None, record: RunRecord, path: Path, watcher: Watcher) -> Start | None:
    """Find what a training begins with, and see that it fits, before anything is written.

    Only the first process needs it, whose weights PyTorch gives to the others; and a run of timm's weights that is on
    its way already needs them no more, so that nothing is fetched again.
    """
    if given is None or rank() != 0:
        return None
    if is_run(path) and newest_first(Run(path, record).checkpoint_path):
        kept = open_run(path).record.start
        if kept is not None and kept.kind == "timm" and kept.name == given:
            return Start(kept, {})
    start = open_start(given, record, path, watcher)
    network = build_network(record.network, **record.network_shape)
    start.give_to(network, record)
    if record.recipe is not None and record.recipe.frozen:
        with_head(network, record.preprocessing)
    return start


def _begin(path: Path, record: RunRecord, cubes: Cubes, start: Start | None) -> None:
    """Make the run folder, or nothing at all."""
    run = create_run(path, record)
    try:
        _save_seen(run, cubes, start)
    except BaseException:
        run.discard()
        raise


def _complete(run: Run, cubes: Cubes, start: Start | None) -> None:
    """Write what a process did not come to that was killed while it made the run folder of these same cubes."""
    if not run.is_finished:
        try:
            run.seen()
        except RunError:
            _save_seen(run, cubes, start)


def _save_seen(run: Run, cubes: Cubes, start: Start | None) -> None:
    """Keep what galaxies are known again by: those of the cubes, and those that the start has seen."""
    before = {} if start is None else start.seen
    run.save_seen({"train": cube_marks(cubes.train), "valid": cube_marks(cubes.valid), **before})


def _learn(
    run: Run,
    cubes: Cubes,
    settings: TrainSettings,
    start: Start | None,
    watcher: Watcher,
    processes: Processes,
    stop: StopRequest,
) -> None:
    """Bring a run from where it stands to its end."""
    record = run.record
    assert record.recipe is not None
    assert record.seed is not None
    # The run's own layout, which "auto" may have chosen on another machine.
    computation = choose_computation(
        choose_device(settings.device), deterministic=record.deterministic, layout=record.layout
    )
    network = computation.lay_out(run.build_network().to(computation.device))
    session = Session.start(network, record.recipe)
    if restore_newest(run.checkpoint_path, session, watcher.say):
        watcher.say(f"resuming after {session.epoch} epochs and {session.step} batches")
    elif start is not None:
        start.give_to(network, record)
        watcher.say(start.record.in_words)
    if how := how_it_learns(network, record.recipe, started=record.start is not None):
        watcher.say(how)
    if processes.is_first:
        run.write_history(session.history)
    try:
        with (
            repeatable(deterministic=record.deterministic, threads=record.threads),
            regularised(network, record.recipe),
            processes.together(network),
            stop.noted(),
        ):
            trainer = (FrozenTrainer if record.recipe.frozen else Trainer)(
                network=network,
                recipe=record.recipe,
                preprocessing=record.preprocessing,
                seed=record.seed,
                computation=computation,
                watcher=watcher,
                processes=processes,
            )
            trainer.fit(session, cubes.train, cubes.valid, RunKeeper(run, settings, stop, processes))
    finally:
        watcher.close()
    stop.place = "after the last batch"
    if processes.is_first:
        _finish(run, network, session, watcher)


def _finish(run: Run, network: torch.nn.Module, session: Session, watcher: Watcher) -> None:
    """Write the weights that are to be kept, and what goes with them."""
    epoch = session.choose_weights()
    # Keras takes its memory from what this frees.
    session.let_go()
    if has_keras_twin(network):
        watcher.say(working_on(run.keras_path))
        write_keras(network, run.image_shape, run.keras_path, run.record.network)
    else:
        watcher.say(
            f"no {run.keras_path.name}, for Keras has no such layers as {run.record.network}; for other programs: "
            f"kamerton export {as_typed(run.path)} --to onnx"
        )
    run.update(dataclasses.replace(run.record, peak_memory_bytes=peak_memory_bytes()))
    run.finish(network, epoch)
    # One is enough to extend the run later.
    keep_newest(run.checkpoint_path, 1)


def _record(network_name: str, recipe: Recipe, settings: TrainSettings, cubes: Cubes, run: Path) -> RunRecord:
    """Resolve every setting, and look at every pixel: NaN and the like are found before an hour is spent."""
    names = shared_class_names(cubes.train, cubes.valid)
    side, _, channels = cubes.train.image_shape
    preprocessing = Preprocessing(size=side if settings.size is None else settings.size, channels=channels)
    network = build_network(network_name, size=preprocessing.size, channels=channels, classes=len(names))
    device = choose_device(settings.device)
    deterministic = device.type == "cpu" if settings.deterministic is None else settings.deterministic
    layout = asked_layout(
        settings.layout, find_network(network_name), preprocessing.size, device, deterministic=deterministic
    )
    computation = choose_computation(device, deterministic=deterministic, layout=layout)
    return RunRecord(
        network=network_name,
        parameters=sum(count_parameters(network)),
        class_names=names,
        preprocessing=preprocessing,
        seed=settings.seed,
        recipe=recipe,
        data={"train": _cube_record(cubes.train, run), "valid": _cube_record(cubes.valid, run)},
        device=describe_device(device),
        threads=threads_possible(torch.get_num_threads()),
        deterministic=deterministic,
        versions=versions(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        processes=process_count(),
        precision=computation.precision,
        convolutions=computation.convolutions,
        channels_last=computation.channels_last,
        compiled=computation.compiled,
        pixel_origin=shared_origin(cubes.train, cubes.valid),
    )


def _cube_record(cube: LabelledCube, run: Path) -> CubeRecord:
    return CubeRecord(
        path=str(cube.path.absolute()),
        galaxies=len(cube),
        fingerprint=cube.fingerprint(),
        beside=from_run(run, cube.path),
    )


def _run_path(out: str | Path | None, network: str, *, resume: bool) -> Path:
    if out is not None:
        path = as_path(out, "out")
        if not resume and rank() == 0:
            if is_run(path):
                raise OutputError(
                    f"{path} exists already",
                    received="a run",
                    next_step="go on with it by --resume, choose another name, or move it away",
                )
            require_new(path)
        return path
    if process_count() > 1:
        raise UsageError(
            "Several processes must know one run folder", received="no folder", next_step="name it with --out"
        )
    if resume:
        raise UsageError("Resuming needs to know the run", allowed="the run's folder", next_step="name it with --out")
    return Path("runs") / f"{network}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
