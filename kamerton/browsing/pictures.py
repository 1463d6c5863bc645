"""The pictures of a catalogue's galaxies, one by one, from sources that stay open."""

from __future__ import annotations

import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.arrays import SquareHWC
from kamerton.catalogue.manifest import ID, PLACE, SOURCE, Manifest
from kamerton.catalogue.readers.opened import OpenedCatalogue
from kamerton.data.pictures.picture import read_picture
from kamerton.errors import DataError, PictureError
from kamerton.explaining.galaxies import file_of
from kamerton.neighbours.pictures import OpenedSources, opened_sources, picture_path, places_of, require_within

if TYPE_CHECKING:
    import pyarrow as pa

At = tuple[int, str]
"""Number of a source, and the galaxy's place there."""

LISTED_ROWS = 4096


class Pictures:
    """Finds galaxies where their catalogue found them; the file of a galaxy is looked up by its id alone.

    Where a catalogue is in the order of its list, that takes one look; else one pass over the list.
    """

    def __init__(self, catalogue: OpenedCatalogue, held: ExitStack, within: Path | None = None) -> None:
        """Open the sources until ``held`` is closed; DataError where they are gone or were changed.

        OutsideError for sources, and later for files of a list or behind links, that are not ``within`` a folder.
        """
        self.catalogue = catalogue
        self._held = held
        self._opened: OpenedSources = held.enter_context(opened_sources(catalogue, within))
        self._within = within
        self._lock = threading.Lock()

    def image(self, row: int, name: str) -> SquareHWC:
        """Read the picture of a galaxy, with the network's crop and stretch, and not made smaller for it.

        DataError where it is gone or damaged, OutsideError where it may not be shown.
        """
        with self._lock:
            at = self._find(row, name)
            if at is None:
                raise DataError("This galaxy is not where the catalogue found it", received=repr(name))
            source = self._opened.sources[at[0]]
            own = file_of(source, at[1])
        if own is not None:
            require_within(own, self._within)
            # A network that is content with 64 pixels must not keep whoever labels from seeing more.
            with suppress(PictureError):
                return np.asarray(read_picture(own, replace(self._opened.settings, size=None)).image_hwc)
        with self._lock:
            image = next(iter(source.images([at[1]])))
        if isinstance(image, PictureError):
            raise image
        return np.asarray(image)

    def path(self, row: int, name: str) -> str:
        """Name the file of a galaxy that has one of its own; else nothing."""
        with self._lock:
            place, shared_row = picture_path(self._opened.sources, self._find(row, name))
        return place if shared_row is None else ""

    def _find(self, row: int, name: str) -> At | None:
        found = self._listed.at(row)
        if found is not None and found[0] == name:
            return found[1]
        # Rows that were put into another order, as those of a HATS catalogue.
        return places_of(self._listed.tables(), [name]).get(name)

    @cached_property
    def _listed(self) -> _Listed:
        manifest = self._opened.manifest()
        if manifest is not None:
            return _InManifest(self._held.enter_context(manifest))
        folder = self._held.enter_context(tempfile.TemporaryDirectory(prefix="kamerton-"))
        return self._held.enter_context(_InFile(Path(folder) / "places.arrow", self._opened.named()))


class _Listed(ABC):
    """Where galaxies are, in the order in which they were listed."""

    @abstractmethod
    def at(self, row: int) -> tuple[str, At] | None:
        """Give the id and the place of the galaxy of a row; None past the end."""

    @abstractmethod
    def tables(self) -> Iterator[pa.Table]:
        """Give all."""


class _InManifest(_Listed):
    """In the list of a folder of shards, of which each is a row group."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._ends = np.cumsum([manifest.galaxies(shard) for shard in range(manifest.shards)])
        self._last: tuple[int, pa.Table] | None = None

    def at(self, row: int) -> tuple[str, At] | None:
        shard = int(np.searchsorted(self._ends, row, side="right"))
        if shard == len(self._ends):
            return None
        if self._last is None or self._last[0] != shard:
            self._last = shard, self._manifest.read(shard).select([SOURCE, PLACE, ID])
        table = self._last[1]
        return _cells(table, row - (int(self._ends[shard]) - len(table)))

    def tables(self) -> Iterator[pa.Table]:
        return (self._manifest.read(shard) for shard in range(self._manifest.shards))


class _InFile(_Listed):
    """In a file that is written once and goes in the end: as many rows as the sources have, and no memory."""

    def __init__(self, path: Path, named: Iterator[pa.Table]) -> None:
        import pyarrow as pa

        schema = pa.schema([(SOURCE, pa.int32()), (PLACE, pa.string()), (ID, pa.string())])
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            ends = [0]
            for table in named:
                for batch in table.select(schema.names).cast(schema).combine_chunks().to_batches(LISTED_ROWS):
                    writer.write_batch(batch)
                    ends.append(ends[-1] + len(batch))
        self._ends = np.array(ends[1:])
        self._file = pa.memory_map(str(path))
        self._content = pa.ipc.open_file(self._file)

    def __enter__(self) -> _InFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def at(self, row: int) -> tuple[str, At] | None:
        number = int(np.searchsorted(self._ends, row, side="right"))
        if number == len(self._ends):
            return None
        batch = self._content.get_batch(number)
        return _cells(batch, row - (int(self._ends[number]) - len(batch)))

    def tables(self) -> Iterator[pa.Table]:
        import pyarrow as pa

        return (pa.Table.from_batches([self._content.get_batch(number)]) for number in range(len(self._ends)))


def _cells(table: Any, row: int) -> tuple[str, At]:
    name, source, place = (table[column][row].as_py() for column in (ID, SOURCE, PLACE))
    return name, (source, place)
