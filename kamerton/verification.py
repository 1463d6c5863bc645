"""Holding a run against its own record: ``kamerton verify``."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from kamerton.errors import KamertonError, RunError
from kamerton.evaluation.faults import fault_of_cube, fault_of_results
from kamerton.evaluation.results import mean_probabilities, read_all_predictions
from kamerton.explaining.kept import explanation_places, read_explained
from kamerton.explaining.kept import of_present_weights as explanation_of_present_weights
from kamerton.formats.exporting import working_on
from kamerton.formats.keras.file import read_keras
from kamerton.formats.onnx_file import onnx_difference
from kamerton.machine.computation import layout_here
from kamerton.machine.devices import choose_device
from kamerton.machine.repeatable import repeatable, threads_possible
from kamerton.runs.calibration import is_calibrated, read_calibration, read_known
from kamerton.runs.calibration import of_present_weights as calibration_of_present_weights
from kamerton.runs.checkpoints import newest_first, open_checkpoint
from kamerton.runs.contents import foreign_files
from kamerton.runs.ensembles import find_member, find_members, is_gone
from kamerton.runs.evaluation import evaluation_names, of_present_weights, read_metrics, read_predictions
from kamerton.runs.folder import CALIBRATION_FILE, Run, open_even_if_changed
from kamerton.runs.places import cube_places, find_cube
from kamerton.runs.record import CubeRecord, MemberRecord, RunRecord, record_differences, versions
from kamerton.runs.scores import Metrics, Predictions
from kamerton.starts.start import start_place
from kamerton.starts.table import STARTS
from kamerton.training.progress import Watcher
from kamerton.training.resume import EPOCHS
from kamerton.training.schedules import knows_its_end
from kamerton.training.train import train

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["same", "different", "stale", "not checked"]
"""``stale`` are results of weights that the run has no longer, as before it was extended."""


@dataclass(frozen=True)
class Check:
    """One thing that was held against the record."""

    what: str
    verdict: Verdict
    detail: str = ""

    def describe(self) -> str:
        """Say it in one line."""
        return f"{self.verdict:<11}  {self.what}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True)
class Verification:
    """What was checked of a run, and what came of it."""

    run: str
    checks: tuple[Check, ...]

    def __repr__(self) -> str:
        different = [check.what for check in self.checks if check.verdict == "different"]
        found = f"different: {', '.join(different)}" if different else "nothing differs from the record"
        return f"Verification({self.run}, {len(self.checks)} checks, {found})"

    @property
    def sound(self) -> bool:
        """Tell whether nothing differs from the record."""
        return all(check.verdict != "different" for check in self.checks)

    def describe(self) -> list[str]:
        """Say it in lines, one a check."""
        end = "nothing differs from the record" if self.sound else "THIS IS NOT THE RUN THAT ITS RECORD DESCRIBES"
        if any(check.verdict == "stale" for check in self.checks):
            end += ", and results are of weights that it has no longer"
        return [*(check.describe() for check in self.checks), f"{self.run}: {end}"]

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {"run": self.run, "sound": self.sound, "checks": [dataclasses.asdict(check) for check in self.checks]}


def verify(run: Run | str | Path, *, retrain: bool = False, watcher: Watcher | None = None) -> Verification:
    """Hold a run's files, and its cubes where they still are, against the fingerprints in its ``run.json``.

    With ``retrain`` the run is also trained again from its record, in a temporary folder, and the ends are compared.
    Raises RunError where the training has not ended, or where there is nothing to train again.
    """
    run = run if isinstance(run, Run) else open_even_if_changed(run)
    if run.record.results is None:
        raise RunError(
            f"{run.path}: the training has not ended, so there is nothing to verify yet",
            next_step="end it with `kamerton train ... --resume`",
        )
    checks = [*_files(run, watcher), *_start(run), *_cubes(run, watcher)]
    if retrain:
        checks += _again(run, watcher)
    return Verification(str(run.path), tuple(checks))


def _files(run: Run, watcher: Watcher | None) -> Iterator[Check]:
    results = run.record.results
    assert results is not None
    claimed = run.record.fingerprint(results.weights, results.history)
    if run.record.members:
        yield _checked("the fingerprint of run.json", results.fingerprint, lambda: claimed)
        for member in run.record.members:
            yield _member(run, member)
    else:
        yield _checked(run.weights_path.name, results.weights, run.weights_sha256)
        yield _checked(f"{run.history_path.name}, its times aside", results.history, run.history_sha256)
        yield _checked(run.seen_path.name, results.galaxies, run.seen_sha256)
        yield _checked("the fingerprint of run.json", results.fingerprint, lambda: claimed)
        if run.record.recipe is not None:
            yield _epoch(run)
        yield _keras(run, run.keras_path, watcher)
    if run.scaled_keras_path.exists():
        yield _keras(run, run.scaled_keras_path, watcher)
    if run.model_path("onnx").exists():
        yield _onnx(run, watcher)
    for path in newest_first(run.checkpoint_path):
        yield _checkpoint(path)
    if is_calibrated(run):
        yield _calibration(run)
    for dataset in evaluation_names(run):
        yield from _results(run, dataset, watcher)
    for place in explanation_places(run):
        yield _explanation(run, place)
    for name in foreign_files(run):
        yield Check(name, "not checked", "no file of Kamerton's")


def _member(ensemble: Run, member: MemberRecord) -> Check:
    """Look for a member of an ensemble where it is now, whole and with the weights that it had."""
    what = f"member {member.name}"
    try:
        find_member(ensemble, member)
    except KamertonError as error:
        return Check(what, "not checked" if is_gone(ensemble, member) else "different", str(error))
    return Check(what, "same")


def _mean(ensemble: Run, metrics: Metrics, predictions: Predictions, dataset: str) -> Check:
    """Average what the members' own tests hold, where they are still those that were averaged."""
    what = f"evaluation/{dataset}, the mean of its members"
    try:
        found = read_all_predictions(find_members(ensemble), dataset)
    except (OSError, KamertonError) as error:
        return Check(what, "not checked", str(error))
    if [one.metrics.seal for one in found] != [test.seal for test in metrics.averaged]:
        return Check(what, "not checked", "a member was tested again since")
    same = np.array_equal(mean_probabilities(found), predictions.probabilities)
    return _verdict(what, same, "it is another than that of their predictions")


def _checked(what: str, promised: str, found: Callable[[], str]) -> Check:
    """Compare a hash; what cannot be read is different."""
    try:
        same = found() == promised
    except (OSError, KamertonError) as error:
        return Check(what, "different", str(error))
    return Check(what, "same" if same else "different", "" if same else "changed since the training ended")


def _keras(run: Run, path: Path, watcher: Watcher | None) -> Check:
    """Compare the weights of the Keras twin with the run's own, number by number."""
    if not path.exists():
        return Check(path.name, "not checked", "there is none")
    _say_of(path, watcher)
    try:
        theirs = read_keras(path)
        ours = run.load_network().state_dict()
    except KamertonError as error:
        return Check(path.name, "different", str(error))
    if theirs.has_scaling != (path == run.scaled_keras_path):
        return Check(path.name, "different", "pixels are scaled in another way than its name says")
    same = theirs.network == run.record.network and all(
        name in ours and torch.equal(ours[name], tensor) for name, tensor in theirs.state.items()
    )
    return Check(path.name, "same" if same else "different", "" if same else "other weights than the run's")


def _onnx(run: Run, watcher: Watcher | None) -> Check:
    """Hold the exported ONNX model against what the run's network is exported as; neither is executed."""
    path = run.model_path("onnx")
    _say_of(path, watcher)
    try:
        detail = onnx_difference(run.load_network(), run.image_shape, run.record.class_names, path)
    except ImportError as error:
        return Check(path.name, "not checked", str(error))
    except KamertonError as error:
        return Check(path.name, "different", str(error))
    return Check(path.name, "different" if detail else "same", detail)


def _say_of(path: Path, watcher: Watcher | None) -> None:
    if watcher is not None:
        watcher.say(working_on(path, "reading"))


def _checkpoint(path: Path) -> Check:
    what = f"{path.parent.name}/{path.stem}"
    try:
        open_checkpoint(path)
    except RunError as error:
        return Check(what, "different", str(error))
    return Check(what, "same")


def _calibration(run: Run) -> Check:
    """Hold a calibration against the run's present weights, and the file of known galaxies against its hash."""
    try:
        calibration = read_calibration(run)
        assert calibration is not None
        read_known(run, calibration)
        is_present = calibration_of_present_weights(run, calibration)
    except (OSError, KamertonError) as error:
        return Check(CALIBRATION_FILE, "different", str(error))
    if not is_present:
        return Check(CALIBRATION_FILE, "stale", "of other weights than the run has now; calibrate it again")
    return Check(CALIBRATION_FILE, "same")


def _results(run: Run, dataset: str, watcher: Watcher | None) -> Iterator[Check]:
    """Hold an evaluation against the run's present weights, its own predictions, and its cube where that still is."""
    place = run.evaluation_path(dataset)
    what = f"{place.parent.name}/{place.name}"
    try:
        metrics = read_metrics(run, dataset)
        found = read_predictions(run, dataset, metrics.galaxies)
    except KamertonError as error:
        yield Check(what, "different", str(error))
        return
    if not of_present_weights(run, metrics):
        yield Check(what, "stale", "of other weights than the run has now; evaluate it again")
        return
    fault = fault_of_results(run, metrics, found)
    if not fault and metrics.seal is None:
        yield Check(what, "not checked", "of before results had a seal; its scores follow from its predictions")
    else:
        yield Check(what, "different" if fault else "same", fault)
    if run.record.members:
        yield _mean(run, metrics, found, dataset)
    yield _cube(
        run,
        CubeRecord(metrics.path, metrics.galaxies, metrics.fingerprint, metrics.beside),
        f"{dataset} cube",
        "other galaxies than the run was tested on, or damaged",
        lambda path: fault_of_cube(run, found, path),
        watcher,
    )


def _explanation(run: Run, place: Path) -> Check:
    """Tell of which weights an explanation is, by its receipt; maps would have to be made anew."""
    what = f"{place.parent.name}/{place.name}"
    try:
        of, _ = read_explained(place)
    except RunError as error:
        return Check(what, "different", str(error))
    if not explanation_of_present_weights(run, of):
        return Check(what, "stale", "of other weights than the run has now; explain it again")
    return Check(what, "not checked", "of the present weights by its receipt; maps and pictures are not looked at")


def _start(run: Run) -> Iterator[Check]:
    """Look for the learned weights that the training began with."""
    start = run.record.start
    if start is None:
        return
    what = f"start {start.name}"
    if start.kind == "table":
        known = STARTS.get(start.name)
        told = "Kamerton knows no weights of that name" if known is None else "Kamerton knows others of that name"
        same = known is not None and known.sha256 == start.sha256
        yield Check(what, "same" if same else "not checked", "" if same else told)
    elif start.kind == "timm":
        yield Check(what, "not checked", "timm would have to fetch it")
    else:
        place = start_place(run)
        told = "it is there no longer, or is another now" if place is None else ""
        yield Check(what, "not checked" if place is None else "same", told)


def _cubes(run: Run, watcher: Watcher | None) -> Iterator[Check]:
    for split, record in run.record.data.items():
        yield _cube(
            run,
            record,
            f"{split} cube",
            "other galaxies than the run learned from, or damaged",
            lambda _: "",
            watcher,
        )


def _cube(
    run: Run, record: CubeRecord, name: str, otherwise: str, fault_of: Callable[[Path], str], watcher: Watcher | None
) -> Check:
    """Look for a cube by its fingerprint, and at what else is to hold of it."""
    place = find_cube(run, record.path, record.beside, record.fingerprint, watcher)
    if place is not None:
        fault = fault_of(place)
        return Check(f"{name} {place}", "different" if fault else "same", fault)
    there = cube_places(run, record.path, record.beside)
    if there:
        return Check(f"{name} {there[0]}", "different", otherwise)
    return Check(f"{name} {record.path}", "not checked", "it is there no longer, nor beside the run")


def _epoch(run: Run) -> Check:
    """Hold the epoch of the kept weights against the one that the recipe chooses from the history."""
    results = run.record.results
    assert results is not None
    what = "the epoch of the weights"
    try:
        chosen = _chosen_epoch(run.record, run.history())
    except RunError as error:
        return Check(what, "not checked", str(error))
    return _verdict(what, results.epoch == chosen, f"run.json says {results.epoch}, and history.csv {chosen}")


def _chosen_epoch(record: RunRecord, history: pd.DataFrame) -> int:
    """Give the first of the best epochs, or the last, counted from 1, as the training chose it."""
    watched = record.weights_chosen_by.removeprefix("best ")
    if watched not in history or history[watched].isna().all():
        return len(history)
    values = history[watched].to_numpy()
    return 1 + int(np.nanargmax(values) if watched.endswith("accuracy") else np.nanargmin(values))


def _again(run: Run, watcher: Watcher | None) -> list[Check]:
    """Train the run again and compare weights and history, to the bit."""
    record = run.record
    places = [find_cube(run, cube.path, cube.beside, cube.fingerprint) for cube in record.data.values()]
    if None in places:
        raise RunError(
            f"{run.path}: its cubes are not there any more, so it cannot be trained again",
            received=", ".join(cube.path for cube in record.data.values()),
            next_step="bring them back, beside the run folder or to where they were",
        )
    folders = {place.parent for place in places if place is not None}
    if record.recipe is None or record.seed is None or len(folders) != 1:
        raise RunError(
            f"{run.path}: there is no training to repeat",
            received="an ensemble of runs" if record.members else f"weights imported from {record.imported_from}",
            next_step="verify its members with --retrain" if record.members else None,
        )
    if knows_its_end(record.recipe) and any(change.field == EPOCHS for change in record.changes):
        raise RunError(
            f"{run.path}: it was extended, and its learning rate follows from the number of epochs",
            received=f"a training of {record.recipe.epochs} epochs in parts",
            next_step="verify without --retrain, or train all epochs at once into a new folder",
        )
    if record.processes > 1:
        raise RunError(
            f"{run.path}: several processes learned together, and one alone would sum in another order",
            received=f"{record.processes} processes",
            next_step="verify without --retrain, or train again under torchrun into a new folder and compare",
        )
    start = None if record.start is None else start_place(run)
    if record.start is not None and start is None:
        raise RunError(
            f"{run.path}: what it began with is not there any more, so it cannot be trained again",
            received=record.start.path,
            allowed=f"weights of SHA-256 {record.start.sha256[:12]}",
            next_step="bring it back, beside the run folder or to where it was, or verify without --retrain",
        )
    with tempfile.TemporaryDirectory(prefix="kamerton-verify-") as folder:
        # The run's own number of threads, for the last bit of a sum depends on it.
        with repeatable(deterministic=record.deterministic, threads=record.threads):
            again = train(
                folders.pop(),
                network=record.network,
                recipe=record.recipe,
                size=record.preprocessing.size,
                seed=record.seed,
                deterministic=record.deterministic,
                start=start,
                layout=layout_here(record.layout, choose_device(), deterministic=record.deterministic),
                checkpoint_minutes=None,
                out=Path(folder) / run.name,
                watcher=watcher,
            )
        return [*_compared(run, again), *_elsewhere(run)]


def _compared(run: Run, again: Run) -> Iterator[Check]:
    old, new = run.record.results, again.record.results
    assert old is not None
    assert new is not None
    ours, theirs = run.load_network().state_dict(), again.load_network().state_dict()
    gap = max(float((ours[name].double() - theirs[name].double()).abs().max()) for name in ours)
    yield _verdict("weights, trained again", old.weights == new.weights, f"they differ by up to {gap:.3g}")
    yield _verdict("history, trained again", old.history == new.history, "other numbers in history.csv")


def _verdict(what: str, same: bool, otherwise: str) -> Check:
    return Check(what, "same" if same else "different", "" if same else otherwise)


def _elsewhere(run: Run) -> Iterator[Check]:
    """Say what is another than when the run was trained: it excuses other bits."""
    threads = run.record.threads
    possible = None if threads is None else threads_possible(threads)
    now = dataclasses.replace(run.record, versions=versions(), threads=possible)
    for name, (old, new) in record_differences(run.record, now).items():
        yield Check(name, "not checked", f"{new} now, {old} then")
