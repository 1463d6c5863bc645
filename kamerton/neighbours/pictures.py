"""The pictures of galaxies of a catalogue, from where they were when it was made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamerton.arrays import SquareHWC
from kamerton.catalogue.heading import sources_told
from kamerton.catalogue.manifest import BATCH_ROWS, ID, PLACE, SOURCE, Manifest, prefixed
from kamerton.catalogue.readers.opened import OpenedCatalogue
from kamerton.catalogue.readers.parquet_files import folder_of_record
from kamerton.catalogue.record import (
    MANIFEST_FILE,
    CatalogueRecord,
    SourceRecord,
    read_catalogue_record,
    require_manifest,
)
from kamerton.config.pictures import PictureSettings
from kamerton.data.sources import open_source
from kamerton.data.sources.source import Source, SourceRequest, settings_of
from kamerton.errors import DataError, KamertonError, warn
from kamerton.explaining.galaxies import file_of

if TYPE_CHECKING:
    import pyarrow as pa


def catalogue_pictures(catalogue: OpenedCatalogue, ids: Sequence[str]) -> list[SquareHWC | None]:
    """Read the pictures of galaxies; None where one is not there any more, which is said."""
    try:
        with _located(catalogue, ids) as (sources, places):
            return [_image(sources, places.get(name)) for name in ids]
    except KamertonError as error:
        _say_gone(catalogue, error, "bring them back where they were, or do without a gallery")
        return [None] * len(ids)


def paths_of(catalogue: OpenedCatalogue, ids: Sequence[str]) -> list[tuple[str, int | None]]:
    """Name the file of each galaxy, and its row where others share it; nothing where it is gone, which is said."""
    try:
        with _located(catalogue, ids) as (sources, places):
            return [picture_path(sources, places.get(name)) for name in ids]
    except KamertonError as error:
        _say_gone(catalogue, error, "bring them back where they were; whoever labels must find them by their ids")
        return [("", None)] * len(ids)


def _say_gone(catalogue: OpenedCatalogue, error: KamertonError, next_step: str) -> None:
    reason = str(error).rstrip(".")
    warn(f"{catalogue.path}: no pictures of its galaxies", received=reason, next_step=next_step)


Located = tuple[Sequence[Source], Mapping[str, tuple[int, str]]]
"""Sources, and by id the number of a galaxy's source and its place there."""


@dataclass(frozen=True)
class OpenedSources:
    """The sources that a catalogue was made of, and where they are listed in its order."""

    sources: Sequence[Source]
    told: Sequence[SourceRecord]
    """What the catalogue says of each."""
    folder: Path | None
    """That of the catalogue's manifest, where it has one."""
    record: CatalogueRecord | None
    settings: PictureSettings
    """How their pictures became what the network saw."""

    def manifest(self) -> Manifest | None:
        """Open the list of its galaxies that was written before it was; None where none is kept."""
        if self.folder is None or self.record is None:
            return None
        require_manifest(self.folder, self.record)
        return Manifest(self.folder / MANIFEST_FILE)

    def named(self) -> Iterator[pa.Table]:
        """Give source, place and id of all galaxies, as they were listed."""
        manifest = self.manifest()
        if manifest is None:
            yield from _from_sources(self.sources, self.told)
            return
        with manifest:
            for shard in range(manifest.shards):
                yield manifest.read(shard)


class OutsideError(DataError):
    """What may not be shown where it is."""


def require_within(place: Path, within: Path | None, what: str = "images") -> None:
    """Raise OutsideError for a file or folder that is not below ``within``, once links are followed."""
    if within is not None and not place.resolve().is_relative_to(within.resolve()):
        raise OutsideError(
            f"{what} outside the folder that is served are shown on this machine alone",
            received=place,
            next_step=f"serve a folder that holds the catalogue and its {what}, or come through SSH without --host",
        )


@contextmanager
def opened_sources(catalogue: OpenedCatalogue, within: Path | None = None) -> Iterator[OpenedSources]:
    """Open the sources that a catalogue was made of; DataError where these are gone, or not what they were.

    A catalogue names any place that whoever made it wrote there: OutsideError for one that is not ``within`` a folder.
    """
    folder = folder_of_record(catalogue.path)
    record = None if folder is None else read_catalogue_record(folder)
    told = sources_told(catalogue.facts) if record is None else list(record.sources)
    if not told:
        raise DataError("the catalogue does not say where its galaxies came from")
    with ExitStack() as stack:
        settings = settings_of(None if record is None else record.model.pixel_origin)
        sources = [stack.enter_context(_open(catalogue.path, one, settings, within)) for one in told]
        yield OpenedSources(sources, told, folder, record, settings)


@contextmanager
def _located(catalogue: OpenedCatalogue, ids: Sequence[str]) -> Iterator[Located]:
    """Find the galaxies in the sources that their catalogue was made of; DataError where these are gone."""
    with opened_sources(catalogue) as opened:
        yield opened.sources, places_of(opened.named(), ids)


@contextmanager
def _open(catalogue: Path, told: SourceRecord, settings: PictureSettings, within: Path | None) -> Iterator[Source]:
    """Open a source that is what it was; where its path was a relative one, also from beside the catalogue."""
    places = [Path(told.path), catalogue.resolve().parent / told.path]
    place = next((place for place in places if place.exists()), None)
    if place is None:
        raise DataError(f"{told.path} is not there")
    require_within(place, within)
    with open_source(SourceRequest(place, settings, told.path_column, id_column=told.id_column)) as source:
        if source.identity != told.identity:
            raise DataError(f"{place} was changed since the catalogue was made")
        yield source


def _from_sources(sources: Sequence[Source], told: Sequence[SourceRecord]) -> Iterator[pa.Table]:
    """Give source, place and id of all galaxies, as the sources list them now."""
    import pyarrow as pa

    for number, (source, record) in enumerate(zip(sources, told, strict=True)):
        for batch in source.batches(BATCH_ROWS):
            table = pa.Table.from_batches([batch])
            column = pa.array([number] * len(table), pa.int32())
            yield pa.table({SOURCE: column, PLACE: table[PLACE], ID: prefixed(table[ID], record.id_prefix)})


def places_of(named: Iterable[pa.Table], ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Find galaxies by their ids in such a list: the number of the source and the place there."""
    import pyarrow as pa
    from pyarrow import compute

    wanted = pa.array(ids, pa.string())
    places: dict[str, tuple[int, str]] = {}
    for table in named:
        some = table.filter(compute.is_in(table[ID], wanted))
        for number, place, name in zip(*(some[column].to_pylist() for column in (SOURCE, PLACE, ID)), strict=True):
            places[name] = number, place
        if len(places) == len(set(ids)):
            break
    return places


def _image(sources: Sequence[Source], at: tuple[int, str] | None) -> SquareHWC | None:
    if at is None:
        return None
    image = next(iter(sources[at[0]].images([at[1]])))
    return None if isinstance(image, Exception) else np.asarray(image)


def picture_path(sources: Sequence[Source], at: tuple[int, str] | None) -> tuple[str, int | None]:
    """Name the file of a galaxy, and its row where others share it; nothing where it is not known."""
    if at is None:
        return "", None
    source = sources[at[0]]
    own = file_of(source, at[1])
    return (str(source.path), int(at[1])) if own is None else (str(own), None)
