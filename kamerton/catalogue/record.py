"""What a catalogue is made of, in ``_catalogue.json`` of its folder: whoever goes on with it must mean the same."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from kamerton.catalogue.claims import CLAIMS
from kamerton.catalogue.columns import Features
from kamerton.catalogue.manifest import ManifestFacts
from kamerton.config.pictures import ID_COLUMN, PATH_COLUMN, PixelOrigin, Preprocessing
from kamerton.errors import DataError, OutputError
from kamerton.files import file_sha256, json_sha256, partial_path, read_json, require_new, write_json
from kamerton.plurals import counted
from kamerton.records import read_record

RECORD_FILE, MANIFEST_FILE = "_catalogue.json", "_manifest.parquet"
"""Readers of a folder of Parquet files pass over names that begin so, and take the shards alone."""

HASH, HASH_SHOWN = re.compile("[0-9a-f]{64}"), 12
"""A SHA-256, and how much of one is shown."""

RECORD_BYTES = 1 << 26
"""A longer _catalogue.json is none: each source of it takes some hundred bytes."""


@dataclass(frozen=True)
class SourceRecord:
    """Where galaxies came from."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    path: str
    """Where it was; it may have been moved since."""
    kind: str
    identity: str
    """SHA-256 that tells another source at the same place."""
    path_column: str = PATH_COLUMN
    """Column of the pictures' paths, where it is a list."""
    id_column: str = ID_COLUMN
    """Column of the galaxies' names, likewise."""
    id_prefix: str = ""
    """What ids made of places begin with here, where those of several sources would be equal."""


@dataclass(frozen=True)
class Model:
    """What decides over a galaxy's row."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    weights: str
    """SHA-256 of model.safetensors."""
    network: str
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    pixel_origin: PixelOrigin | None
    calibration: str | None
    """SHA-256 of the run's calibration; None where it has none."""
    eight_views: bool
    int8: bool
    features: Features | None = None


@dataclass(frozen=True)
class CatalogueRecord:
    """What ``_catalogue.json`` holds."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    model: Model
    shard_galaxies: int
    sources: tuple[SourceRecord, ...]
    manifest: ManifestFacts
    facts: dict[str, str]
    """What every shard says of itself: the run, its fingerprint, versions."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides over the rows; shards of one fingerprint belong together."""
        made_of = dataclasses.asdict(self.model), self.shard_galaxies, self.manifest.sha256
        return json_sha256(made_of)


SEAL = "seal"
"""In ``_catalogue.json``: SHA-256 of all else in it."""


def write_catalogue_record(out: Path, record: CatalogueRecord) -> None:
    """Write ``_catalogue.json``: from now on the manifest is frozen."""
    content = dataclasses.asdict(record)
    write_json(out / RECORD_FILE, {**content, SEAL: json_sha256(content)})


def has_catalogue_record(out: Path) -> bool:
    """Tell whether a folder is that of a catalogue."""
    return (out / RECORD_FILE).is_file()


def read_catalogue_record(out: Path) -> CatalogueRecord:
    """Read ``_catalogue.json``; DataError where it cannot be."""
    place = out / RECORD_FILE
    try:
        table = read_json(place, RECORD_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(
            f"{place}: cannot be read as a catalogue",
            received=reason,
            next_step="name a folder made by `kamerton predict`",
        ) from error
    seal = table.pop(SEAL, None) if isinstance(table, dict) else None
    if seal != json_sha256(table):
        raise DataError(
            f"{place}: was changed since it was written",
            received="another content than its seal is of",
            next_step="bring that file back, or begin again in another folder; the shards are still whole",
        )
    return read_record(CatalogueRecord, table, str(place), DataError)


def require_free(out: Path, *, resume: bool) -> None:
    """Refuse a place that holds anything but the catalogue to resume (OutputError)."""
    if has_catalogue_record(out):
        if not resume:
            raise OutputError(
                f"{out} holds a catalogue already",
                next_step="go on with it by --resume, or choose another name; nothing was changed",
            )
        return
    # What several processes that begin at once leave there for a moment.
    waiting = {CLAIMS, MANIFEST_FILE, partial_path(out / MANIFEST_FILE).name, partial_path(out / RECORD_FILE).name}
    if out.is_dir() and (waiting if resume else set()).issuperset(place.name for place in out.iterdir()):
        return
    require_new(out)


def require_manifest(out: Path, record: CatalogueRecord) -> None:
    """Refuse a manifest that is not the one that was frozen (DataError)."""
    place = out / MANIFEST_FILE
    try:
        found = file_sha256(place)
    except OSError as error:
        raise _no_manifest(place, error.strerror) from error
    if found != record.manifest.sha256:
        raise _no_manifest(place, "another content than was frozen")


def _no_manifest(place: Path, received: str | None) -> DataError:
    return DataError(
        f"{place}: not the list of galaxies that this catalogue was begun with",
        received=received,
        next_step="bring that file back, or begin again in another folder; the shards are still whole",
    )


def require_same_request(
    out: Path, record: CatalogueRecord, model: Model, shard_galaxies: int, sources: tuple[SourceRecord, ...]
) -> None:
    """Refuse to go on with other sources or another model (OutputError names the first difference)."""
    before = _request(record.sources, sources, record.model, record.shard_galaxies)
    now = _request(sources, record.sources, model, shard_galaxies)
    different = [name for name in {**now, **before} if before.get(name) != now.get(name)]
    if different:
        name, others = different[0], len(different) - 1
        more = f", and {counted(others, 'more difference')}" if others else ""
        raise OutputError(
            f"{out} is the catalogue of another request",
            received=f"{name} {_cut(now.get(name))}; it was begun with {_cut(before.get(name))}{more}",
            next_step="ask for the same again, or give this catalogue a folder of its own",
        )


def _request(
    sources: Sequence[SourceRecord], other: Sequence[SourceRecord], model: Model, shard_galaxies: int
) -> dict[str, Any]:
    """Give all that decides over a catalogue: the sources, as far as they are others, the model, and options."""
    shown = {
        f"source {number}": _shown(*pair) for number, pair in enumerate(zip(sources, other, strict=False), start=1)
    }
    return {"sources": len(sources), **shown, **_flat("", dataclasses.asdict(model)), "shard_galaxies": shard_galaxies}


def _flat(prefix: str, table: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= _flat(f"{prefix}{name}.", value) if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def _cut(value: Any) -> str:
    text = str(value)
    return f"{text[:HASH_SHOWN]}..." if HASH.fullmatch(text) else text


def _shown(source: SourceRecord, other: SourceRecord) -> str:
    """Say what counts of a source: its place does not, for it may have been moved."""
    if (source.kind, source.identity, source.id_column) == (other.kind, other.identity, other.id_column):
        return "the same"
    by = "" if source.id_column == other.id_column else f", named by {source.id_column!r}"
    return f"{source.kind} {source.path} ({source.identity[:HASH_SHOWN]}...){by}"
