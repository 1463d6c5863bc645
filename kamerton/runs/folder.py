"""The run folder, where class names, preprocessing and weights stay together.

``run.json`` settings and provenance · ``history.csv`` one row an epoch · ``model.safetensors`` weights ·
``model.keras`` the Keras twin · ``galaxies.parquet`` what the run has seen · ``calibration.json``, ``features/`` what
makes its probabilities true · ``evaluation/DATASET/`` results · ``explanations/DATASET/`` why it says so.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from kamerton import jupyter
from kamerton.checks import as_path
from kamerton.data.marks import GalaxyMarks
from kamerton.errors import OutputError, RunError, UsageError, as_typed
from kamerton.files import (
    cannot_write,
    file_sha256,
    json_sha256,
    new_folder,
    partial_path,
    read_json,
    remove_partial,
    write_json,
)
from kamerton.networks.registry import build_network, build_to_load
from kamerton.plurals import counted
from kamerton.records import read_record
from kamerton.runs.galaxies import marks_sha256, read_galaxies, write_galaxies
from kamerton.runs.history import HISTORY_FILE, append_epoch, history_sha256, read_history, write_history
from kamerton.runs.lock import LOCK_FILE
from kamerton.runs.record import ENSEMBLE, MemberRecord, RunRecord
from kamerton.tensors import read_tensors, write_tensors

if TYPE_CHECKING:
    import pandas as pd

RECORD_FILE, WEIGHTS_FILE = "run.json", "model.safetensors"

EVALUATIONS = "evaluation"

EXPLANATIONS = "explanations"

RECEIPT_FILE = "receipt.json"
"""What the maps of an explanation are worth."""

CALIBRATION_FILE = "calibration.json"

FEATURES = "features"
"""The folder of what tells galaxies unlike all known ones."""

MODEL_ENDINGS = ("keras", "onnx")
"""Of the network in other programs' formats."""

RECORD_BYTES = 1 << 20
"""A longer ``run.json`` is none: it has about 3 KiB, and 1000 classes would add 20."""


class Run:
    """An existing run folder."""

    def __init__(self, path: Path, record: RunRecord) -> None:
        self.path = path
        self.record = record

    def __repr__(self) -> str:
        record = self.record
        return f"Run({record.network}, {len(record.class_names)} classes, {self._state()}, {self.path})"

    def _repr_html_(self) -> str:
        record, size = self.record, self.record.preprocessing.size
        recipe = record.recipe
        facts = [
            ("network", f"{record.network}, {record.parameters:,} parameters"),
            ("classes", ", ".join(record.class_names)),
            ("images", f"{size} x {size} pixels, {record.preprocessing.channels} channels"),
            ("members", ", ".join(member.name for member in record.members))
            if record.members
            else ("recipe", f"imported from {record.imported_from}" if recipe is None else recipe.name),
            ("epochs, batch", "–" if recipe is None else f"{recipe.epochs}, {recipe.batch_size} images"),
            ("seed", "–" if record.seed is None else str(record.seed)),
            ("state", self._state()),
        ]
        return jupyter.block(f"Run {self.path}", jupyter.table((), facts))

    def _state(self) -> str:
        """Say how far it is, in a few words that never fail."""
        results = self.record.results
        if results is None:
            return "not finished"
        if self.record.members:
            return f"of {counted(len(self.record.members), 'run')}"
        if results.epoch is None:
            return "imported"
        try:
            accuracy = self.history()["val_accuracy"].iloc[results.epoch - 1]
        except (RunError, IndexError):
            return "history not readable"
        return f"val_accuracy {accuracy:.2f}"

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def is_finished(self) -> bool:
        """Tell whether its training has ended; that of a run that is being extended has not."""
        return self.record.results is not None

    @property
    def weights_path(self) -> Path:
        """Where the weights are."""
        return self.path / WEIGHTS_FILE

    @property
    def keras_path(self) -> Path:
        """Where the Keras twin is."""
        return self.model_path("keras")

    @property
    def scaled_keras_path(self) -> Path:
        """Where the Keras twin is that divides pixels by 255 itself, once exported."""
        return self.path / "model_with_scaling.keras"

    def model_path(self, ending: str) -> Path:
        """Where the network is in another program's format, once exported."""
        return self.path / f"model.{ending}"

    @property
    def history_path(self) -> Path:
        """Where the learning history is."""
        return self.path / HISTORY_FILE

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of the network's input, (height, width, channels)."""
        size = self.record.preprocessing.size
        return size, size, self.record.preprocessing.channels

    @property
    def network_shape(self) -> dict[str, int]:
        """Size, channels and classes, as a network is built for."""
        return self.record.network_shape

    @property
    def checkpoint_path(self) -> Path:
        """Where the checkpoints are."""
        return self.path / "checkpoint"

    @property
    def seen_path(self) -> Path:
        """Where the fingerprints of the galaxies are that the run was trained and validated on."""
        return self.path / "galaxies.parquet"

    def evaluation_path(self, dataset: str) -> Path:
        """Where the results on ``dataset`` are; UsageError for a name that would lead elsewhere."""
        return self._place_of(dataset, EVALUATIONS)

    def explanation_path(self, dataset: str) -> Path:
        """Where it is explained what the run says of ``dataset``; UsageError as before."""
        return self._place_of(dataset, EXPLANATIONS)

    def _place_of(self, dataset: str, folder: str) -> Path:
        if dataset in {"", ".", ".."} or any(letter in dataset for letter in "/\\\0"):
            raise UsageError(
                "The name of a data set cannot be a path",
                received=repr(dataset),
                next_step="give the cube a plain name",
            )
        return self.path / folder / dataset

    def picture_path(self, dataset: str, name: str) -> Path:
        """Where a picture of the results on ``dataset`` is."""
        return self.evaluation_path(dataset) / f"{name}.png"

    def build_network(self, device: str = "cpu") -> nn.Module:
        """Build the run's network with its starting weights; on ``meta`` they take no memory."""
        self.refuse_ensemble()
        with torch.device(device):
            return build_network(self.record.network, **self.network_shape, seed=self.record.seed or 0)

    def load_network(self) -> nn.Module:
        """Build the run's network with its weights, ready to predict. RunError where they are missing or do not fit."""
        try:
            expected = self.build_network("meta").state_dict()
        except UsageError as error:
            raise RunError(f"{self.path / RECORD_FILE}: {error}") from error
        try:
            tensors = read_tensors(self.weights_path, expected)
            network = build_to_load(self.record.network, **self.network_shape)
            network.load_state_dict(tensors)
        except FileNotFoundError as error:
            raise RunError(
                f"{self.path} has no weights yet",
                received="no model.safetensors",
                next_step="let the training end, or train again into a new folder",
            ) from error
        except (OSError, ValueError, RuntimeError) as error:
            raise RunError(
                f"{self.weights_path}: these are not the weights of {self.record.network}",
                received=str(error)[:300],
                next_step="restore the file or train again",
            ) from error
        return network.eval()

    def save_network(self, network: nn.Module) -> None:
        """Write the weights, replacing earlier ones only once the new file is whole."""
        # One entry only: safetensors writes several in an order of chance, and equal weights are to be equal files.
        write_tensors(self.weights_path, network.state_dict(), {"network": self.record.network})

    def update(self, record: RunRecord) -> None:
        """Write another record in the place of the present one."""
        write_json(self.path / RECORD_FILE, dataclasses.asdict(record))
        self.record = record

    def finish(self, network: nn.Module, epoch: int | None) -> None:
        """Write the weights of an epoch, counted from 1, and then the fingerprints of what came out.

        ``epoch`` is None where the weights came from elsewhere.
        """
        self.save_network(network)
        weights, history, galaxies = self.weights_sha256(), self.history_sha256(), self.seen_sha256()
        self.update(self.record.with_results(weights, history, galaxies, epoch))

    def weights_sha256(self) -> str:
        """SHA-256 of the weights' file, of an ensemble that of its members'; OSError where it cannot be read."""
        members = self.record.members
        return json_sha256([member.weights for member in members]) if members else file_sha256(self.weights_path)

    def history_sha256(self) -> str:
        """SHA-256 of the history without its times, which no two trainings share; RunError where it cannot be read."""
        if self.record.recipe is None:
            return hashlib.sha256(b"").hexdigest()
        return history_sha256(self.history())

    def save_seen(self, galaxies: Mapping[str, GalaxyMarks]) -> None:
        """Keep what the galaxies of each split are known again by, so that no test set can hide one of them."""
        write_galaxies(self.seen_path, galaxies)

    def seen(self) -> dict[str, GalaxyMarks] | None:
        """Give what the galaxies of each split are known again by, or None where the weights came from elsewhere.

        RunError where that cannot be read, or is not what the training of ``run.json`` has seen.
        """
        if not self.record.data:
            return None
        found = self._kept_galaxies()
        results = self.record.results
        if results is not None and marks_sha256(found) != results.galaxies:
            raise self._seen_unknown("other galaxies than when the training ended")
        return found

    def seen_sha256(self) -> str:
        """SHA-256 of what is kept of the galaxies of each split; RunError where it cannot be read."""
        return marks_sha256(self._kept_galaxies() if self.record.data else {})

    def _kept_galaxies(self) -> dict[str, GalaxyMarks]:
        try:
            return read_galaxies(self.seen_path, self.record.seen_counts)
        except (OSError, ValueError) as error:
            raise self._seen_unknown(error) from error

    def _seen_unknown(self, received: object) -> RunError:
        return RunError(
            f"{self.seen_path}: cannot tell which galaxies the run has seen",
            received=received,
            next_step="restore the file or train again",
        )

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write the whole history anew, as a resumed training takes it up."""
        write_history(self.history_path, rows)

    def append_history(self, epoch: int, row: Mapping[str, float]) -> None:
        """Add one epoch's row to ``history.csv``; it is on disk when this returns."""
        append_epoch(self.history_path, epoch, row)

    @property
    def has_history(self) -> bool:
        """Tell whether there is a learning history; imported weights have none."""
        return self.history_path.exists()

    def history(self) -> pd.DataFrame:
        """Read the learning history, one row an epoch; RunError where it is missing or no table of numbers."""
        try:
            return read_history(self.history_path)
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.history_path}: cannot be read", received=error, next_step="restore the file or train again"
            ) from error

    def discard(self) -> None:
        """Take back a run that was only begun, as far as that can be written."""
        for path in (self.path / RECORD_FILE, self.seen_path):
            with suppress(OSError):
                path.unlink()

    def remove_leftovers(self) -> None:
        """Remove what a killed process left of writing the run's own files; OutputError where it cannot be removed."""
        names = (RECORD_FILE, CALIBRATION_FILE)
        files = (*(self.path / name for name in names), self.weights_path, self.history_path, self.seen_path)
        for path in (*files, *map(self.model_path, MODEL_ENDINGS)):
            try:
                remove_partial(path)
            except OSError as error:
                raise cannot_write(path, error) from error

    def refuse_ensemble(self) -> None:
        """Refuse an ensemble where one network is asked for (RunError): it has no weights of its own."""
        if self.record.members:
            raise RunError(
                f"{self.path} is an ensemble, and no network with weights of its own",
                received=f"the mean of {', '.join(member.name for member in self.record.members)}",
                allowed="evaluate, compare, report and verify take an ensemble",
                next_step="name one of its members",
            )

    def refuse_links(self) -> None:
        """Refuse to write where the run's inner folders are links (OutputError): what they lead to is not the run's."""
        for path in (self.checkpoint_path, *(self.path / name for name in (EVALUATIONS, EXPLANATIONS, FEATURES))):
            if path.is_symlink():
                raise OutputError(
                    f"{path} is a link, and nothing outside the run folder is written or removed",
                    next_step="put a folder in its place",
                )


def is_run(path: Path) -> bool:
    """Tell whether a folder is a run's; one that cannot be looked into is none, and who opens it says why."""
    try:
        return (path / RECORD_FILE).exists()
    except OSError:
        return False


def find_runs(paths: Iterable[Run | str | Path]) -> list[Run]:
    """Open runs; a folder of run folders, as a sweep makes it, stands for all of them. Each is taken once."""
    found: dict[Path, Run] = {}
    for path in paths:
        if isinstance(path, Run):
            found[path.path.resolve()] = path
            continue
        folder = as_path(path, "run")
        inner = sorted(place.parent for place in folder.glob(f"*/{RECORD_FILE}"))
        for place in inner if inner and not is_run(folder) else [folder]:
            found[place.resolve()] = open_run(place)
    if not found:
        raise UsageError("No run was named", allowed="run folders, or a folder of them", next_step="name a run")
    return list(found.values())


def create_run(path: Path, record: RunRecord) -> Run:
    """Make a new run folder with its ``run.json``; OutputError where the folder exists or cannot be written.

    An empty folder counts as new, also with a lock or a half-written record: a process killed at this very place leaves
    one.
    """
    left = {LOCK_FILE, partial_path(path / RECORD_FILE).name}
    if not (path.is_dir() and left.issuperset(place.name for place in path.iterdir())):
        new_folder(path)
    run = Run(path, record)
    run.update(record)
    return run


def open_run(path: str | Path) -> Run:
    """Open an existing run folder; RunError says what is missing or wrong in it, or that run.json was changed."""
    run = open_even_if_changed(path)
    if not run.record.is_as_it_ended:
        raise RunError(
            f"{run.path / RECORD_FILE}: changed since the training ended, so class names and pixels may be taken wrong",
            received="contents that do not give their fingerprint",
            next_step=f"restore the file; `kamerton verify {as_typed(path)}` tells what else differs",
        )
    return run


def open_even_if_changed(path: str | Path) -> Run:
    """Open a run folder as `open_run` does, to look for what was changed: its class names may be other classes'."""
    path = as_path(path, "run")
    place = path / RECORD_FILE
    try:
        table = read_json(place, RECORD_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        inner = [str(one.parent) for one in sorted(path.glob(f"*/{RECORD_FILE}"))]
        if inner and not is_run(path):
            raise RunError(
                f"{path}: a folder of runs, and no run",
                received=counted(len(inner), "run"),
                next_step=f"name one of them: {', '.join(map(as_typed, inner))}",
            ) from error
        raise RunError(
            f"{place}: cannot be read as a run", received=reason, next_step="name a folder made by `kamerton train`"
        ) from error
    record = read_record(RunRecord, table, str(place), RunError)
    _check_record(record, place)
    return Run(path, record)


def _check_record(record: RunRecord, place: Path) -> None:
    """Refuse what no training writes, though each field for itself may be."""
    next_step = "correct that field"
    if not record.class_names or len(set(record.class_names)) < len(record.class_names):
        raise RunError(
            f"{place}: class_names: not one name a class",
            received=", ".join(map(repr, record.class_names)) or "none",
            next_step=next_step,
        )
    if not 0 <= (record.seed or 0) < 2**32:
        raise RunError(f"{place}: seed: too large or below 0", received=record.seed, next_step=next_step)
    if (record.network == ENSEMBLE) != bool(record.members) or not all(
        _fits(member, record) for member in record.members
    ):
        raise RunError(
            f"{place}: members: not those of an ensemble",
            received=", ".join(member.name for member in record.members) or "none",
            allowed="runs whose training has ended, of the ensemble's class names",
            next_step=next_step,
        )
    epochs = 0 if record.recipe is None else record.recipe.epochs
    if record.results is not None and (record.results.epoch or 0) not in range(min(1, epochs), epochs + 1):
        raise RunError(
            f"{place}: results.epoch: no epoch of this training",
            received=record.results.epoch,
            allowed=f"1 to {epochs}" if epochs else "null, for the weights came from elsewhere",
            next_step=next_step,
        )


def _fits(member: MemberRecord, ensemble: RunRecord) -> bool:
    """Tell whether a record may be that of an ensemble's member."""
    record = member.record
    return record.results is not None and not record.members and record.class_names == ensemble.class_names
