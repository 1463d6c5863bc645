"""What several runs answered for the same galaxies, read from their folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kamerton.errors import RunError, UsageError
from kamerton.evaluation.metrics import Labels, Probabilities
from kamerton.runs.folder import Run, evaluation_names, open_run, read_metrics


@dataclass(frozen=True)
class Answers:
    """One run's answers for a cube."""

    run: Run
    metrics: dict[str, Any]
    ids: tuple[str, ...]
    labels: Labels
    groups: tuple[str, ...]
    """Galaxies of one value show the same galaxy; one without a group has its own id."""
    probabilities: Probabilities
    """(N, classes), the classes in the order of the first run's."""

    @property
    def confusion(self) -> Any:
        """Count the galaxies by (true, predicted) class."""
        counts = np.zeros((self.probabilities.shape[1],) * 2, np.int64)
        np.add.at(counts, (self.labels, self.probabilities.argmax(1)), 1)
        return counts

    @property
    def right(self) -> Any:
        """Mark the galaxies that were sorted right, (N,)."""
        return self.probabilities.argmax(1) == self.labels


def find_runs(paths: Iterable[Run | str | Path]) -> list[Run]:
    """Open runs; a folder of run folders, as a sweep makes it, stands for all of them. Each is taken once."""
    found: dict[Path, Run] = {}
    for path in paths:
        if isinstance(path, Run):
            found[path.path.resolve()] = path
            continue
        folder = Path(path)
        inner = sorted(place.parent for place in folder.glob("*/run.json"))
        for place in inner if inner and not (folder / "run.json").exists() else [folder]:
            found[place.resolve()] = open_run(place)
    if not found:
        raise UsageError("No run to compare", allowed="run folders, or a folder of them", next_step="name a run")
    return list(found.values())


def read_answers(runs: Sequence[Run], dataset: str | None = None) -> list[Answers]:
    """Read what the runs answered for one data set that all were tested on.

    ``dataset`` decides where they share several; without it ``test`` does. UsageError where they share none, or where
    the galaxies or classes are not the same.
    """
    name = _shared_dataset(runs, dataset)
    found = [_answers(run, name, runs[0].record.class_names) for run in runs]
    first = found[0]
    for other in found[1:]:
        same = (
            other.metrics["fingerprint"] == first.metrics["fingerprint"]
            and other.ids == first.ids
            and np.array_equal(other.labels, first.labels)
        )
        if not same:
            raise UsageError(
                f"{first.run.name} and {other.run.name} were tested on other galaxies",
                received=f"{name} of {len(first.ids)} and of {len(other.ids)} galaxies, with other fingerprints",
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


def _answers(run: Run, dataset: str, class_names: tuple[str, ...]) -> Answers:
    """Read one run's predictions, with its classes in the order of ``class_names``."""
    from pyarrow import ArrowException, parquet

    if sorted(run.record.class_names) != sorted(class_names):
        raise UsageError(
            f"{run.name} learned other classes than the first run",
            received=", ".join(run.record.class_names),
            allowed=", ".join(class_names),
            next_step="compare runs with the same classes",
        )
    place = run.evaluation_path(dataset) / "predictions.parquet"
    try:
        table = parquet.read_table(place)
        probabilities = np.column_stack([table[f"p_{name}"].to_numpy() for name in class_names]).astype(np.float32)
        # The file's labels are places in the run's own list of names.
        to_first = np.array([class_names.index(name) for name in run.record.class_names])
        labels = to_first[table["label"].to_numpy()]
        ids = tuple(str(name) for name in table["id"].to_pylist())
        groups = table["group"].to_pylist() if "group" in table.column_names else [""] * len(ids)
    except (OSError, LookupError, ValueError, ArrowException) as error:
        raise RunError(f"{place}: cannot be read", received=error, next_step="evaluate the run again") from error
    own = tuple(str(group) if group else f"\0{row}" for row, group in enumerate(groups))
    return Answers(run, read_metrics(run, dataset), ids, labels, own, probabilities)
