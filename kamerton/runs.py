"""The run folder: the only place that reads or writes one.

``run.json`` settings and provenance · ``history.csv`` one row an epoch · ``model.safetensors`` weights ·
``model.keras`` the Keras twin · ``evaluation/DATASET/`` results. Class names, preprocessing and weights stay together.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

import kamerton
from kamerton.config import Preprocessing, Recipe
from kamerton.errors import RunError
from kamerton.files import cannot_write, new_folder, whole_file, write_json
from kamerton.networks import build_network
from kamerton.records import read_record

if TYPE_CHECKING:
    import pandas as pd

NOTEBOOK_COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")
HISTORY_COLUMNS = (*NOTEBOOK_COLUMNS, "lr", "seconds", "images_per_second")
PROVENANCE_PACKAGES = ("torch", "numpy", "astropy", "safetensors", "keras")


@dataclass(frozen=True)
class CubeRecord:
    """Which cube a run saw."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    path: str
    galaxies: int
    fingerprint: str
    """SHA-256 of its images, labels and class names."""


@dataclass(frozen=True)
class RunRecord:
    """What ``run.json`` holds: everything that must be known to use the weights or to make them again."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    network: str
    parameters: int
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    seed: int | None
    """None where the weights came from elsewhere."""
    recipe: Recipe | None
    """None where the weights came from elsewhere."""
    weights_chosen_on: str
    """The split that chose the weights, or why none did."""
    data: dict[str, CubeRecord]
    """By split: ``train`` and ``valid``."""
    device: str
    versions: dict[str, str]
    started: str
    """When, ISO 8601 in UTC."""
    origin: str
    """How the weights came to be: trained here, or imported from a named file."""


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
        return self.path / "model.keras"

    @property
    def history_path(self) -> Path:
        """Where the learning history is."""
        return self.path / "history.csv"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of the network's input, (height, width, channels)."""
        size = self.record.preprocessing.size
        return size, size, self.record.preprocessing.channels

    def evaluation_path(self, dataset: str) -> Path:
        """Where the results on ``dataset`` are."""
        return self.path / "evaluation" / dataset

    def build_network(self) -> nn.Module:
        """Build the run's network with its starting weights."""
        shape = self.record.preprocessing
        return build_network(
            self.record.network,
            size=shape.size,
            channels=shape.channels,
            classes=len(self.record.class_names),
            seed=self.record.seed or 0,
        )

    def load_network(self) -> nn.Module:
        """Build the run's network with its weights, ready to predict. RunError where they are missing or do not fit."""
        network = self.build_network()
        try:
            network.load_state_dict(load_file(self.weights_path))
        except FileNotFoundError as error:
            raise RunError(
                f"{self.path} has no weights yet",
                received="no model.safetensors",
                next_step="let the training end, or train again into a new folder",
            ) from error
        except (OSError, SafetensorError, RuntimeError) as error:
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

    def append_history(self, epoch: int, row: Mapping[str, float]) -> None:
        """Add one epoch's row to ``history.csv``; it is on disk when this returns."""
        append_csv_row(self.history_path, HISTORY_COLUMNS, epoch, row)

    def history(self) -> pd.DataFrame:
        """Read the learning history, one row an epoch."""
        import pandas as pd

        try:
            return pd.read_csv(self.history_path, index_col=0)
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.history_path}: cannot be read", received=error, next_step="restore the file or train again"
            ) from error


def create_run(path: Path, record: RunRecord) -> Run:
    """Make a new run folder with its ``run.json``; OutputError where the folder exists or cannot be written."""
    run = Run(new_folder(path), record)
    write_json(path / "run.json", dataclasses.asdict(record))
    return run


def open_run(path: str | Path) -> Run:
    """Open an existing run folder; RunError says what is missing or wrong in it."""
    path = Path(path)
    place = path / "run.json"
    try:
        table = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RunError(
            f"{place}: cannot be read as a run", received=reason, next_step="name a folder made by `kamerton train`"
        ) from error
    return Run(path, read_record(RunRecord, table, str(place), RunError))


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


def versions() -> dict[str, str]:
    """Versions of Kamerton, Python and the libraries that shape a result."""
    found = {name: metadata.version(name) for name in PROVENANCE_PACKAGES}
    return {"kamerton": kamerton.__version__, "python": platform.python_version(), **found}


def describe_device(device: torch.device) -> str:
    """Name the device that did the work, with its threads or its card."""
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"{device.type}: {platform.machine()}, {torch.get_num_threads()} threads"


def evaluation_names(run: Run) -> list[str]:
    """List the datasets that a run was evaluated on."""
    return sorted(path.parent.name for path in run.path.glob("evaluation/*/metrics.json"))


def read_metrics(run: Run, dataset: str) -> dict[str, Any]:
    """Read the results of an evaluation; RunError where there is none."""
    place = run.evaluation_path(dataset) / "metrics.json"
    try:
        return dict(json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{place}: cannot be read", received=error, allowed=evaluation_names(run), next_step="evaluate the run"
        ) from error
