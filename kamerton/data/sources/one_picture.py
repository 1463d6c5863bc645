"""One picture or FITS cutout as a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from kamerton.data.fits.letters import printable
from kamerton.data.sources.digests import file_digest
from kamerton.data.sources.pictures import PictureFiles
from kamerton.data.sources.place_names import place_of
from kamerton.data.sources.rows import known_positions, row_batch
from kamerton.data.sources.source import ColumnKind, SourceRequest

if TYPE_CHECKING:
    import pyarrow as pa


class PictureSource(PictureFiles):
    """One galaxy, known by the name of its file."""

    kind = "picture"
    has_own_ids = False

    def __init__(self, request: SourceRequest) -> None:
        self._place = place_of(request.path.name)
        super().__init__(request, [self._place], lambda _: request.path)
        self.columns: Mapping[str, ColumnKind] = {}
        self.has_positions = self.are_cutouts

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the size and both ends of the file."""
        return file_digest(self.path)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Give the one galaxy."""
        positions = known_positions([self.path]) if self.has_positions else None
        yield row_batch(self.columns, [self._place], [printable(self._place)], positions, {})


@contextmanager
def open_picture_source(request: SourceRequest) -> Iterator[PictureSource]:
    """Open one picture or FITS cutout."""
    yield PictureSource(request)
