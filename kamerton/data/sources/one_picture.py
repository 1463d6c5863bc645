"""One picture or FITS cutout as a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.arrays import SquareHWC
from kamerton.config import PictureSettings, PixelOrigin
from kamerton.data.fits.letters import printable
from kamerton.data.sources.digests import file_digest
from kamerton.data.sources.pictures import PictureFiles
from kamerton.data.sources.place_names import name_of, place_of
from kamerton.data.sources.rows import known_positions, row_batch
from kamerton.data.sources.source import ColumnKind, SourceRequest
from kamerton.errors import PictureError

if TYPE_CHECKING:
    import pyarrow as pa


class PictureSource:
    """One galaxy, known by the name of its file."""

    kind = "picture"
    has_own_ids = False

    def __init__(self, path: Path, settings: PictureSettings) -> None:
        self.path = path
        self._place = place_of(path.name)
        self._pictures = PictureFiles(path, [self._place], self._locate, settings)
        self.columns: Mapping[str, ColumnKind] = {}
        self.has_positions = self._pictures.are_cutouts
        self.side_px, self.channels = self._pictures.side_px, self._pictures.channels
        self.dtype: np.dtype[Any] = self._pictures.dtype
        self.origin: PixelOrigin | None = self._pictures.origin

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the size and both ends of the file."""
        return file_digest(self.path)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Give the one galaxy."""
        positions = known_positions([self.path]) if self.has_positions else None
        yield row_batch(self.columns, [self._place], [printable(self._place)], positions, {})

    def images(self, places: Sequence[str]) -> Iterator[SquareHWC | PictureError]:
        """Read the picture."""
        return self._pictures.images(places)

    def _locate(self, place: str) -> Path:
        return self.path.parent / name_of(place)


@contextmanager
def open_picture_source(request: SourceRequest) -> Iterator[PictureSource]:
    """Open one picture or FITS cutout."""
    yield PictureSource(request.path, request.settings)
