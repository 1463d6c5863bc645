"""What several runs predicted for the same galaxies, read from their folders."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kamerton.arrays import Confusion, Labels, Mask, Probabilities
from kamerton.errors import RunError, UsageError, as_typed
from kamerton.plurals import counted
from kamerton.runs.evaluation import dataset_name, evaluation_names, of_present_weights, read_metrics, read_predictions
from kamerton.runs.folder import Run
from kamerton.runs.scores import Metrics


@dataclass(frozen=True)
class RunPredictions:
    """One run's predictions for a cube, with its classes in the order of the first run's."""

    run: Run
    name: str
    """Of the results: their folder's, in the run's ``evaluation/``."""
    metrics: Metrics
    ids: tuple[str, ...]
    labels: Labels
    groups: tuple[str, ...]
    """Galaxies of one value show the same galaxy; one without a group has its own id."""
    probabilities: Probabilities
    """(N, classes)"""

    def __repr__(self) -> str:
        return f"RunPredictions({self.run.name}, {counted(len(self.ids), 'galaxy')})"

    @property
    def confusion(self) -> Confusion:
        """Count the galaxies by (true, predicted) class."""
        return count_confusion(self.labels, self.probabilities)

    @property
    def right(self) -> Mask:
        """Mark the galaxies that were sorted right, (N,)."""
        return np.asarray(self.probabilities.argmax(1) == self.labels)


def mean_probabilities(predictions: Sequence[RunPredictions]) -> Probabilities:
    """Average what several runs predicted for the same galaxies, (N, classes), each counting as much as another."""
    return np.asarray(np.mean([one.probabilities for one in predictions], axis=0))


def count_confusion(labels: Labels, probabilities: Probabilities) -> Confusion:
    """Count galaxies by (true, predicted) class."""
    counts = np.zeros((probabilities.shape[1],) * 2, np.int64)
    np.add.at(counts, (labels, probabilities.argmax(1)), 1)
    return counts


def read_all_predictions(runs: Sequence[Run], dataset: str | None = None) -> list[RunPredictions]:
    """Read what the runs predicted for one data set that all were tested on.

    ``dataset`` decides where they share several; without it ``test`` does. UsageError where they share none, where the
    galaxies or classes are not the same, and where results are of other weights than the run has now; RunError where
    they were changed.
    """
    name = _shared_dataset(runs, dataset)
    found = [_predictions(run, name, runs[0]) for run in runs]
    first = found[0]
    for other in found[1:]:
        same = (
            other.metrics.fingerprint == first.metrics.fingerprint
            and other.ids == first.ids
            and np.array_equal(other.labels, first.labels)
        )
        if not same:
            raise UsageError(
                f"{first.run.name} and {other.run.name} were tested on other galaxies",
                received=f"{name} of {len(first.ids)} and of {counted(len(other.ids), 'galaxy')}, of other content",
                allowed="runs tested on the same cube",
                next_step="evaluate both on one cube",
            )
    return found


def _shared_dataset(runs: Sequence[Run], dataset: str | None) -> str:
    tested = {run.name: set(evaluation_names(run)) for run in runs}
    shared = set.intersection(*tested.values())
    if dataset is None and len(shared) == 1:
        return shared.pop()
    wanted = "test" if dataset is None else dataset
    if wanted in shared:
        return wanted
    lacking = [name for name, names in tested.items() if wanted not in names]
    raise UsageError(
        "The runs share no test" if not shared else "It is not clear on which test to compare the runs",
        received=f"no results on {wanted} in {', '.join(lacking)}",
        allowed=f"--dataset with one of {', '.join(sorted(shared))}" if shared else "runs tested on the same cube",
        next_step="name one with --dataset" if shared else "evaluate them on one cube with `kamerton evaluate`",
    )


def _predictions(run: Run, dataset: str, first: Run) -> RunPredictions:
    """Read one run's predictions, with its classes in the order of those of the ``first``."""
    own_names, class_names = run.record.class_names, first.record.class_names
    if sorted(own_names) != sorted(class_names):
        raise UsageError(
            f"{run.name} learned other classes than {first.name}",
            received=", ".join(own_names),
            allowed=", ".join(class_names),
            next_step="compare runs with the same classes",
        )
    metrics = read_metrics(run, dataset)
    named = "" if dataset == dataset_name(Path(metrics.dataset)) else f" --name={shlex.quote(dataset)}"
    again = f"test it again: `kamerton evaluate {as_typed(run.path)} {as_typed(metrics.path)}{named}`"
    if not of_present_weights(run, metrics):
        raise UsageError(
            f"{run.path}: the results on {dataset} are of other weights than the run has now",
            received="results of before the training was extended, or the weights replaced",
            next_step=again,
        )
    found = read_predictions(run, dataset, metrics.galaxies)
    if metrics.is_broken(found):
        raise RunError(
            f"{run.evaluation_path(dataset)}: metrics.json or predictions.parquet was changed since the test",
            received="contents that do not give their seal",
            next_step=again,
        )
    return RunPredictions(
        run,
        dataset,
        metrics,
        found.ids,
        np.array([class_names.index(name) for name in own_names])[found.labels],
        found.independent,
        found.probabilities[:, [own_names.index(name) for name in class_names]],
    )
