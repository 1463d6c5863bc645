"""Provenance of a run: all that must be known to use its weights, or to train them again."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from kamerton.config.machine import ChosenLayout
from kamerton.config.pictures import PixelOrigin, Preprocessing
from kamerton.config.recipe import Recipe
from kamerton.files import json_sha256
from kamerton.machine.computation import ConvolutionAlgorithm
from kamerton.version import PACKAGE, __version__

PROVENANCE_PACKAGES = ("torch", "numpy", "astropy", "safetensors", "keras")

MAX_THREADS = 4096
"""More than any machine's processors have; starting far more would end the process."""

Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Processes = Annotated[int, Field(ge=1, le=2**31 - 1)]
Threads = Annotated[int, Field(ge=1, le=MAX_THREADS)]

WeightsChosenBy = Literal["last epoch", "best val_loss", "best val_accuracy", "unknown", "each by its own"]
"""A recipe's ``weights_chosen_by``; ``best`` is the best on the validation set, the last one of an ensemble."""

ENSEMBLE = "ensemble"
"""In the place of a network's name: several networks, whose probabilities are averaged."""

LATER_FIELDS = {
    "processes": 1,
    "precision": "float32",
    "convolutions": None,
    "channels_last": None,
    "compiled": None,
    "pixel_origin.framing": None,
    "pixel_origin": None,
    "start": None,
    "members": (),
    "recipe.head_epochs": 0,
    "recipe.first_layer_rate": None,
    "recipe.average_decay": None,
    "recipe.logit_adjustment": 0,
    "recipe.frozen": False,
}
"""Fields that run.json did not always have, those of its recipe as ``recipe.NAME``, with the value that an older run
implies; at that value they are left out of the fingerprint, so that older fingerprints stay valid. A field's own fields
come before it."""


@dataclass(frozen=True)
class CubeRecord:
    """Which cube a run saw."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    path: str
    """Where it was."""
    galaxies: Count
    fingerprint: str
    """SHA-256 of its images, labels and class names."""
    beside: str | None = None
    """The way to it from the run folder, which holds when both are moved together; older runs lack it."""


@dataclass(frozen=True)
class ResultsRecord:
    """What came out; the fingerprints are all SHA-256."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    weights: str
    """Of model.safetensors."""
    history: str
    """Of history.csv without its times."""
    galaxies: str
    """Of what galaxies.parquet lists; of nothing where the weights came from elsewhere."""
    fingerprint: str
    """Of data, settings, versions, weights and history: equal fingerprints are the same training with the same end."""
    epoch: Annotated[int, Field(ge=1)] | None
    """Whose weights these are, counted from 1; None where they came from elsewhere."""


@dataclass(frozen=True)
class Change:
    """A field of the record whose value changed when the training was resumed."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    field: str
    """With dots: ``recipe.epochs``, ``versions.torch``."""
    old: str | int | None
    new: str | int | None


StartKind = Literal["run", "file", "table", "timm"]


@dataclass(frozen=True)
class StartRecord:
    """The learned weights that a training began with."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    kind: StartKind
    name: str
    """Of the run's folder or of the file, in Kamerton's table, or in timm."""
    source: str
    """Where they come from, in words."""
    sha256: str
    """Of the file that holds them; of timm's, of the tensors themselves."""
    trained_on: str | None
    """What they were learned from, in words; None where nobody knows."""
    licence: str | None
    """Of the weights; None where nobody knows."""
    head: Literal["kept", "new"]
    """Whether the layer that names the classes was taken, too."""
    seen: dict[str, Count] | None
    """How many galaxies they have seen, by split, as galaxies.parquet lists them; None where nobody knows."""
    path: str | None = None
    """Where the run or the file was."""
    beside: str | None = None
    """The way to it from the run folder, which holds when both are moved together."""
    start: StartRecord | None = None
    """What that run itself began with."""

    @property
    def made_of(self) -> dict[str, Any]:
        """All of it but the places."""
        inner = None if self.start is None else self.start.made_of
        fields = dataclasses.asdict(self) | {"start": inner}
        return {name: value for name, value in fields.items() if name not in {"path", "beside"}}

    @property
    def in_words(self) -> str:
        """Say it in a line."""
        learned = f"learned from {self.trained_on}" if self.trained_on else "nobody says what it learned from"
        licence = self.licence or "licence not known"
        return f"starting from {self.name} ({self.source}; {learned}; {licence}) with a {self.head} head"


@dataclass(frozen=True)
class MemberRecord:
    """A run whose probabilities an ensemble averages."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: str
    """Of its folder."""
    record: RunRecord
    """Its own ``run.json``."""
    weights_bytes: Count
    """Of its model.safetensors."""
    training_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    """Of all its epochs; None where it has no history of them."""
    path: str
    """Where it was."""
    beside: str
    """The way to it from the ensemble's folder, which holds when both are moved together."""

    @property
    def fingerprint(self) -> str:
        """By which it is known again."""
        assert self.record.results is not None
        return self.record.results.fingerprint

    @property
    def weights(self) -> str:
        """SHA-256 of its weights."""
        assert self.record.results is not None
        return self.record.results.weights


@dataclass(frozen=True)
class RunRecord:
    """What ``run.json`` holds: everything that must be known to use the weights or to make them again."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    network: str
    parameters: Count
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    seed: int | None
    """None where the weights came from elsewhere."""
    recipe: Recipe | None
    """None where the weights came from elsewhere."""
    data: dict[str, CubeRecord]
    """By split: ``train`` and ``valid``."""
    device: str
    threads: Threads | None
    """Threads of the CPU that computed, on which the last bit of a sum depends; None where the weights came from
    elsewhere."""
    deterministic: bool
    """Whether the same seed gives the same bits."""
    versions: dict[str, str]
    started: str
    """When, ISO 8601 in UTC."""
    imported_from: str | None = None
    """Name of the file that the weights came from; None where they were trained here."""
    changes: tuple[Change, ...] = ()
    """What was changed when the training was resumed: more epochs, another machine or library."""
    results: ResultsRecord | None = None
    """None until the training has ended."""
    peak_memory_bytes: Count | None = None
    """Of the process that ended the training (its largest resident set); None where that is not known."""
    processes: Processes = 1
    """That learned together, each from its part of every batch."""
    precision: str = "float32"
    """Of convolutions and matrix products: float32, or bfloat16 on a GPU."""
    convolutions: ConvolutionAlgorithm | None = None
    """How they were computed, plain or in tiles; None where the weights came from elsewhere, or it was not recorded."""
    channels_last: bool | None = None
    """Whether images lay in memory as (n, height, width, channels); None as above."""
    compiled: bool | None = None
    """Whether the network learned through ``torch.compile``; None as above."""
    pixel_origin: PixelOrigin | None = None
    """How the pixels that it learned from came to be: bytes of pictures, or bands through a stretch, and which part of
    the pictures the images show; None as above."""
    start: StartRecord | None = None
    """The learned weights that the training began with; None where it began with random ones."""
    members: tuple[MemberRecord, ...] = ()
    """Those of an ensemble, which has no weights of its own; none of a network."""

    @property
    def trained(self) -> tuple[RunRecord, ...]:
        """The records of what was trained: of an ensemble's members, and else this one."""
        return tuple(member.record for member in self.members) or (self,)

    @property
    def seen_counts(self) -> dict[str, int]:
        """Number of galaxies that the weights have seen, by split, as galaxies.parquet lists them."""
        before = None if self.start is None else self.start.seen
        return {split: cube.galaxies for split, cube in self.data.items()} | (before or {})

    @property
    def layout(self) -> ChosenLayout | None:
        """How images lay in memory and convolutions were computed; None where it was not recorded."""
        return "channels_last" if self.channels_last else self.convolutions

    @property
    def knows_what_it_saw(self) -> bool:
        """Tell whether all galaxies are known that the weights have seen, those of its start as well."""
        return all(bool(one.data) and (one.start is None or one.start.seen is not None) for one in self.trained)

    @property
    def weights_chosen_by(self) -> WeightsChosenBy:
        """What chose the weights; ``unknown`` where they came from elsewhere."""
        if self.members:
            chosen = {one.weights_chosen_by for one in self.trained}
            return chosen.pop() if len(chosen) == 1 else "each by its own"
        return "unknown" if self.recipe is None else self.recipe.weights_chosen_by

    @property
    def network_shape(self) -> dict[str, int]:
        """Size, channels and classes, as a network is built for."""
        shape = self.preprocessing
        return {"size": shape.size, "channels": shape.channels, "classes": len(self.class_names)}

    def with_results(self, weights: str, history: str, galaxies: str, epoch: int | None) -> RunRecord:
        """Give the record of the finished training, with its fingerprint."""
        results = ResultsRecord(weights, history, galaxies, self.fingerprint(weights, history), epoch)
        return dataclasses.replace(self, results=results)

    @property
    def is_as_it_ended(self) -> bool:
        """Tell whether all that the fingerprint covers is as when the training ended; before that, it is."""
        results = self.results
        own = results is None or results.fingerprint == self.fingerprint(results.weights, results.history)
        return own and all(member.record.is_as_it_ended for member in self.members)

    def fingerprint(self, weights: str, history: str) -> str:
        """SHA-256 of what the training was made of and what came out; neither places nor times are in it."""
        made_of = dataclasses.asdict(self)
        for name in ("started", "results", "data", "peak_memory_bytes"):
            del made_of[name]
        if self.start is not None:
            made_of["start"] = self.start.made_of
        if self.members:
            made_of["members"] = [member.fingerprint for member in self.members]
        for name, usual in LATER_FIELDS.items():
            group, _, field = name.rpartition(".")
            fields = made_of[group] if group else made_of
            if fields is not None and fields[field] == usual:
                del fields[field]
        seen = {split: cube.fingerprint for split, cube in self.data.items()}
        return json_sha256({"made_of": made_of, "seen": seen, "weights": weights, "history": history})


def record_differences(old: RunRecord, new: RunRecord) -> dict[str, tuple[Any, Any]]:
    """Give the fields, dotted, in which two records differ, with both values."""
    before, after = (dict(flattened(dataclasses.asdict(record))) for record in (old, new))
    names = [*before, *(name for name in after if name not in before)]
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def flattened(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give the values of a table of tables, with dotted names."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


MEANT_AT_ZERO = {"recipe.norm_momentum", "recipe.schedule.patience"}
"""Settings that 0 does not turn off."""


def settled_in_words(record: RunRecord) -> str:
    """Say how a network is trained, as OPTION = VALUE with commas between; what is off is left out."""
    told = {
        "device": record.device,
        "threads": record.threads,
        "processes": record.processes if record.processes > 1 else None,
        "deterministic": "yes" if record.deterministic else "no",
        "layout": record.layout,
        "precision": record.precision,
        "size": record.preprocessing.size,
        "seed": record.seed,
    }
    if record.recipe is not None:
        options = flattened(dataclasses.asdict(record.recipe), "recipe.")
        # First which recipe, optimizer and schedule it is, and then what they are set to.
        ordered = sorted(options, key=lambda option: not option[0].endswith(".name"))
        on = [(name, value) for name, value in ordered if value != 0 or name in MEANT_AT_ZERO]
        told |= {name.removesuffix(".name").removeprefix("recipe."): value for name, value in on}
    return ", ".join(f"{name} = {value}" for name, value in told.items() if value is not None)


def versions() -> dict[str, str]:
    """Versions of Kamerton, Python and the libraries that shape a result."""
    found = {name: metadata.version(name) for name in PROVENANCE_PACKAGES}
    own = {"kamerton": __version__, "kamerton_code": code_sha256(), "python": platform.python_version()}
    return own | found


@cache
def code_sha256() -> str:
    """SHA-256 of the package's own source files: tells two states of a checkout apart that share a version."""
    whole = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        whole.update(f"{path.relative_to(PACKAGE).as_posix()}\n".encode() + path.read_bytes())
    return whole.hexdigest()
