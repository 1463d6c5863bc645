"""Testing a run on a cube: ``kamerton evaluate``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kamerton import jupyter
from kamerton.arrays import Probabilities
from kamerton.certainty.judging import Certainty, read_certainty
from kamerton.checks import as_path, several
from kamerton.config.judging import EvaluateSettings
from kamerton.config.machine import Device
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.errors import OutputError, RunError, UsageError, warn
from kamerton.evaluation.cost import Cost, cost_of
from kamerton.evaluation.cubes import (
    catalogue_column,
    labels_of_run,
    refuse_diverged,
    same_galaxies,
    warn_of_another_origin,
    warn_of_another_record,
)
from kamerton.evaluation.evaluate_figures import draw_evaluation
from kamerton.evaluation.groups import grouped_scores, warn_of_small_groups
from kamerton.evaluation.guessing import AgainstGuess, against_guess, guess_warning
from kamerton.evaluation.leakage import check_leakage, leakage_warning
from kamerton.evaluation.metrics import HEADLINES, classification_metrics
from kamerton.evaluation.reliability import (
    CERTAINTY_COLUMNS,
    SET_COLUMNS,
    certainty_rows,
    certainty_scores,
    set_rows,
)
from kamerton.evaluation.replaced import results_before, warn_of_replaced
from kamerton.evaluation.results import mean_probabilities, read_all_predictions
from kamerton.evaluation.statistics import share_interval, with_intervals
from kamerton.files import whole_folder
from kamerton.inference.predictor import Predictor
from kamerton.plurals import counted
from kamerton.progress import Progress
from kamerton.runs.ensembles import ensemble_of, find_members, open_same, usual_place
from kamerton.runs.evaluation import (
    dataset_name,
    evaluation_names,
    of_present_weights,
    picture_in,
    read_metrics,
    require_place,
    tested_on,
    write_evaluation,
)
from kamerton.runs.folder import Run, is_run, open_run
from kamerton.runs.lock import locked
from kamerton.runs.places import from_run
from kamerton.runs.scores import Averaged, Metrics, Predictions


@dataclass(frozen=True)
class Evaluation:
    """A finished test: where it lies and what it found."""

    path: Path
    metrics: Metrics

    @property
    def guess(self) -> AgainstGuess | None:
        """Hold the answers against guessing; None for a test of one class only."""
        names = [row.class_name for row in self.metrics.per_class]
        return against_guess(np.array(self.metrics.confusion_matrix), names)

    @property
    def warnings(self) -> list[str]:
        """Say what a reader of the numbers must be told first: leaks, and that they are no better than guessing."""
        leaked = leakage_warning(self.metrics.leakage, self.metrics.galaxies)
        return [warning for warning in (leaked, guess_warning(self.guess)) if warning]

    @property
    def tested_on(self) -> str:
        """What it was tested on, for a reader."""
        return tested_on(self.path.name, self.metrics.dataset)

    @property
    def cost(self) -> Cost:
        """What the run costs, or all members of an ensemble together."""
        return cost_of([open_run(self.path.parents[1])])

    def __repr__(self) -> str:
        named = dataclasses.replace(self.metrics, dataset=self.tested_on)
        return f"Evaluation{repr(named).removeprefix('Metrics')}"

    def _repr_html_(self) -> str:
        metrics = self.metrics
        headline = [(name.replace("_", " "), _number(getattr(metrics, name))) for name in HEADLINES]
        scores = [
            (row.class_name, *map(_number, (row.precision, row.recall, row.f1)), str(row.support))
            for row in metrics.per_class
        ]
        return jupyter.block(
            f"{metrics.run} on {self.tested_on}, {counted(metrics.galaxies, 'galaxy')}",
            jupyter.warnings(self.warnings),
            jupyter.table((), headline),
            jupyter.table(("class", "precision", "recall", "F1", "galaxies"), scores),
            jupyter.table(CERTAINTY_COLUMNS, certainty_rows(metrics.certainty)),
            jupyter.table(SET_COLUMNS, set_rows(metrics.certainty)),
            jupyter.picture(picture_in(self.path, "confusion"), "confusion matrix"),
            jupyter.picture(picture_in(self.path, "reliability"), "reliability diagram"),
        )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def evaluate(
    runs: Run | str | Path | Iterable[Run | str | Path],
    cube: str | Path,
    *,
    by: str | None = EvaluateSettings.by,
    eight_views: bool = EvaluateSettings.eight_views,
    int8: bool = EvaluateSettings.int8,
    device: Device = EvaluateSettings.device,
    name: str | None = EvaluateSettings.name,
    out: str | Path | None = None,
    overwrite: bool = False,
    watcher: Progress | None = None,
) -> Evaluation:
    """Test a run on a labelled cube and keep the results in ``RUN/evaluation/NAME/``, or several runs as one ensemble.

    ``name`` is by default that of the cube's file, so two cubes of one name need it.
    ``by`` names a catalogue column whose groups are also measured apart. Class names and preprocessing are the run's.
    With ``eight_views`` the probabilities are the mean over the turns and mirror images of each galaxy, and with
    ``int8`` it is computed in eight-bit numbers (`Predictor`).
    Where the run has seen galaxies of the cube, the numbers and pictures say so first (``metrics.leakage``).

    Of several runs, each is tested so, unless its folder holds that very test already, and what they say is averaged:
    the mean of the probabilities as each network gives them, without its calibration, every run counting alike. That is
    an ensemble, a run folder of its own without weights, which `compare`, `report` and `verify` know: ``out``, by
    default beside the first run and with the names of all; tested again it is named as a run is. What one of its
    members has seen, it has seen. Runs must have the same classes in the same order, bands and stretch; each resizes
    the images to its own size.

    Raises RunError, CubeError, UsageError for runs that make no ensemble, and OutputError where another cube was
    evaluated under that name, or a member with other views or precision (unless with ``overwrite``, which replaces
    these results), where the folder of the results holds anything else, and where another process writes into the run.
    """
    place_of_cube = as_path(cube, "cube")
    trial = Trial(place_of_cube, EvaluateSettings(by, eight_views, int8, device, name), overwrite, watcher)
    given: tuple[Run | str | Path, ...] = several(runs, Run, str, Path)
    if is_run(place_of_cube):
        raise UsageError(
            f"{cube} is a run folder, in the place of a labelled cube",
            received=f"{counted(len(given) + 1, 'run')} and no cube",
            next_step="name the cube behind the runs",
        )
    opened = [run if isinstance(run, Run) else open_run(run) for run in given]
    if len(opened) == 1 and out is None:
        return trial.of(opened[0])
    if len(opened) < 2:
        raise UsageError(
            "An ensemble is of two runs or more",
            received=f"{counted(len(opened), 'run')} and a folder for an ensemble" if opened else "no run",
            next_step="name more runs, or test this one without --out" if opened else "name a run",
        )
    place = usual_place(opened) if out is None else as_path(out, "out")
    ensemble = ensemble_of(opened, place)
    kept = open_same(ensemble)
    if kept is not None:
        return trial.of(kept)
    # What is wrong with a member or the cube is known before anything is made.
    with open_cube(cube, watcher=watcher) as galaxies:
        trial.of_members(opened, galaxies)
    with whole_folder(place):
        ensemble.update(ensemble.record)
        return trial.of(ensemble)


@dataclass(frozen=True)
class Trial:
    """What is tested on, and how."""

    path: Path
    settings: EvaluateSettings
    overwrite: bool
    watcher: Progress | None

    @property
    def manner(self) -> tuple[Literal[1, 8], Literal["float32", "int8"]]:
        """Views that are averaged, and the precision."""
        return 8 if self.settings.eight_views else 1, "int8" if self.settings.int8 else "float32"

    def of(self, run: Run) -> Evaluation:
        """Test one run, or an ensemble."""
        by, (views, precision) = self.settings.by, self.manner
        with locked(run.path, "evaluate"), open_cube(self.path, watcher=self.watcher) as galaxies:
            labels = labels_of_run(run, galaxies)
            groups = catalogue_column(galaxies, by) if by is not None else None
            dataset = self._name(galaxies)
            _refuse_another_cube(run, galaxies, dataset, overwrite=self.overwrite)
            # Who asks to overwrite knows.
            before = None if self.overwrite else results_before(run, dataset)
            warn_of_another_record(run)
            warn_of_another_origin(run, galaxies)
            answers = self._average(run, galaxies) if run.record.members else self._ask(run, galaxies)
            probabilities = answers.probabilities
            scores = classification_metrics(labels, probabilities, run.record.class_names)
            metrics = Metrics(
                **(vars(scores) | {"per_class": with_intervals(scores)}),
                **_describe(run, galaxies, answers.runs),
                views=views,
                precision=precision,
                by=None if by is None or groups is None else grouped_scores(by, groups, labels, probabilities),
                accuracy_interval=share_interval(scores.accuracy, scores.galaxies),
                intervals="Wilson, 95%",
                averaged=answers.averaged,
            )
            if metrics.by is not None:
                warn_of_small_groups(galaxies.path, metrics.by)
            predictions = Predictions(tuple(galaxies.ids), labels, probabilities, same_galaxies(galaxies))
            certainty = answers.certainty
            scored = certainty_scores(labels, probabilities, predictions.independent, certainty, metrics.fingerprint)
            metrics = dataclasses.replace(metrics, certainty=scored)
            metrics = dataclasses.replace(metrics, seal=metrics.seal_with(predictions))
            figures = draw_evaluation(run, galaxies, dataset, predictions, metrics, certainty)
            path = write_evaluation(run, dataset, metrics, predictions, figures)
            warn_of_replaced(path, before, metrics)
        return Evaluation(path, metrics)

    def _ask(self, run: Run, galaxies: LabelledCube) -> Answers:
        """Ask the run's own network."""
        predictor = Predictor(
            run,
            eight_views=self.settings.eight_views,
            int8=self.settings.int8,
            device=self.settings.device,
            watcher=self.watcher,
        )
        # Straight into one array: small ones, kept among the large ones that batches free, let the process grow.
        rows = chain.from_iterable(predictor.over_cube(galaxies))
        probabilities = np.fromiter(rows, (np.float32, len(run.record.class_names)))
        refuse_diverged(run, galaxies, probabilities)
        return Answers(probabilities, _certainty(run, predictor), [run])

    def _average(self, ensemble: Run, galaxies: LabelledCube) -> Answers:
        """Average what the members of an ensemble say, by their own tests."""
        members = find_members(ensemble)
        self.of_members(members, galaxies)
        found = read_all_predictions(members, self._name(galaxies))
        averaged = tuple(
            Averaged(run.name, member.fingerprint, one.metrics.seal or "", one.metrics.accuracy)
            for run, member, one in zip(members, ensemble.record.members, found, strict=True)
        )
        return Answers(mean_probabilities(found), None, members, averaged)

    def _name(self, galaxies: LabelledCube) -> str:
        """Name the results."""
        return dataset_name(galaxies.path) if self.settings.name is None else self.settings.name

    def of_members(self, runs: Sequence[Run], galaxies: LabelledCube) -> None:
        """Test each run by itself, where its folder does not hold that very test already."""
        dataset, fingerprint = self._name(galaxies), galaxies.fingerprint()
        alone = dataclasses.replace(self, settings=dataclasses.replace(self.settings, by=None))
        for run in runs:
            if not self._is_tested(run, dataset, fingerprint):
                alone.of(run)

    def _is_tested(self, run: Run, dataset: str, fingerprint: str) -> bool:
        """Tell whether a member's folder holds this very test; OutputError where another one is in its place."""
        if dataset not in evaluation_names(run):
            return False
        known = read_metrics(run, dataset)
        if known.fingerprint != fingerprint or not of_present_weights(run, known):
            return False
        if (known.views, known.precision) == self.manner:
            # Results of before there were seals cannot be named by theirs.
            return known.seal is not None
        if self.overwrite:
            return False
        received, allowed = (
            f"{counted(views, 'view')} in {precision}"
            for views, precision in ((known.views, known.precision), self.manner)
        )
        raise OutputError(
            f"{run.evaluation_path(dataset)}: tested otherwise than the ensemble is to be",
            received=received,
            allowed=allowed,
            next_step="ask the ensemble alike (--eight-views, --int8), name this test with --name, or replace "
            "the earlier one with --overwrite",
        )


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run says of all galaxies of a cube."""

    probabilities: Probabilities
    certainty: Certainty | None
    """Its calibration; that of an ensemble is nobody's."""
    runs: Sequence[Run]
    """The runs whose networks were asked."""
    averaged: tuple[Averaged, ...] = ()


def _certainty(run: Run, predictor: Predictor) -> Certainty | None:
    """Read the run's calibration, and say where it is not for these predictions."""
    try:
        certainty = read_certainty(run)
        if certainty is not None:
            certainty.require(predictor)
    except (RunError, UsageError) as error:
        warn(f"{run.path}: tested without its calibration", received=error.what, next_step=error.next_step)
        return None
    return certainty


def _describe(run: Run, cube: LabelledCube, asked: Sequence[Run]) -> dict[str, Any]:
    return {
        "run": run.name,
        "network": run.record.network,
        "dataset": cube.path.name,
        "path": str(cube.path.resolve()),
        "beside": from_run(run.path, cube.path),
        "fingerprint": cube.fingerprint(),
        "weights_sha256": run.weights_sha256(),
        "weights_chosen_by": run.record.weights_chosen_by,
        "leakage": check_leakage(asked, cube),
    }


def _refuse_another_cube(run: Run, cube: LabelledCube, dataset: str, *, overwrite: bool) -> None:
    """Results of the same cube may be made again; those of another cube of the same name are not overwritten."""
    require_place(run, dataset)
    if overwrite or dataset not in evaluation_names(run):
        return
    if read_metrics(run, dataset).fingerprint != cube.fingerprint():
        raise OutputError(
            f"{run.evaluation_path(dataset)} holds the results of another cube",
            received=f"{cube.path} with other galaxies",
            next_step="name these results with --name, or replace the earlier ones with --overwrite",
        )
