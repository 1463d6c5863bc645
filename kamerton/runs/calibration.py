"""``calibration.json`` and ``features/``: what makes a run's probabilities true, tied to its weights."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from kamerton.config.judging import SetMethod
from kamerton.errors import OutputError, RunError, UsageError
from kamerton.files import cannot_write, file_sha256, json_sha256, read_json, require_writable, write_json
from kamerton.plurals import counted
from kamerton.records import read_record
from kamerton.runs.folder import CALIBRATION_FILE, FEATURES, Run
from kamerton.runs.record import CubeRecord
from kamerton.tensors import read_tensors, write_tensors

FEATURES_FILE = re.compile(r"known-[0-9a-f]{16}\.safetensors")
"""Named after its SHA-256, so that a new one never takes the place of one that is still referred to."""

CALIBRATION_BYTES = 4 << 20
"""A longer ``calibration.json`` is none: a thousand classes take 200 KiB."""

MOST_GALAXIES = 4096
"""Galaxies that are kept of the training and of the calibration cube."""

Slope = Annotated[float, Field(ge=-1e6, le=1e6, strict=True, allow_inf_nan=False)]
"""Of a scaling, and its offset: within these no logarithm of a float32's probability overflows."""
Score = Annotated[float, Field(ge=0, le=2, strict=True, allow_inf_nan=False)]
"""Sums of probabilities reach a bit more than 1."""
Loss = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**53, strict=True)]
Kept = Annotated[int, Field(ge=1, le=MOST_GALAXIES, strict=True)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class KnownRecord:
    """What is in the file of known galaxies."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    sha256: Sha256
    features: Annotated[int, Field(ge=1, le=1 << 22, strict=True)]
    """Numbers that the last dense layer is given."""
    axes: Annotated[int, Field(ge=0, le=1024, strict=True)]
    """Principal axes that they are turned onto; 0 where they are kept as they are."""
    training: Annotated[int, Field(ge=0, le=MOST_GALAXIES, strict=True)]
    """Galaxies of the training cube; 0 where that was gone."""
    calibrating: Kept
    """Galaxies of the calibration cube."""


@dataclass(frozen=True)
class Calibration:
    """What ``calibration.json`` holds: the scaling, the thresholds, and what they were learned from."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    weights_sha256: Sha256
    """Of the weights that it is for."""
    cube: CubeRecord
    """That it was learned from."""
    leakage: Literal["none", "likely", "found", "unknown"]
    """Whether the run had seen galaxies of it before; ``found`` are those of the validation set."""
    seen: dict[str, Count] | None
    """How many, by split; None where nobody knows."""
    views: Literal[1, 8]
    precision: Literal["float32", "int8"]
    coverage: Annotated[float, Field(gt=0, lt=1, strict=True)]
    """That the sets promise for each class."""
    method: SetMethod
    kind: Literal["temperature", "vector"]
    slopes: tuple[Slope, ...]
    """By which log-probabilities are multiplied, one a class; 1 / temperature, all alike, unless ``kind`` is vector."""
    offsets: tuple[Slope, ...]
    """Added to them, one a class."""
    held_out_losses: dict[str, Loss]
    """Nats a galaxy without scaling, with a temperature and with a vector, each on galaxies that it was not fitted
    to."""
    galaxies: tuple[Count, ...]
    """Of each class, in the half that the thresholds come from."""
    thresholds: tuple[Score, ...]
    """Highest score of each class in a set (`kamerton.certainty.sets`)."""
    pooled: tuple[str, ...]
    """Names of the classes that share a threshold, for they are too rare."""
    known: KnownRecord

    def __post_init__(self) -> None:
        if self.kind == "temperature" and not (self.slopes and self.slopes[0] > 0 and len(set(self.slopes)) == 1):
            raise UsageError("slopes: no temperature", received=self.slopes[:3], allowed="one number above 0 for all")
        columns = ("slopes", "offsets", "galaxies", "thresholds")
        lengths = {name: len(getattr(self, name)) for name in columns}
        if len(set(lengths.values())) != 1:
            raise UsageError(
                "the columns of classes differ in length", received=lengths, allowed="one number a class in each"
            )

    @property
    def temperature(self) -> float | None:
        """By which logits are divided; None for a vector."""
        return 1 / self.slopes[0] if self.kind == "temperature" else None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that it changes in a prediction; where the cube lay is not in it."""
        content = dataclasses.asdict(self)
        content["cube"] = self.cube.fingerprint
        return json_sha256(content)

    def as_json(self) -> dict[str, Any]:
        """Give everything to a program."""
        return dataclasses.asdict(self)


Known = Mapping[str, Any]
"""The arrays of the file of known galaxies, by name (`known_shapes`)."""


def known_shapes(record: KnownRecord, classes: int) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
    """Type and shape of each tensor that the file must hold."""
    float32, float64 = torch.float32, torch.float64
    axes = record.axes + 1 if record.axes else record.features
    shapes: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {
        "energies": (float64, (record.calibrating,)),
        "labels": (torch.int64, (record.calibrating,)),
        "log_probabilities": (float32, (record.calibrating, classes)),
    }
    if record.training:
        shapes |= {
            "centre": (float32, (record.features,)),
            "weights": (float32, (record.features,)),
            "training": (float32, (record.training, axes)),
            "training_pixels": (float32, (record.training, PIXEL_MEASURES)),
            "calibrating": (float32, (record.calibrating, axes)),
            "distances": (float64, (record.calibrating,)),
        }
        if record.axes:
            shapes["axes"] = (float32, (record.features, record.axes))
    return shapes


PIXEL_MEASURES = 4
"""Numbers that are kept of a training galaxy's pixels (`kamerton.certainty.drift`)."""


def calibration_path(run: Run) -> Path:
    """Where a run's calibration is."""
    return run.path / CALIBRATION_FILE


def is_calibrated(run: Run) -> bool:
    """Tell whether a run has been calibrated, with whatever weights; a link to nothing is for the reader to refuse."""
    return os.path.lexists(calibration_path(run))


def require_calibration_place(run: Run) -> None:
    """Refuse a run folder that no calibration can be written into (OutputError), before any work is spent."""
    run.refuse_links()
    folder, file = run.path / FEATURES, calibration_path(run)
    for path, is_taken in ((folder, folder.exists() and not folder.is_dir()), (file, file.is_dir())):
        if is_taken:
            raise OutputError(
                f"{path}: no calibration can be written there",
                received="a folder" if path.is_dir() else "no folder",
                next_step="move it away",
            )
    require_writable(file)


def write_calibration(run: Run, calibration: Calibration, known: Known) -> Calibration:
    """Keep a calibration in the place of an earlier one, and give it with the file of known galaxies in it.

    A killed process leaves the earlier one whole. The SHA-256 in ``calibration.known`` is found here. OutputError where
    it cannot be written.
    """
    require_calibration_place(run)
    folder = run.path / FEATURES
    fresh = folder / "known-0000000000000000.safetensors"
    try:
        folder.mkdir(exist_ok=True)
        write_tensors(fresh, {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in known.items()})
        sha256 = file_sha256(fresh)
        place = _known_path(run, sha256)
        fresh.replace(place)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise cannot_write(folder, error) from error
    calibration = dataclasses.replace(calibration, known=dataclasses.replace(calibration.known, sha256=sha256))
    write_json(calibration_path(run), calibration.as_json())
    for path in folder.iterdir():
        if path != place and FEATURES_FILE.fullmatch(path.name) and not path.is_dir():
            path.unlink()
    return calibration


def _known_path(run: Run, sha256: str) -> Path:
    return run.path / FEATURES / f"known-{sha256[:16]}.safetensors"


def read_calibration(run: Run) -> Calibration | None:
    """Read a run's calibration, of whatever weights; None where there is none. RunError names what is wrong in it."""
    if not is_calibrated(run):
        return None
    place = calibration_path(run)
    try:
        table = read_json(place, CALIBRATION_BYTES)
    except (OSError, ValueError) as error:
        raise RunError(f"{place}: cannot be read", received=error, next_step=AGAIN) from error
    calibration = read_record(Calibration, table, str(place), RunError, AGAIN)
    classes = len(run.record.class_names)
    if len(calibration.slopes) != classes or not set(calibration.pooled) <= set(run.record.class_names):
        raise RunError(
            f"{place}: other classes than the run's",
            received=counted(len(calibration.slopes), "class"),
            allowed=counted(classes, "class"),
            next_step=AGAIN,
        )
    return calibration


AGAIN = "calibrate the run again with `kamerton calibrate`, or move that file away"


def of_present_weights(run: Run, calibration: Calibration) -> bool:
    """Tell whether a calibration is of the weights that lie in the run folder now."""
    return calibration.weights_sha256 == run.weights_sha256()


def require_present_weights(run: Run, calibration: Calibration) -> None:
    """Refuse a calibration of other weights than the run's present ones (RunError)."""
    if not of_present_weights(run, calibration):
        raise RunError(
            f"{calibration_path(run)}: a calibration of other weights, which says nothing about these",
            received=f"weights {calibration.weights_sha256[:12]}",
            allowed=f"{run.weights_sha256()[:12]}, those of {run.weights_path.name}",
            next_step=AGAIN,
        )


def read_known(run: Run, calibration: Calibration) -> Known:
    """Read what is kept of known galaxies; RunError where it is not what the calibration was made with."""
    place = _known_path(run, calibration.known.sha256)
    shapes = known_shapes(calibration.known, len(run.record.class_names))
    expected = {name: torch.empty(shape, dtype=kind, device="meta") for name, (kind, shape) in shapes.items()}
    try:
        if file_sha256(place) != calibration.known.sha256:
            raise ValueError("changed since the run was calibrated")
        tensors = read_tensors(place, expected)
        for name, tensor in tensors.items():
            if not torch.isfinite(tensor).all():
                raise ValueError(f"{name}: not finite")
        if not ((tensors["labels"] >= 0) & (tensors["labels"] < len(run.record.class_names))).all():
            raise ValueError("labels: of classes that the run does not have")
    except (OSError, ValueError) as error:
        raise RunError(
            f"{place}: cannot be read",
            received=error.strerror if isinstance(error, OSError) else error,
            next_step=AGAIN,
        ) from error
    return {name: tensor.numpy() for name, tensor in tensors.items()}
