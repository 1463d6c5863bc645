"""The run folder: the only place that reads or writes one.

``run.json`` settings and provenance · ``history.csv`` one row an epoch · ``model.safetensors`` weights ·
``model.keras`` the Keras twin · ``evaluation/DATASET/`` results. Class names, preprocessing and weights stay together.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from torch import nn

from kamerton.errors import RunError, UsageError
from kamerton.files import (
    cannot_write,
    file_sha256,
    is_unfinished,
    json_sha256,
    new_folder,
    read_json,
    read_text,
    remove_leftovers,
    whole_file,
    write_json,
)
from kamerton.networks.registry import build_network
from kamerton.records import read_record
from kamerton.runs.record import RunRecord
from kamerton.tensors import read_tensors

if TYPE_CHECKING:
    import pandas as pd

NOTEBOOK_COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")
TIME_COLUMNS = ("seconds", "images_per_second")
HISTORY_COLUMNS = (*NOTEBOOK_COLUMNS, "lr", *TIME_COLUMNS)

RECORD_BYTES = 1 << 20
"""A longer ``run.json`` is none: it has about 3 KiB, and 1000 classes would add 20."""

METRICS_BYTES = 4 << 20
"""A longer ``metrics.json`` is none: the confusion matrix of 500 classes is shorter."""

HISTORY_BYTES = 8 << 20
"""A longer ``history.csv`` is none: 50,000 epochs are shorter."""

DIGEST_BYTES = 32
"""What a SHA-256 takes at least, however it is written."""

MAX_COLUMNS = 100
"""No history has more columns."""


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

    def build_network(self, device: str = "cpu") -> nn.Module:
        """Build the run's network with its starting weights; on ``meta`` they take no memory."""
        with torch.device(device):
            return build_network(self.record.network, **self.network_shape, seed=self.record.seed or 0)

    def load_network(self) -> nn.Module:
        """Build the run's network with its weights, ready to predict. RunError where they are missing or do not fit."""
        try:
            expected = self.build_network("meta").state_dict()
        except UsageError as error:
            raise RunError(f"{self.path / 'run.json'}: {error}") from error
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
        write_json(self.path / "run.json", dataclasses.asdict(record))
        self.record = record

    def finish(self, network: nn.Module, epoch: int | None) -> None:
        """Write the weights of an epoch, counted from 1, and then the fingerprints of what came out.

        ``epoch`` is None where the weights came from elsewhere.
        """
        self.save_network(network)
        weights, history, galaxies = file_sha256(self.weights_path), self.history_sha256(), self.seen_sha256()
        self.update(self.record.with_results(weights, history, galaxies, epoch))

    def history_sha256(self) -> str:
        """SHA-256 of the history without its times, which no two trainings share; RunError where it cannot be read."""
        if self.record.recipe is None:
            return hashlib.sha256(b"").hexdigest()
        lines = self.history().drop(columns=list(TIME_COLUMNS), errors="ignore").to_csv(lineterminator="\n")
        return hashlib.sha256(lines.encode()).hexdigest()

    def save_seen(self, galaxies: Mapping[str, Sequence[str]]) -> None:
        """Keep the fingerprints of the galaxies of each split, so that no test set can hide one of them."""
        import pyarrow as pa
        from pyarrow import parquet

        rows = [(split, digest) for split, digests in galaxies.items() for digest in digests]
        splits, digests = zip(*rows, strict=True)
        with whole_file(self.seen_path) as partial:
            parquet.write_table(pa.table({"split": splits, "sha256": digests}), partial)

    def seen(self) -> dict[str, set[str]] | None:
        """Give the fingerprints of the galaxies of each split, or None where the weights came from elsewhere."""
        import pyarrow as pa
        from pyarrow import parquet

        if not self.record.data:
            return None
        try:
            with parquet.ParquetFile(self.seen_path) as file:
                # A few bytes of Parquet can promise any number of rows; digests do not shrink below their half.
                if file.metadata.num_rows * DIGEST_BYTES > self.seen_path.stat().st_size:
                    raise ValueError(f"{file.metadata.num_rows} digests cannot be in a file so short")
                table = file.read(columns=["split", "sha256"])
            if table.column_names != ["split", "sha256"]:
                raise ValueError(f"columns {table.column_names}")
            if any(column.type != pa.string() or column.null_count for column in table.columns):
                raise ValueError("something else than text")
            columns = table.to_pydict()
        except (OSError, LookupError, ValueError, pa.ArrowException) as error:
            raise RunError(
                f"{self.seen_path}: cannot tell which galaxies the run has seen",
                received=error,
                next_step="restore the file or train again",
            ) from error
        found: dict[str, set[str]] = {split: set() for split in self.record.data}
        for split, digest in zip(columns["split"], columns["sha256"], strict=True):
            found.setdefault(split, set()).add(digest)
        return found

    def seen_sha256(self) -> str:
        """SHA-256 of the galaxies of each split, in order; RunError where they cannot be read."""
        return json_sha256({split: sorted(digests) for split, digests in (self.seen() or {}).items()})

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write the whole history anew, as a resumed training takes it up."""
        if not rows:
            self.history_path.unlink(missing_ok=True)
            return
        with whole_file(self.history_path) as partial:
            for epoch, row in enumerate(rows):
                append_csv_row(partial, HISTORY_COLUMNS, epoch, row)

    def append_history(self, epoch: int, row: Mapping[str, float]) -> None:
        """Add one epoch's row to ``history.csv``; it is on disk when this returns."""
        append_csv_row(self.history_path, HISTORY_COLUMNS, epoch, row)

    def history(self) -> pd.DataFrame:
        """Read the learning history, one row an epoch; RunError where it is missing or no table of numbers."""
        try:
            return read_history(read_text(self.history_path, HISTORY_BYTES))
        except (OSError, ValueError, csv.Error) as error:
            raise RunError(
                f"{self.history_path}: cannot be read", received=error, next_step="restore the file or train again"
            ) from error


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
    place = path / "run.json"
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


def read_history(text: str) -> pd.DataFrame:
    """Read a history, a CSV of numbers with an index column, to the last digit; ValueError for anything else."""
    import numpy as np
    import pandas as pd

    rows = csv.reader(text.splitlines(), strict=True)
    columns = next(rows, [""])[1:]
    if len(columns) > MAX_COLUMNS or len(set(columns)) < len(columns) or not set(NOTEBOOK_COLUMNS) <= set(columns):
        raise ValueError(f"{len(columns)} columns that are not those of a history")
    epochs, numbers = array("q"), array("d")
    for row in rows:
        if len(row) != 1 + len(columns):
            raise ValueError(f"{len(row)} fields in line {rows.line_num} instead of {1 + len(columns)}")
        try:
            epochs.append(int(row[0]))
        except OverflowError as error:
            raise ValueError(f"line {rows.line_num} does not begin with the number of an epoch") from error
        numbers.extend(map(float, row[1:]))
    cells = np.frombuffer(numbers).reshape(len(epochs), len(columns)) if epochs else np.empty((0, len(columns)))
    return pd.DataFrame(cells, index=pd.Index(epochs, dtype="int64"), columns=columns)


def append_csv_row(path: Path, columns: Sequence[str], index: int, row: Mapping[str, float]) -> None:
    """Add a row with an index column to a CSV as pandas writes it, with its header first where the file is new."""
    try:
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if file.tell() == 0:
                writer.writerow(["", *columns])
            writer.writerow([index, *(repr(float(row[name])) for name in columns)])
    except OSError as error:
        raise cannot_write(path, error) from error


def evaluation_names(run: Run) -> list[str]:
    """List the datasets that a run was evaluated on."""
    found = [path.parent for path in run.path.glob("evaluation/*/metrics.json")]
    return sorted(folder.name for folder in found if not is_unfinished(folder))


def read_metrics(run: Run, dataset: str) -> dict[str, Any]:
    """Read the results of an evaluation; RunError where there is none."""
    place = run.evaluation_path(dataset) / "metrics.json"
    try:
        metrics = read_json(place, METRICS_BYTES)
        if not isinstance(metrics, dict):
            raise ValueError("not a table of results")
    except (OSError, ValueError) as error:
        raise RunError(
            f"{place}: cannot be read", received=error, allowed=evaluation_names(run), next_step="evaluate the run"
        ) from error
    return metrics
