"""What a test of a run found: its scores, what of it had been seen before, and one row a galaxy."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kamerton.data.marks import SeenBy
from kamerton.errors import UsageError
from kamerton.files import json_sha256
from kamerton.plurals import counted
from kamerton.runs.record import WeightsChosenBy
from kamerton.runs.reliability import CertaintyScores

TOLD = {"none": "", "likely": ", PERHAPS NOT A TEST", "found": ", NOT A TEST", "unknown": ", LEAKAGE NOT KNOWN"}
"""What a result says of its leakage in a word."""

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
