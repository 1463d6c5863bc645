"""Catalogues in Parquet: one file, a folder of shards, or tiles of the sky."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kamerton.catalogue.footers import is_whole
from kamerton.catalogue.hats import HATS_FOLDER, PROPERTIES_FILE, TILES_FILE, tile_place
from kamerton.catalogue.readers.opened import OpenedCatalogue, Part, damaged, facts_of
from kamerton.catalogue.record import has_catalogue_record, read_catalogue_record
from kamerton.catalogue.shards import FINGERPRINT, shard_path
from kamerton.catalogue.sky_tiles import INDEX_ORDER
from kamerton.catalogue.writers.parquet_file import DATA_SHA256
from kamerton.data.lists import read_list
from kamerton.errors import DataError
from kamerton.parquet import parquet_groups
from kamerton.plurals import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from kamerton.parquet import ParquetGroups


class ParquetCatalogueFile:
    """One file, held once against what its footer says was written."""

    def __init__(self, path: Path, fingerprint: str | None = None) -> None:
        self.path = path
        try:
            self.groups: ParquetGroups = parquet_groups(path)
        except (OSError, ValueError) as error:
            raise damaged(path, error) from error
        said = {name.decode(errors="replace"): text.decode(errors="replace") for name, text in self._said.items()}
        self.facts = facts_of(said)
        if fingerprint is not None and self.facts.get(FINGERPRINT) != fingerprint:
            raise damaged(path, "a file of another catalogue")

    @property
    def _said(self) -> Mapping[bytes, bytes]:
        return self.groups.facts

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns."""
        return tuple(self.groups.schema.names)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Its row groups."""
        return tuple(_Group(self, number, rows) for number, rows in enumerate(self.groups.rows) if rows)

    def read(self, number: int, columns: Sequence[str]) -> pa.Table:
        """Read a row group; DataError where the file is not as it was written."""
        try:
            self._require_whole()
            return self.groups.read(number, columns)
        except (OSError, ValueError) as error:
            raise damaged(self.path, error) from error

    def _require_whole(self) -> None:
        # What another program has written says nothing of its bytes.
        if DATA_SHA256 in self.facts and not self._is_whole:
            raise ValueError("other bytes than were written")

    @cached_property
    def _is_whole(self) -> bool:
        return is_whole(self.path, {})


@dataclass(frozen=True)
class _Group:
    file: ParquetCatalogueFile
    number: int
    rows: int

    def read(self, columns: Sequence[str]) -> pa.Table:
        return self.file.read(self.number, columns)


@contextmanager
def open_parquet_file(path: Path) -> Iterator[OpenedCatalogue]:
    """Open one file."""
    yield _joined(path, [ParquetCatalogueFile(path)])


def is_shards(path: Path) -> bool:
    """Tell a folder of shards."""
    return path.is_dir() and has_catalogue_record(path)


@contextmanager
def open_shards(path: Path) -> Iterator[OpenedCatalogue]:
    """Open a folder of shards; DataError where some are missing."""
    record = read_catalogue_record(path)
    places = [shard_path(path, number, record) for number in range(record.manifest.shards)]
    missing = [place for place in places if not place.is_file()]
    if missing:
        raise DataError(
            f"{path} is not finished",
            received=f"{len(missing)} of {counted(len(places), 'shard')} missing, the first {missing[0].name}",
            next_step="give the same `kamerton predict` with --resume first",
        )
    yield _joined(path, [ParquetCatalogueFile(place, record.fingerprint) for place in places])


def is_tiles(path: Path) -> bool:
    """Tell a HATS catalogue."""
    return path.is_dir() and (path / PROPERTIES_FILE).is_file()


@contextmanager
def open_tiles(path: Path) -> Iterator[OpenedCatalogue]:
    """Open a HATS catalogue that was laid out by Kamerton; DataError where a tile is missing."""
    columns = read_list(path / TILES_FILE)
    numbers = [columns.get(name, []) for name in ("Norder", "Npix")]
    if not all(numbers) or not all(number.isdecimal() and len(number) < 20 for column in numbers for number in column):
        raise damaged(path / TILES_FILE, "no list of tiles")
    tiles = [(int(order), int(pixel)) for order, pixel in zip(*numbers, strict=True)]
    if any(order > INDEX_ORDER for order, _ in tiles):
        raise damaged(path / TILES_FILE, "no list of tiles")
    files: list[ParquetCatalogueFile] = []
    for order, pixel in tiles:
        fingerprint = files[0].facts.get(FINGERPRINT) if files else None
        files.append(ParquetCatalogueFile(path / "dataset" / tile_place(order, pixel), fingerprint))
    yield _joined(path, files)


def folder_of_record(path: Path) -> Path | None:
    """Find the folder whose ``_catalogue.json`` tells where a catalogue's galaxies came from."""
    places = [path, path.resolve().parent] if path.resolve().name == HATS_FOLDER else [path]
    return next((place for place in places if is_shards(place)), None)


def _joined(path: Path, files: Sequence[ParquetCatalogueFile]) -> OpenedCatalogue:
    first = files[0]
    for file in files[1:]:
        if file.columns != first.columns:
            raise damaged(file.path, f"other columns than {first.path.name}")
    return OpenedCatalogue(path, first.facts, first.columns, tuple(part for file in files for part in file.parts))
