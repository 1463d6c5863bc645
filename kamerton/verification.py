"""Holding a run against its own record: ``kamerton verify``."""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from kamerton.config import TrainSettings
from kamerton.errors import KamertonError, RunError
from kamerton.evaluation.metrics import classification_metrics
from kamerton.formats.keras.file import read_keras
from kamerton.formats.onnx_file import onnx_difference
from kamerton.machine.repeatable import repeatable, threads_possible
from kamerton.runs.checkpoints import newest_first, open_checkpoint
from kamerton.runs.contents import foreign_files
from kamerton.runs.evaluation import evaluation_names, of_present_weights, read_metrics, read_predictions
from kamerton.runs.folder import Run, open_run
from kamerton.runs.places import cube_places, find_cube
from kamerton.runs.record import record_differences, versions
from kamerton.training.progress import Watcher
from kamerton.training.resume import EPOCHS
from kamerton.training.schedules import knows_its_end
from kamerton.training.train import train

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
    run = run if isinstance(run, Run) else open_run(run)
    if run.record.results is None:
        raise RunError(
            f"{run.path}: the training has not ended, so there is nothing to verify yet",
            next_step="end it with `kamerton train ... --resume`",
        )
    checks = list(_files(run)) + list(_cubes(run, watcher))
    if retrain:
        checks += _again(run, watcher)
    return Verification(str(run.path), tuple(checks))


def _files(run: Run) -> Iterator[Check]:
    results = run.record.results
    assert results is not None
    yield _checked(run.weights_path.name, results.weights, run.weights_sha256)
    yield _checked(f"{run.history_path.name}, its times aside", results.history, run.history_sha256)
    yield _checked(run.seen_path.name, results.galaxies, run.seen_sha256)
    claimed = run.record.fingerprint(results.weights, results.history)
    yield _checked("the fingerprint of run.json", results.fingerprint, lambda: claimed)
    yield _keras(run, run.keras_path)
    if run.scaled_keras_path.exists():
        yield _keras(run, run.scaled_keras_path)
    if run.model_path("onnx").exists():
        yield _onnx(run)
    for path in newest_first(run.checkpoint_path):
        yield _checkpoint(path)
    for dataset in evaluation_names(run):
        yield _results(run, dataset)
    for name in foreign_files(run):
        yield Check(name, "not checked", "no file of Kamerton's")


def _checked(what: str, promised: str, found: Callable[[], str]) -> Check:
    """Compare a hash; what cannot be read is different."""
    try:
        same = found() == promised
    except (OSError, KamertonError) as error:
        return Check(what, "different", str(error))
    return Check(what, "same" if same else "different", "" if same else "changed since the training ended")


def _keras(run: Run, path: Path) -> Check:
    """Compare the weights of the Keras twin with the run's own, number by number."""
    if not path.exists():
        return Check(path.name, "not checked", "there is none")
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


def _onnx(run: Run) -> Check:
    """Hold the exported ONNX model against what the run's network is exported as; neither is executed."""
    path = run.model_path("onnx")
    try:
        detail = onnx_difference(run.load_network(), run.image_shape, run.record.class_names, path)
    except ImportError as error:
        return Check(path.name, "not checked", str(error))
    except KamertonError as error:
        return Check(path.name, "different", str(error))
    return Check(path.name, "different" if detail else "same", detail)


def _checkpoint(path: Path) -> Check:
    what = f"{path.parent.name}/{path.stem}"
    try:
        open_checkpoint(path)
    except RunError as error:
        return Check(what, "different", str(error))
    return Check(what, "same")


def _results(run: Run, dataset: str) -> Check:
    """Hold an evaluation against the run's present weights, and its metrics against its predictions."""
    place = run.evaluation_path(dataset)
    what = f"{place.parent.name}/{place.name}"
    try:
        metrics = read_metrics(run, dataset)
        found = read_predictions(run, dataset, metrics.galaxies)
    except KamertonError as error:
        return Check(what, "different", str(error))
    if not of_present_weights(run, metrics):
        return Check(what, "stale", "of other weights than the run has now; evaluate it again")
    scores = classification_metrics(found.labels, found.probabilities, run.record.class_names)
    wrong = [name for name, value in vars(scores).items() if not _close(getattr(metrics, name), value)]
    if wrong:
        return Check(what, "different", f"the predictions give other values of {', '.join(wrong)}")
    return Check(what, "same")


def _close(claimed: object, found: object) -> bool:
    """Compare plain values and all inside them; scikit-learn's versions may differ in the last digits of a number."""
    if isinstance(claimed, float) and isinstance(found, float):
        return math.isclose(claimed, found, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(claimed, tuple) and isinstance(found, tuple):
        return len(claimed) == len(found) and all(map(_close, claimed, found))
    if dataclasses.is_dataclass(claimed) and dataclasses.is_dataclass(found):
        return _close(tuple(vars(claimed).values()), tuple(vars(found).values()))
    return claimed == found


def _cubes(run: Run, watcher: Watcher | None) -> Iterator[Check]:
    for split, record in run.record.data.items():
        there = cube_places(run, record.path, record.beside)
        place = find_cube(run, record.path, record.beside, record.fingerprint, watcher)
        if place is not None:
            yield Check(f"{split} cube {place}", "same")
        elif there:
            detail = "other galaxies than the run learned from, or damaged"
            yield Check(f"{split} cube {there[0]}", "different", detail)
        else:
            yield Check(f"{split} cube {record.path}", "not checked", "it is there no longer, nor beside the run")


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
            f"{run.path}: there is no training to repeat", received=f"weights imported from {record.imported_from}"
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
                convolutions=record.convolutions or TrainSettings.convolutions,
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
