"""Where a run comes from: everything that must be known to use its weights, or to make them again."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import ClassVar

from kamerton.config import Preprocessing, Recipe
from kamerton.files import json_sha256
from kamerton.version import PACKAGE, __version__

PROVENANCE_PACKAGES = ("torch", "numpy", "astropy", "safetensors", "keras")

LATER_FIELDS = {"processes": 1, "precision": "float32"}
"""Runs of before these were told apart had them so, and keep their fingerprints."""


@dataclass(frozen=True)
class CubeRecord:
    """Which cube a run saw."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    path: str
    galaxies: int
    fingerprint: str
    """SHA-256 of its images, labels and class names."""


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
    epoch: int | None
    """Whose weights these are, counted from 1; None where they came from elsewhere."""


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
    threads: int | None
    """Threads of the processor, on which the last bit of a sum depends; None where the weights came from elsewhere."""
    deterministic: bool
    """Whether the same seed gives the same bits."""
    versions: dict[str, str]
    started: str
    """When, ISO 8601 in UTC."""
    origin: str
    """How the weights came to be: trained here, or imported from a named file."""
    changes: tuple[str, ...] = ()
    """What was changed when the training was resumed: more epochs, another machine or library."""
    results: ResultsRecord | None = None
    """None until the training has ended."""
    peak_memory_bytes: int | None = None
    """Of the process that ended the training (its largest resident set); None where that is not known."""
    processes: int = 1
    """That learned together, each from its part of every batch."""
    precision: str = "float32"
    """Of the products: float32, or bfloat16 on a card."""

    def with_results(self, weights: str, history: str, galaxies: str, epoch: int | None) -> RunRecord:
        """Give the record of the finished training, with its fingerprint."""
        results = ResultsRecord(weights, history, galaxies, self.fingerprint(weights, history), epoch)
        return dataclasses.replace(self, results=results)

    def fingerprint(self, weights: str, history: str) -> str:
        """SHA-256 of what the training was made of and what came out; neither places nor times are in it."""
        made_of = dataclasses.asdict(self)
        for name in ("started", "results", "data", "peak_memory_bytes"):
            del made_of[name]
        for name, usual in LATER_FIELDS.items():
            if made_of[name] == usual:
                del made_of[name]
        seen = {split: cube.fingerprint for split, cube in self.data.items()}
        return json_sha256({"made_of": made_of, "seen": seen, "weights": weights, "history": history})


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
