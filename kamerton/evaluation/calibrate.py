"""Calibrating a run on a cube: ``kamerton calibrate``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kamerton import jupyter
from kamerton.arrays import Labels, Mask, Rows
from kamerton.certainty import outliers, scaling, sets
from kamerton.certainty.pixels import pixel_measures
from kamerton.config.judging import CalibrateSettings, SetMethod
from kamerton.config.machine import Device
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.errors import CubeError, RunError, warn
from kamerton.evaluation.comparing import calibrated_since
from kamerton.evaluation.cubes import (
    labels_of_run,
    refuse_diverged,
    same_galaxies,
    warn_of_another_origin,
    warn_of_another_record,
)
from kamerton.evaluation.leakage import check_leakage
from kamerton.evaluation.replaced import calibration_before
from kamerton.inference.engines import BATCH_IMAGES, Answers
from kamerton.inference.predictor import Predictor
from kamerton.plurals import counted
from kamerton.progress import Progress
from kamerton.quiet import Filter, Quiet
from kamerton.runs.calibration import (
    Calibration,
    Known,
    KnownRecord,
    calibration_path,
    require_calibration_place,
    write_calibration,
)
from kamerton.runs.evaluation import evaluation_names, read_metrics
from kamerton.runs.folder import Run, open_run
from kamerton.runs.lock import locked
from kamerton.runs.places import find_cube, from_run
from kamerton.runs.record import CubeRecord
from kamerton.runs.scores import Leakage

KNOWN_GALAXIES = 2000
"""Galaxies of each cube that are kept, evenly over its rows: distances to more would take as long as a network."""

HALVES_SEED = 0
"""Of the order in which galaxies are dealt out."""

_FEW_GALAXIES = Quiet(Filter("ignore", UserWarning, "The least populated class"))
"""What scikit-learn says of classes with fewer galaxies than parts."""


@dataclass(frozen=True)
class Calibrated:
    """A finished calibration: where it lies and what it is."""

    path: Path
    calibration: Calibration
    class_names: tuple[str, ...]
    tested_before: tuple[str, ...] = ()
    """Results of the run, by their names, that know nothing of this calibration."""
    replaced: str | None = None
    """What this took the place of, in words; None where there was none, or the same."""

    def describe(self) -> list[str]:
        """Say it in lines."""
        made = self.calibration
        losses = made.held_out_losses
        what = (
            f"temperature {made.temperature:.3f}" if made.temperature is not None else "a slope and an offset a class"
        )
        kept = made.kind
        lines = [
            f"{what}: log loss {losses['none']:.4f} before, {losses[kept]:.4f} after, on galaxies held out",
            f"sets that hold the class of {made.coverage:.1%} of each class's galaxies ({made.method}), "
            f"from {sum(made.galaxies)} others: {self._counts()}",
        ]
        if losses[kept] > losses["none"]:
            lines.insert(
                1,
                "that is more than before: on these galaxies the network's own probabilities are the better ones; "
                f"calibrate on more galaxies, or remove {self.path} to go on with the network's own",
            )
        if made.pooled:
            lines.append(
                f"too few for a threshold of their own, so that the promise is for them together: "
                f"{', '.join(made.pooled)}"
            )
        if self.replaced is not None:
            lines.append(f"the calibration of before is replaced: {self.replaced}")
        if self.tested_before:
            lines.append(
                f"results of before: {', '.join(self.tested_before)}; `kamerton evaluate` again, for tables and "
                "reports to show this calibration"
            )
        return lines

    def _counts(self) -> str:
        pairs = zip(self.class_names, self.calibration.galaxies, strict=True)
        return ", ".join(f"{name} {count}" for name, count in pairs)

    def as_json(self) -> dict[str, Any]:
        """Give everything to a program."""
        told = {"path": str(self.path), "tested_before": list(self.tested_before), "replaced": self.replaced}
        return {**told, "temperature": self.calibration.temperature, **self.calibration.as_json()}

    def __repr__(self) -> str:
        return f"Calibrated({self.path}, {'; '.join(self.describe())})"

    def _repr_html_(self) -> str:
        made = self.calibration
        columns = zip(self.class_names, made.galaxies, made.thresholds, made.slopes, made.offsets, strict=True)
        rows = [
            (name, str(count), *(f"{number:.3f}" for number in numbers), "yes" if name in made.pooled else "")
            for name, count, *numbers in columns
        ]
        return jupyter.block(
            str(self.path),
            jupyter.table((), [(line,) for line in self.describe()]),
            jupyter.table(("class", "galaxies", "threshold", "slope", "offset", "shared"), rows),
        )


def calibrate(
    run: Run | str | Path,
    cube: str | Path,
    *,
    coverage: float = CalibrateSettings.coverage,
    method: SetMethod = CalibrateSettings.method,
    eight_views: bool = CalibrateSettings.eight_views,
    int8: bool = CalibrateSettings.int8,
    device: Device = CalibrateSettings.device,
    watcher: Progress | None = None,
) -> Calibrated:
    """Make a run's probabilities as often right as they say, on a labelled cube that its training has not seen.

    One half of the cube's galaxies gives the temperature, or a slope and an offset a class where these lose less on
    galaxies held out, and the other half, for each class, the threshold with which sets of classes hold the true one
    with the probability ``coverage``. Galaxies of a class too rare for that share one. ``RUN/calibration.json`` keeps
    all of it, tied to the weights, and ``RUN/features/`` what it takes to tell galaxies unlike all of these. An earlier
    calibration is replaced.

    Raises RunError, CubeError where the run was trained on galaxies of the cube, or where there are too few, and
    OutputError where another process writes into the run.
    """
    settings = CalibrateSettings(coverage, method, eight_views, int8, device)
    run = run if isinstance(run, Run) else open_run(run)
    run.refuse_ensemble()
    with locked(run.path, "calibrate"), open_cube(cube, watcher=watcher) as galaxies:
        require_calibration_place(run)
        labels = labels_of_run(run, galaxies)
        _require_enough(galaxies, coverage)
        leakage = _require_unseen(run, galaxies)
        warn_of_another_record(run)
        warn_of_another_origin(run, galaxies)
        predictor = Predictor(run, eight_views=eight_views, int8=int8, device=device, watcher=watcher)
        answers = joined(list(predictor.answers_over_cube(galaxies)))
        refuse_diverged(run, galaxies, answers.probabilities)
        fitting = halves(labels, same_galaxies(galaxies))
        known = _known(run, predictor, answers, labels, watcher)
        calibration = _learn(run, galaxies, settings, leakage, labels, answers, fitting, known)
        path, before = calibration_path(run), calibration_before(run)
        written = write_calibration(run, calibration, known)
        replaced = None if before is None or before.made.fingerprint == written.fingerprint else before.in_words
        return Calibrated(path, written, run.record.class_names, _tested_before(run), replaced)


def _tested_before(run: Run) -> tuple[str, ...]:
    """Name the results that know nothing of the present calibration; of damaged ones whoever reads them tells."""
    found = []
    for name in evaluation_names(run):
        with suppress(RunError):
            if calibrated_since(run, read_metrics(run, name)):
                found.append(name)
    return tuple(found)


def joined(batches: Sequence[Answers]) -> Answers:
    """Join the answers of several batches into one."""
    names = ("probabilities", "logits", "features")
    return Answers(*(np.concatenate([getattr(one, name) for one in batches]) for name in names))


def _require_enough(cube: LabelledCube, coverage: float) -> None:
    needed = 2 * max(sets.FEWEST_GALAXIES, sets.galaxies_needed(coverage))
    if len(cube) < needed:
        raise CubeError(
            f"{cube.path}: too few galaxies to calibrate a run for a coverage of {coverage:g}",
            received=counted(len(cube), "galaxy"),
            allowed=f"{needed} or more, and better a hundred a class",
            next_step="take a larger cube, or a smaller coverage",
        )


def _require_unseen(run: Run, cube: LabelledCube) -> Leakage:
    """Refuse galaxies that the run was trained on, and say of others what is known."""
    leakage = check_leakage(run, cube)
    seen, likely = leakage.seen, leakage.likely
    if seen is None:
        warn(
            f"{run.path}: nobody recorded which galaxies these weights have seen",
            next_step=f"make sure that none of {cube.path} are among them, or all that follows is too sure",
        )
    elif seen.get("train"):
        raise CubeError(
            f"{cube.path}: {run.name} was trained on galaxies of this cube, which it is surer of than of any others",
            received=f"{seen['train']} of {len(cube)} galaxies",
            allowed="a cube that training has not seen, or the validation set",
            next_step="calibrate on such a cube",
        )
    elif seen.get("valid"):
        warn(
            f"{cube.path}: shares {seen['valid']} of {len(cube)} galaxies with the validation set",
            received=f"weights that are those of: {run.record.weights_chosen_by}",
            next_step="for a promise that holds strictly, calibrate on galaxies that no choice was made on",
        )
    elif any(likely.values()):
        warn(
            f"{cube.path}: pictures of {sum(likely.values())} of {len(cube)} galaxies are like some that {run.name} "
            "has seen",
            next_step="`kamerton data check` lists the pairs",
        )
    return leakage


def halves(labels: Labels, groups: Sequence[str] | None) -> Mask:
    """Choose one half of the galaxies (n,), with half of each class; those of one group stay together."""
    return np.asarray(dealt(labels, groups, 2) == 0)


def dealt(labels: Labels, groups: Sequence[str] | None, parts: int) -> Rows:
    """Deal galaxies out into parts, class by class and whole groups at a time; (n,) the part of each."""
    from sklearn.model_selection import StratifiedGroupKFold

    names = groups or ("",) * len(labels)
    _, places = np.unique([name or f"\0{row}" for row, name in enumerate(names)], return_inverse=True)
    found = np.zeros(len(labels), np.int64)
    # No more parts than the commonest class has galaxies, which is all that is asked of them.
    parts = min(parts, int(np.bincount(labels).max()))
    if parts < 2:
        return found
    dealer = StratifiedGroupKFold(parts, shuffle=True, random_state=HALVES_SEED)
    with _FEW_GALAXIES:
        for part, (_, rows) in enumerate(dealer.split(labels, labels, places)):
            found[rows] = part
    return found


def _known(
    run: Run, predictor: Predictor, answers: Answers, labels: Labels, watcher: Progress | None
) -> dict[str, np.ndarray[Any, Any]]:
    """Gather what tells galaxies unlike all known ones: those of the training cube, and of this one beside them."""
    rows = evenly(len(labels))
    kept = {
        "energies": np.sort(outliers.energies(answers.logits[rows])),
        "labels": labels[rows],
        "log_probabilities": scaling.log_probabilities(answers.probabilities[rows]).astype(np.float32),
    }
    training = _training_answers(run, predictor, watcher)
    if training is None:
        return kept
    learned, pixels = training
    space = outliers.learn_space(learned.features)
    points, calibrating = space.points(learned.features), space.points(answers.features[rows])
    axes = {} if space.axes is None else {"axes": space.axes}
    return {
        **kept,
        **axes,
        "centre": space.centre,
        "weights": space.weights,
        "training": points,
        "training_pixels": pixels,
        "calibrating": calibrating,
        "distances": np.sort(outliers.distances(calibrating, points)),
    }


def evenly(count: int) -> Rows:
    """Choose at most KNOWN_GALAXIES rows, evenly over all."""
    return np.linspace(0, count - 1, min(count, KNOWN_GALAXIES)).astype(np.int64)


def _training_answers(
    run: Run, predictor: Predictor, watcher: Progress | None
) -> tuple[Answers, np.ndarray[Any, Any]] | None:
    """Let the network answer for galaxies that it was trained on, and measure them; None where they are gone."""
    record = run.record.data.get("train")
    place = None if record is None else find_cube(run, record.path, record.beside, record.fingerprint, watcher)
    if place is None:
        warn(
            f"{run.path}: its training cube is not there, so distances to what it learned from cannot be told",
            received="no record of it" if record is None else f"not at {record.path}, nor beside the run",
            next_step="bring it back and calibrate again; probabilities and sets need none",
        )
        return None
    found, pixels = [], []
    with open_cube(place) as cube:
        rows = evenly(len(cube))
        for start in range(0, len(rows), BATCH_IMAGES):
            images_nhwc = cube.read(rows[start : start + BATCH_IMAGES])
            found.append(predictor.answers(images_nhwc))
            pixels.append(pixel_measures(images_nhwc))
    return joined(found), np.concatenate(pixels)


def _learn(
    run: Run,
    cube: LabelledCube,
    settings: CalibrateSettings,
    leakage: Leakage,
    labels: Labels,
    answers: Answers,
    fitting: Mask,
    known: Known,
) -> Calibration:
    """Fit the scaling on one half of the galaxies, and find the thresholds on the other."""
    log_p = scaling.log_probabilities(answers.probabilities)
    groups = same_galaxies(cube)
    half_groups = None if groups is None else [group for group, is_in in zip(groups, fitting, strict=True) if is_in]
    folds = dealt(labels[fitting], half_groups, scaling.FOLDS)
    choice = scaling.choose_scaling(log_p[fitting], labels[fitting], folds)
    calibrated = choice.scaling(log_p[~fitting]).astype(np.float32)
    found = sets.find_thresholds(sets.scores(calibrated, settings.method), labels[~fitting], settings.coverage)
    if found is None:
        raise CubeError(
            f"{cube.path}: too few galaxies to calibrate a run for a coverage of {settings.coverage:g}",
            received=f"{counted(int((~fitting).sum()), 'galaxy')} in the half that the sets come from",
            allowed=f"{sets.galaxies_needed(settings.coverage)} or more",
            next_step="take a larger cube, or a smaller coverage",
        )
    names = run.record.class_names
    return Calibration(
        weights_sha256=run.weights_sha256(),
        cube=CubeRecord(str(cube.path.resolve()), len(cube), cube.fingerprint(), from_run(run.path, cube.path)),
        leakage=leakage.status,
        seen=leakage.seen,
        views=8 if settings.eight_views else 1,
        precision="int8" if settings.int8 else "float32",
        coverage=settings.coverage,
        method=settings.method,
        kind="vector" if choice.is_vector else "temperature",
        slopes=tuple(choice.scaling.slopes.tolist()),
        offsets=tuple(choice.scaling.offsets.tolist()),
        held_out_losses=choice.held_out_losses,
        galaxies=found.galaxies,
        thresholds=found.values,
        pooled=tuple(names[place] for place in found.pooled),
        known=_record(answers, known),
    )


def _record(answers: Answers, known: Known) -> KnownRecord:
    return KnownRecord(
        sha256="0" * 64,
        features=answers.features.shape[1],
        axes=known["axes"].shape[1] if "axes" in known else 0,
        training=len(known["training"]) if "training" in known else 0,
        calibrating=len(known["energies"]),
    )
