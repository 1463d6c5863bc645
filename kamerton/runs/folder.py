"""The run folder, where class names, preprocessing and weights stay together.

``run.json`` settings and provenance · ``history.csv`` one row an epoch · ``model.safetensors`` weights ·
``model.keras`` the Keras twin · ``galaxies.parquet`` what the run has seen · ``evaluation/DATASET/`` results.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import nn

from kamerton.errors import RunError, UsageError
from kamerton.files import (
    file_sha256,
    json_sha256,
    new_folder,
    read_json,
    remove_leftovers,
    whole_file,
    write_json,
)
from kamerton.networks.registry import build_network
from kamerton.records import read_record
from kamerton.runs.galaxies import read_galaxies, write_galaxies
from kamerton.runs.history import append_epoch, history_sha256, read_history, write_history
from kamerton.runs.record import RunRecord
from kamerton.tensors import read_tensors

if TYPE_CHECKING:
    import pandas as pd

RECORD_FILE = "run.json"

RECORD_BYTES = 1 << 20
"""A longer ``run.json`` is none: it has about 3 KiB, and 1000 classes would add 20."""


class Run:
    """An existing run folder."""

    def __init__(self, path: Path, record: RunRecord) -> None:
        self.path = path
        self.record = record

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def weights_path(self) -> Path:
        """Where the weights are."""
        return self.path / "model.safetensors"

    @property
    def keras_path(self) -> Path:
        """Where the Keras twin is."""
        return self.model_path("keras")

    def model_path(self, ending: str) -> Path:
        """Where the network is in another program's format, once exported."""
        return self.path / f"model.{ending}"

    @property
    def history_path(self) -> Path:
        """Where the learning history is."""
        return self.path / "history.csv"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of the network's input, (height, width, channels)."""
        size = self.record.preprocessing.size
        return size, size, self.record.preprocessing.channels

    @property
    def network_shape(self) -> dict[str, int]:
        """Size, channels and classes, as a network is built for."""
        shape = self.record.preprocessing
        return {"size": shape.size, "channels": shape.channels, "classes": len(self.record.class_names)}

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
        if dataset in {"", ".", ".."} or any(letter in dataset for letter in "/\\\0"):
            raise UsageError(
                "The name of a data set cannot be a path",
                received=repr(dataset),
                next_step="give the cube a plain name",
            )
        return self.path / "evaluation" / dataset

    def picture_path(self, dataset: str, name: str) -> Path:
        """Where a picture of the results on ``dataset`` is."""
        return self.evaluation_path(dataset) / f"{name}.png"

    def build_network(self, device: str = "cpu") -> nn.Module:
        """Build the run's network with its starting weights; on ``meta`` they take no memory."""
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
            network = self.build_network()
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
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        with whole_file(self.weights_path) as partial:
            # One entry only: safetensors writes several in an order of chance, and equal weights are to be equal files.
            save_file(tensors, partial, metadata={"network": self.record.network})

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
        """SHA-256 of the weights' file; OSError where it cannot be read."""
        return file_sha256(self.weights_path)

    def history_sha256(self) -> str:
        """SHA-256 of the history without its times, which no two trainings share; RunError where it cannot be read."""
        if self.record.recipe is None:
            return hashlib.sha256(b"").hexdigest()
        return history_sha256(self.history())

    def save_seen(self, galaxies: Mapping[str, Sequence[str]]) -> None:
        """Keep the fingerprints of the galaxies of each split, so that no test set can hide one of them."""
        write_galaxies(self.seen_path, galaxies)

    def seen(self) -> dict[str, set[str]] | None:
        """Give the fingerprints of the galaxies of each split, or None where the weights came from elsewhere."""
        if not self.record.data:
            return None
        try:
            found = read_galaxies(self.seen_path)
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.seen_path}: cannot tell which galaxies the run has seen",
                received=error,
                next_step="restore the file or train again",
            ) from error
        empty: dict[str, set[str]] = {split: set() for split in self.record.data}
        return empty | found

    def seen_sha256(self) -> str:
        """SHA-256 of the galaxies of each split, in order; RunError where they cannot be read."""
        return json_sha256({split: sorted(digests) for split, digests in (self.seen() or {}).items()})

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

    def remove_leftovers(self) -> None:
        """Remove what a killed process left half-written in the folder."""
        remove_leftovers(self.path)


def is_run(path: Path) -> bool:
    """Tell whether a folder is a run's."""
    return (path / RECORD_FILE).exists()


def find_runs(paths: Iterable[Run | str | Path]) -> list[Run]:
    """Open runs; a folder of run folders, as a sweep makes it, stands for all of them. Each is taken once."""
    found: dict[Path, Run] = {}
    for path in paths:
        if isinstance(path, Run):
            found[path.path.resolve()] = path
            continue
        folder = Path(path)
        inner = sorted(place.parent for place in folder.glob(f"*/{RECORD_FILE}"))
        for place in inner if inner and not is_run(folder) else [folder]:
            found[place.resolve()] = open_run(place)
    if not found:
        raise UsageError("No run was named", allowed="run folders, or a folder of them", next_step="name a run")
    return list(found.values())


def create_run(path: Path, record: RunRecord) -> Run:
    """Make a new run folder with its ``run.json``; OutputError where the folder exists or cannot be written.

    An empty folder counts as new, also with a half-written record: a process killed at this very place leaves one.
    """
    if path.is_dir():
        remove_leftovers(path)
        if not any(path.iterdir()):
            path.rmdir()
    run = Run(new_folder(path), record)
    run.update(record)
    return run


def open_run(path: str | Path) -> Run:
    """Open an existing run folder; RunError says what is missing or wrong in it."""
    path = Path(path)
    place = path / RECORD_FILE
    try:
        table = read_json(place, RECORD_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RunError(
            f"{place}: cannot be read as a run", received=reason, next_step="name a folder made by `kamerton train`"
        ) from error
    record = read_record(RunRecord, table, str(place), RunError)
    if not record.class_names or len(set(record.class_names)) < len(record.class_names):
        raise RunError(
            f"{place}: class_names: not one name a class", received=record.class_names, next_step="correct that field"
        )
    if not 0 <= (record.seed or 0) < 2**32:
        raise RunError(f"{place}: seed: too large or below 0", received=record.seed, next_step="correct that field")
    return Run(path, record)
