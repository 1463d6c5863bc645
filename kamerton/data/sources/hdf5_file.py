"""An HDF5 file of Galaxy10's form as a source, with labels or without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.arrays import SquareHWC
from kamerton.config.pictures import PixelOrigin
from kamerton.data.cubes.origin import framing_within
from kamerton.data.importers.galaxy10_file import galaxy10_columns, galaxy10_ids, galaxy10_images, hdf5_errors
from kamerton.data.importers.source import fit_batch
from kamerton.data.pictures.picture import fit_square
from kamerton.data.sources.digests import file_digest
from kamerton.data.sources.rows import Positions, known_numbers, note_doubtful, row_batch, row_images
from kamerton.data.sources.source import ColumnKind, SourceRequest
from kamerton.errors import PictureError
from kamerton.opening import open_plain

if TYPE_CHECKING:
    import pyarrow as pa


class Hdf5Source:
    """An open HDF5 file; its labels, if it has any, do not matter."""

    kind = "hdf5"
    has_own_ids = False
    channels = 3
    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, request: SourceRequest, file: Any) -> None:
        self.path = path = request.path
        self._settings = settings = request.settings
        self._learned = request.learned
        self._images = galaxy10_images(path, file)
        self._columns = galaxy10_columns(path, file, len(self._images))
        self.has_positions = {"ra", "dec"} <= self._columns.keys()
        self.columns: Mapping[str, ColumnKind] = {
            name: "float64" for name in self._columns if name not in {"ra", "dec"}
        }
        # Refuses a crop that is larger than the pictures.
        self.side_px = len(fit_square(self._images[0], settings, f"{path} image 0"))
        framing = framing_within(None, min(self._images.shape[1:3]), settings.crop, settings.size)
        self.origin: PixelOrigin | None = PixelOrigin("none", framing=framing)

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the size and both ends of the file."""
        return file_digest(self.path)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Give the galaxies in the order of the file."""
        positions, count = Positions(self.path), len(self._images)
        for start in range(0, count, rows):
            part = slice(start, min(start + rows, count))
            with hdf5_errors(self.path, f"columns from row {start}"):
                values = {name: np.asarray(column[part], np.float64) for name, column in self._columns.items()}
            numbers = range(part.start, part.stop)
            places = [str(row) for row in numbers]
            known = positions.checked(places, values["ra"], values["dec"]) if self.has_positions else None
            carried = {name: known_numbers(values[name]) for name in self.columns}
            yield row_batch(self.columns, places, galaxy10_ids(numbers), known, carried)
        positions.say()

    def images(self, places: Sequence[str], doubtful: set[str] | None = None) -> Iterator[SquareHWC | PictureError]:
        """Read the images of row numbers, those that follow each other at once."""
        note_doubtful(doubtful, places, self._learned, self.origin)
        yield from row_images(places, self._read)

    def _read(self, rows: slice) -> Iterable[SquareHWC | PictureError]:
        with hdf5_errors(self.path, f"images from row {rows.start}"):
            images_nhwc = self._images[rows]
        return fit_batch(images_nhwc, self._settings, self.path, rows.start)


@contextmanager
def open_hdf5_source(request: SourceRequest) -> Iterator[Hdf5Source]:
    """Open an HDF5 file with ``images`` uint8 (N, H, W, 3), and sky columns where it has them."""
    import h5py

    with ExitStack() as opened:
        with hdf5_errors(request.path):
            file = opened.enter_context(h5py.File(opened.enter_context(open_plain(request.path)), "r"))
            source = Hdf5Source(request, file)
        yield source
