"""``evaluation/DATASET/``: what a run is worth on a cube, ``metrics.json``, ``predictions.parquet`` and pictures."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kamerton.data.marks import SeenBy
from kamerton.errors import RunError, UsageError
from kamerton.figures.drawing import save_figure
from kamerton.files import (
    is_unfinished,
    json_sha256,
    read_json,
    require_only,
    require_writable,
    whole_folder,
    write_json,
)
from kamerton.parquet import read_parquet
from kamerton.plurals import counted
from kamerton.records import read_record
from kamerton.runs.folder import EVALUATIONS, Run
from kamerton.runs.record import WeightsChosenBy
from kamerton.runs.reliability import CertaintyScores

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

METRICS_BYTES = 4 << 20
"""A longer ``metrics.json`` is none: the confusion matrix of 500 classes is shorter."""

CUBE_ENDINGS = (".gz", ".fz", ".fits")

PICTURES = ("confusion", "mistakes", "reliability")
"""The pictures of an evaluation."""

TOLD = {"none": "", "likely": ", PERHAPS NOT A TEST", "found": ", NOT A TEST", "unknown": ", LEAKAGE NOT KNOWN"}
"""What a result says of its leakage in a word."""

OWN_FILES = ("metrics.json", "predictions.parquet", *(f"{name}.png" for name in PICTURES))
"""All that an evaluation writes into its folder."""

SUM_TOLERANCE = 1e-3
"""By which the probabilities of a galaxy may miss one: float32 does by 1e-6."""

Share = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
Range = tuple[Share, Share]
Count = Annotated[int, Field(ge=0, le=2**53, strict=True)]

IntervalMethod = Literal["Wilson, 95%"]
"""How the interval of a share is made."""


@dataclass(frozen=True)
class ClassScores:
    """How well one class is told from the others; what is not defined for the galaxies at hand is None."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    class_name: str
    precision: Share | None
    recall: Share | None
    f1: Share | None
    support: Count
    """Galaxies of this class."""
    roc_auc: Share | None
    """Of this class against the rest."""
    precision_interval: Range | None = None
    recall_interval: Range | None = None
    """Older results have none."""


@dataclass(frozen=True)
class GroupScores:
    """How well the galaxies of one group are sorted."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    galaxies: Count
    accuracy: Share
    balanced_accuracy: Share
    accuracy_interval: Range | None = None
    """Older results have none."""


@dataclass(frozen=True)
class GroupedScores:
    """The groups of a catalogue column, measured apart."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    column: str
    groups: dict[str, GroupScores]
    """By the value in the column."""


@dataclass(frozen=True)
class Scores:
    """How good predictions are; what is not defined for the galaxies at hand is None."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    galaxies: Count
    accuracy: Share
    balanced_accuracy: Share
    macro_f1: Share
    log_loss: Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]
    """Nats a galaxy."""
    roc_auc_macro: Share | None
    per_class: tuple[ClassScores, ...]
    """In the order of the run's class names."""
    confusion_matrix: tuple[tuple[Count, ...], ...]
    """Galaxies by (true, predicted) class."""

    def __post_init__(self) -> None:
        classes = len(self.per_class)
        sizes = sorted({len(row) for row in self.confusion_matrix})
        if len(self.confusion_matrix) != classes or sizes != [classes]:
            raise UsageError(
                "confusion_matrix: another size than per_class",
                received=f"{len(self.confusion_matrix)} rows of {' or '.join(map(str, sizes))}",
                allowed=f"{classes} rows of {classes}",
            )
        counted = sum(map(sum, self.confusion_matrix))
        if counted != self.galaxies:
            raise UsageError(
                "confusion_matrix: other galaxies than were counted",
                received=f"{counted} in the matrix",
                allowed=f"{self.galaxies}",
            )


@dataclass(frozen=True)
class Leakage:
    """How many galaxies of the cube the run has seen before it was tested on them, and how that was looked for."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    status: Literal["none", "likely", "found", "unknown"]
    """``likely``: pictures are alike, or overlap on the sky; ``none``: by all checks that could be made, and pictures
    were compared."""
    seen: dict[str, Count] | None
    """Galaxies of the cube that are in each split of the run, by pixels, id or position; None where nobody knows, as of
    foreign weights."""
    likely: dict[str, Count] = field(default_factory=dict)
    """Those that only a likeness or an overlap shows."""
    by: dict[SeenBy, dict[str, Count]] = field(default_factory=dict)
    """What each check found in each split."""
    compared: dict[SeenBy, Count] = field(default_factory=dict)
    """Galaxies of the cube that each check found, or could compare with all of the run; empty in older results, where
    only pixels were compared."""
    found: dict[SeenBy, Count] = field(default_factory=dict)
    """Galaxies of the cube that each check found, in one split or in several; empty in older results."""

    @classmethod
    def of(
        cls,
        seen: dict[str, int] | None,
        likely: dict[str, int] | None = None,
        by: dict[SeenBy, dict[str, int]] | None = None,
        compared: dict[SeenBy, int] | None = None,
        found: dict[SeenBy, int] | None = None,
    ) -> Leakage:
        """Judge such counts."""
        likely, by, compared = likely or {}, by or {}, compared or {}
        return cls(_judge(seen, likely, compared), seen, likely, by, compared, found or {})

    def __post_init__(self) -> None:
        wanted = _judge(self.seen, self.likely, self.compared)
        if self.status == "none" and not self.compared:
            # Equal pixels alone do not tell, as was once thought.
            object.__setattr__(self, "status", wanted)
        if self.status != wanted:
            raise UsageError("leakage.status: does not follow from the counts", received=self.status, allowed=wanted)


def _judge(
    seen: Mapping[str, int] | None, likely: Mapping[str, int], compared: Mapping[SeenBy, int]
) -> Literal["none", "likely", "found", "unknown"]:
    if seen is None:
        return "unknown"
    if any(seen.values()):
        return "found"
    if any(likely.values()):
        return "likely"
    return "none" if compared.get("likeness") else "unknown"


@dataclass(frozen=True)
class Averaged:
    """The test of an ensemble's member whose probabilities went into the mean."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    run: str
    """The member's name."""
    fingerprint: str
    """Of the member, as its ``run.json`` has it."""
    seal: str
    """Of the member's own results on the same cube, which its folder holds."""
    accuracy: Share


@dataclass(frozen=True)
class Metrics(Scores):
    """What ``metrics.json`` holds: the scores, and what was tested on what."""

    run: str
    network: str
    dataset: str
    """The cube's file."""
    path: str
    """Where the cube was."""
    fingerprint: str
    """SHA-256 of the cube's images, labels and class names."""
    weights_sha256: str
    weights_chosen_by: WeightsChosenBy
    leakage: Leakage
    views: Literal[1, 8]
    """Turns and mirror images of each galaxy whose predictions were averaged."""
    precision: Literal["float32", "int8"]
    """Of the prediction's numbers."""
    by: GroupedScores | None = None
    """None where no groups were measured apart."""
    beside: str | None = None
    """The way to the cube from the run folder, which holds when both are moved together; older results lack it."""
    accuracy_interval: Range | None = None
    """Older results have none."""
    intervals: IntervalMethod | None = None
    """How all intervals are made; None in older results, which have none."""
    certainty: CertaintyScores | None = None
    """How far the probabilities are to be trusted; older results lack it."""
    averaged: tuple[Averaged, ...] = ()
    """Whose probabilities these are the mean of; none for a network."""
    seal: str | None = None
    """SHA-256 of all else in here and of the predictions; older results lack it."""

    def __repr__(self) -> str:
        told = TOLD[self.leakage.status]
        numbers = f"accuracy {self.accuracy:.3f}, balanced {self.balanced_accuracy:.3f}"
        return f"Metrics({self.run} on {self.dataset}, {counted(self.galaxies, 'galaxy')}, {numbers}{told})"

    def as_json(self) -> dict[str, Any]:
        """Give everything to a program."""
        return dataclasses.asdict(self)

    def seal_with(self, predictions: Predictions) -> str:
        """SHA-256 of these results and the predictions that they are of: no part of either can be changed alone."""
        unsealed = dataclasses.replace(self, seal=None)
        return json_sha256({"metrics": _unusual(unsealed), "predictions": predictions.sha256()})

    def is_broken(self, predictions: Predictions) -> bool:
        """Tell whether the seal shows that these results or the predictions were changed."""
        return self.seal is not None and self.seal != self.seal_with(predictions)


def _unusual(value: Any) -> Any:
    """Give fields that are not at their default, also in fields: those that later results have are so in earlier."""
    if dataclasses.is_dataclass(value):
        fields = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {field.name: _unusual(found) for field, found in fields if found != _default(field)}
    if isinstance(value, Mapping):
        return {key: _unusual(found) for key, found in value.items()}
    return [_unusual(found) for found in value] if isinstance(value, tuple) else value


def _default(known: dataclasses.Field[Any]) -> Any:
    return known.default if known.default_factory is dataclasses.MISSING else known.default_factory()


@dataclass(frozen=True, eq=False)
class Predictions:
    """What ``predictions.parquet`` holds, one row a galaxy in the cube's order; UsageError names the wrong column."""

    ids: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    """(N,), places in the run's class names."""
    probabilities: npt.NDArray[np.float32]
    """(N, classes), in the order of the run's class names."""
    groups: tuple[str, ...] | None
    """Galaxies of one value are the same galaxy, empty ones excepted; None where the cube names no groups."""

    def __repr__(self) -> str:
        galaxies, classes = self.probabilities.shape
        return f"Predictions({counted(galaxies, 'galaxy')}, {counted(classes, 'class')})"

    @property
    def independent(self) -> tuple[str, ...]:
        """Name for each galaxy the group that it is in, alone where none is named; groups are independent."""
        groups = self.groups or ("",) * len(self.ids)
        return tuple(group or f"\0{row}" for row, group in enumerate(groups))

    def sha256(self) -> str:
        """SHA-256 of all of it."""
        whole = hashlib.sha256(json_sha256({"ids": self.ids, "groups": self.groups}).encode())
        whole.update(self.labels.astype("<i8").tobytes())
        whole.update(self.probabilities.astype("<f4").tobytes())
        return whole.hexdigest()

    def __post_init__(self) -> None:
        galaxies, classes = self.probabilities.shape
        for column in (self.ids, self.labels, self.ids if self.groups is None else self.groups):
            assert len(column) == galaxies
        _require_rows((self.labels >= 0) & (self.labels < classes), "label", f"0 to {classes - 1}")
        with np.errstate(invalid="ignore", over="ignore"):
            ranged = ((self.probabilities >= 0) & (self.probabilities <= 1)).all(1)
            summed = np.abs(self.probabilities.sum(1) - 1) <= SUM_TOLERANCE
        _require_rows(ranged & summed, "probabilities", "0 to 1 each and 1 in all")


def _require_rows(holds: npt.NDArray[np.bool_], column: str, allowed: str) -> None:
    if not holds.all():
        row = int(np.flatnonzero(~holds)[0])
        raise UsageError(f"{column}: out of range", received=f"the galaxy of row {row}", allowed=allowed)


def dataset_name(cube: Path) -> str:
    """Name the results of a cube: its file's name without the endings of FITS files."""
    name = cube.name
    for ending in CUBE_ENDINGS:
        name = name.removesuffix(ending)
    return name or cube.name


def tested_on(name: str, cube: str) -> str:
    """Say what results are of: the cube's file, after the name of the results where that is another than its own."""
    return cube if name == dataset_name(Path(cube)) else f"{name} ({cube})"


def evaluation_names(run: Run) -> list[str]:
    """List the datasets that a run was evaluated on."""
    found = [path.parent for path in run.path.glob(f"{EVALUATIONS}/*/metrics.json")]
    return sorted(folder.name for folder in found if not is_unfinished(folder))


def of_present_weights(run: Run, metrics: Metrics) -> bool:
    """Tell whether results are of the run's present weights, and not of those before its training was extended."""
    results = run.record.results
    return metrics.weights_sha256 == (run.weights_sha256() if results is None else results.weights)


def require_place(run: Run, dataset: str) -> None:
    """Refuse a place where the results on a dataset cannot take that of earlier ones without loss (OutputError)."""
    run.refuse_links()
    place = run.evaluation_path(dataset)
    if place.is_dir() and not place.is_symlink():
        require_only(place, OWN_FILES)
    require_writable(place)


def write_evaluation(
    run: Run, dataset: str, metrics: Metrics, predictions: Predictions, figures: Mapping[str, Figure]
) -> Path:
    """Keep the results on a dataset in the place of any earlier ones, whole or not at all, and give their folder.

    ``figures`` are by their names in PICTURES. OutputError where the folder holds anything else, which would be lost.
    """
    require_place(run, dataset)
    place = run.evaluation_path(dataset)
    with whole_folder(place, existing="replace", own=OWN_FILES) as folder:
        _write_predictions(folder / "predictions.parquet", run, predictions)
        for name, figure in figures.items():
            assert name in PICTURES
            save_figure(figure, picture_in(folder, name))
        # Results are there once this file is: a killed process leaves none that are listed.
        write_json(folder / "metrics.json", metrics.as_json())
    return place


def picture_in(folder: Path, name: str) -> Path:
    """Where a picture of PICTURES is in the folder of an evaluation."""
    return folder / f"{name}.png"


def read_metrics(run: Run, dataset: str) -> Metrics:
    """Read the results of an evaluation; RunError where there is none, or names what is wrong in it."""
    place = run.evaluation_path(dataset) / "metrics.json"
    next_step = f"move {place.parent} away and evaluate the run again"
    try:
        table = read_json(place, METRICS_BYTES)
    except FileNotFoundError as error:
        known = ", ".join(evaluation_names(run)) or "none"
        raise RunError(
            f"{place}: cannot be read", received=error.strerror, allowed=known, next_step="evaluate the run"
        ) from error
    except (OSError, ValueError) as error:
        raise RunError(f"{place}: cannot be read", received=error, next_step=next_step) from error
    metrics = read_record(Metrics, table, str(place), RunError, next_step)
    if len(metrics.per_class) != len(run.record.class_names):
        raise RunError(
            f"{place}: per_class: other classes than the run's",
            received=f"{len(metrics.per_class)} classes",
            allowed=f"{len(run.record.class_names)} classes",
            next_step=next_step,
        )
    return metrics


def read_predictions(run: Run, dataset: str, galaxies: int) -> Predictions:
    """Read the predictions for the ``galaxies`` that an evaluation counts; RunError names what is wrong in them."""
    place = run.evaluation_path(dataset) / "predictions.parquet"
    names = run.record.class_names
    try:
        table = read_parquet(place, lambda schema: _prediction_columns(schema, names))
        if len(table) != galaxies:
            raise ValueError(f"{len(table)} rows instead of {galaxies}")
        for name in table.column_names:
            if table[name].null_count:
                raise ValueError(f"{name}: some rows are empty")
        return _predictions(table, names)
    except (OSError, ValueError) as error:
        raise RunError(
            f"{place}: cannot be read", received=error, next_step=f"move {place.parent} away and evaluate the run again"
        ) from error


def _prediction_columns(schema: pa.Schema, class_names: tuple[str, ...]) -> list[str]:
    """Name the columns, once it is known that they are there, and of the types that they must have."""
    from pyarrow import types

    def is_text(kind: pa.DataType) -> bool:
        return bool(types.is_string(kind) or types.is_large_string(kind))

    wanted = {"id": is_text, "label": types.is_integer} | {f"p_{name}": types.is_floating for name in class_names}
    if "group" in schema.names:
        wanted["group"] = is_text
    for name, holds in wanted.items():
        if schema.names.count(name) != 1 or not holds(schema.field(name).type):
            raise ValueError(f"{name}: no column of this name, or not of the type that it must have")
    return list(wanted)


def _predictions(table: pa.Table, class_names: tuple[str, ...]) -> Predictions:
    probabilities = [table[f"p_{name}"].to_numpy().astype(np.float32) for name in class_names]
    return Predictions(
        ids=tuple(table["id"].to_pylist()),
        labels=table["label"].to_numpy().astype(np.int64),
        probabilities=np.column_stack(probabilities),
        groups=tuple(table["group"].to_pylist()) if "group" in table.column_names else None,
    )


def _write_predictions(path: Path, run: Run, predictions: Predictions) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns: dict[str, Any] = {"id": list(predictions.ids), "label": predictions.labels}
    if predictions.groups is not None:
        columns["group"] = list(predictions.groups)
    names = enumerate(run.record.class_names)
    columns |= {f"p_{name}": predictions.probabilities[:, place] for place, name in names}
    table = pa.table(columns).replace_schema_metadata({"run": run.name, "network": run.record.network})
    parquet.write_table(table, path)
