"""What a run folder shows without asking its network: how far it is, what it was tested on, what is wrong with it."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kamerton.errors import KamertonError, RunError
from kamerton.runs.ensembles import title_of
from kamerton.runs.evaluation import evaluation_names, of_present_weights, read_metrics
from kamerton.runs.folder import WEIGHTS_FILE, Run, open_run
from kamerton.runs.lock import holder
from kamerton.runs.scores import Metrics
from kamerton.runs.stamp import Stamp, stamp_of

if TYPE_CHECKING:
    import pandas as pd

State = Literal["training", "finished", "imported", "ensemble", "interrupted", "damaged"]

USUAL_TEST = "test"
"""Results of this name come first, as for `kamerton compare`."""

MOST_KEPT = 2048
"""Runs that are remembered as long as their files are as they were."""


def short_key(name: str) -> str:
    """Give the short name by which the page's addresses know a run or a test; nothing can be asked for by a path."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


@dataclass(frozen=True, eq=False)
class Tested:
    """Results of a run on a cube, or why they cannot be read."""

    name: str
    metrics: Metrics | None
    trouble: KamertonError | None
    is_present: bool
    """Whether they are of the run's present weights."""

    @property
    def key(self) -> str:
        """By which an address asks for it."""
        return short_key(self.name)

    @property
    def is_seen(self) -> bool:
        """Whether the run learned from some of its galaxies, so that it is no test."""
        return self.metrics is not None and self.metrics.leakage.status == "found"


@dataclass(frozen=True, eq=False)
class RunState:
    """A run folder as it is now."""

    name: str
    """Its way below the folder of the page."""
    path: Path
    state: State
    trouble: KamertonError | None
    """What is wrong with it; None for a run that is not damaged."""
    run: Run | None
    """None where its record cannot be read."""
    history: pd.DataFrame | None
    tests: tuple[Tested, ...]

    @property
    def key(self) -> str:
        """By which an address asks for it."""
        return short_key(self.name)

    @property
    def title(self) -> str:
        """The network's name."""
        return "" if self.run is None else title_of(self.run.record)

    @property
    def epochs_done(self) -> int:
        """Epochs in its history."""
        return 0 if self.history is None else len(self.history)

    @property
    def epochs(self) -> int | None:
        """Epochs that its recipe asks for; None for weights that came from elsewhere."""
        recipe = None if self.run is None else self.run.record.recipe
        return None if recipe is None else recipe.epochs

    @property
    def cube(self) -> str:
        """The cube that it learned from, by its folder's and its file's name."""
        trained = () if self.run is None else self.run.record.trained
        cubes = [one.data["train"] for one in trained if "train" in one.data]
        return " + ".join(dict.fromkeys("/".join(Path(cube.path).parts[-2:]) for cube in cubes))

    @property
    def validation(self) -> float | None:
        """Accuracy on the validation set, of the epoch whose weights were kept or else the last one."""
        if self.run is None or self.history is None:
            return None
        results = self.run.record.results
        epoch = len(self.history) if results is None or results.epoch is None else results.epoch
        return float(self.history["val_accuracy"].iloc[epoch - 1]) if 0 < epoch <= len(self.history) else None

    @property
    def is_ready(self) -> bool:
        """Whether there is a network, or an ensemble of them, to be tested."""
        return self.state in {"finished", "imported", "ensemble"}

    @property
    def is_comparable(self) -> bool:
        """Whether there is anything to compare it by."""
        return self.is_ready and any(test.metrics is not None for test in self.tests)

    @cached_property
    def seconds_left(self) -> float | None:
        """How long the training will take still, if its epochs go on as before; None where that is not known."""
        if self.history is None or "seconds" not in self.history or self.epochs is None:
            return None
        return float(self.history["seconds"].mean()) * max(0, self.epochs - len(self.history))


class RunStates:
    """Run folders as they are now, read anew where their files were changed."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, tuple[Stamp, bool, RunState]] = OrderedDict()
        self._lock = threading.Lock()

    def look(self, name: str, path: Path) -> RunState:
        """Look at one run folder; whatever is wrong with it is in the answer."""
        stamp, is_held = stamp_of(path), holder(path) is not None
        with self._lock:
            kept = self._kept.get(path)
        if kept is not None and kept[:2] == (stamp, is_held):
            return kept[2]
        state = look_at(name, path, is_held=is_held)
        with self._lock:
            self._kept[path] = stamp, is_held, state
            self._kept.move_to_end(path)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return state


def look_at(name: str, path: Path, *, is_held: bool) -> RunState:
    """Read what the page shows of a run folder; ``is_held`` says whether a process writes into it."""
    try:
        run = open_run(path)
        title_of(run.record)
    except KamertonError as error:
        return RunState(name, path, "damaged", error, None, None, ())
    state, trouble = _state(run, is_held=is_held), None
    history = None
    if run.has_history or (run.is_finished and run.record.recipe is not None):
        try:
            history = run.history()
        except RunError as error:
            # A line that is just being written is whole when it is read next.
            trouble = None if state == "training" else error
    if run.is_finished and not run.record.members and not run.weights_path.is_file():
        trouble = RunError(
            f"{run.path} has no weights", received=f"no {WEIGHTS_FILE}", next_step="restore the file, or train again"
        )
    return RunState(name, path, "damaged" if trouble else state, trouble, run, history, tuple(_tests(run)))


def _state(run: Run, *, is_held: bool) -> State:
    if run.record.members:
        return "ensemble"
    if run.is_finished:
        return "finished" if run.record.recipe is not None else "imported"
    return "training" if is_held else "interrupted"


def _tests(run: Run) -> list[Tested]:
    """Read the results, those that are compared first at the head."""
    names = sorted(evaluation_names(run), key=lambda name: (name != USUAL_TEST, name))
    found = []
    for name in names:
        try:
            metrics = read_metrics(run, name)
            found.append(Tested(name, metrics, None, of_present_weights(run, metrics)))
        except (KamertonError, OSError) as error:
            trouble = error if isinstance(error, KamertonError) else RunError(str(error))
            found.append(Tested(name, None, trouble, is_present=False))
    return found
