"""A FITS cube, labelled or images alone, as a source."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from astropy.io import fits
from astropy.table import Table

from kamerton.arrays import SquareHWC, SquaresNHWC
from kamerton.config.pictures import MAX_SIDE, PixelOrigin
from kamerton.data.cubes.cube import read_catalogue
from kamerton.data.cubes.images import CubeImages
from kamerton.data.cubes.origin import stored_origin
from kamerton.data.cubes.pixels import PixelRange, bad_pixels, check_pixels
from kamerton.data.fits.checksums import check_checksums
from kamerton.data.fits.hdus import fits_errors, open_fits
from kamerton.data.fits.structure import HduLayout, walk_structure
from kamerton.data.fits.unpacking import GZIP_MAGIC
from kamerton.data.pictures.cutout import is_fits
from kamerton.data.sky import sky_positions
from kamerton.data.sources.digests import file_digest
from kamerton.data.sources.rows import (
    Positions,
    carried_name,
    galaxy_error,
    known_numbers,
    note_doubtful,
    row_batch,
    row_images,
)
from kamerton.data.sources.source import ColumnKind, SourceRequest
from kamerton.errors import CubeError, FitsError, PictureError
from kamerton.opening import open_plain

if TYPE_CHECKING:
    import pyarrow as pa

BANDS_OF_A_CUTOUT = (1, 3)
"""Planes of a cutout (bands, H, W), which a cube of as many grey galaxies (N, H, W) might be, too."""

NO_END = 1 << 62


def is_cube(path: Path) -> bool:
    """Tell a FITS cube from a cutout of one galaxy: by four axes, more planes than bands, or labels or a CATALOG."""
    if not (path.is_file() and is_fits(path)):
        return False
    with open_plain(path) as file:
        is_packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not is_packed:
            return _is_cube(walk_structure(path, file))
        # Whoever reads it unpacks all of it, and tells what is wrong.
        with suppress(FitsError, OSError, EOFError, zlib.error), gzip.GzipFile(fileobj=file) as unpacking:
            return _is_cube(walk_structure(path, cast("IO[bytes]", _Unpacking(unpacking))))
    return False


class _Unpacking(io.RawIOBase):
    """A gzipped file, unpacked as far as it is read, and said to have no end."""

    def __init__(self, unpacking: gzip.GzipFile) -> None:
        self._unpacking = unpacking

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        return NO_END if whence == os.SEEK_END else self._unpacking.seek(place)

    def read(self, size: int = -1) -> bytes:
        return self._unpacking.read(size)


def _is_cube(layouts: Iterator[HduLayout]) -> bool:
    images = next(layouts)
    if images.data_bytes == 0:
        images = next(layouts, images)
    shape = _shape(images)
    if len(shape) != 3 or shape[0] not in BANDS_OF_A_CUTOUT or shape[1] * shape[2] > MAX_SIDE**2:
        return len(shape) == 4 or (len(shape) == 3 and shape[0] not in BANDS_OF_A_CUTOUT)
    # One by one: of a packed file, what is not asked for is not unpacked.
    return any(
        _shape(layout) in {shape[:1], (shape[0], 1)} or layout.cards.get("EXTNAME", "").strip().startswith("'CATALOG")
        for layout in islice(layouts, 2)
    )


def _shape(layout: HduLayout) -> tuple[int, ...]:
    """Give the axes of an image, plain or in compressed tiles, in NumPy's order; none of a table."""
    prefix = "Z" if layout.compressed is not None else ""
    if not prefix and not layout.cards.get("XTENSION", "'IMAGE").strip().startswith("'IMAGE"):
        return ()
    axes = int(layout.cards[f"{prefix}NAXIS"].split("/")[0])
    return tuple(int(layout.cards[f"{prefix}NAXIS{axis}"].split("/")[0]) for axis in range(axes, 0, -1))


class CubeSource:
    """An open cube; its labels, if it has any, do not matter."""

    kind = "cube"

    def __init__(self, request: SourceRequest, file: IO[bytes], hdus: fits.HDUList) -> None:
        self.path = path = request.path
        self._learned = request.learned
        self._file, self._hdus = file, hdus
        self._images = CubeImages(path, hdus)
        self.side_px, _, self.channels = self._images.image_shape
        self.dtype: np.dtype[Any] = self._images.dtype
        self.origin: PixelOrigin | None = stored_origin(self._images.where(), self._images.header)
        _require_pixels(self._images)

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the size and both ends of the file."""
        return file_digest(self.path)

    @cached_property
    def has_own_ids(self) -> bool:
        """Whether the catalogue names the galaxies."""
        return any(hdu.name == "CATALOG" and "id" in map(str.lower, hdu.columns.names) for hdu in self._hdus)

    @cached_property
    def has_positions(self) -> bool:
        """Whether the catalogue has positions."""
        return {"ra", "dec"} <= set(self._catalogue(slice(0, 1)).colnames)

    @property
    def columns(self) -> Mapping[str, ColumnKind]:
        """The other columns of the catalogue, but those of several values a row."""
        return {carried_name(name): kind for name, kind in self._kinds.items()}

    @cached_property
    def _kinds(self) -> dict[str, ColumnKind]:
        table = self._catalogue(slice(0, 1))
        kinds = {name: _kind(table[name]) for name in table.colnames if name not in {"id", "ra", "dec"}}
        return {name: kind for name, kind in kinds.items() if kind is not None}

    def _catalogue(self, rows: slice) -> Table:
        return read_catalogue(self.path, self._hdus, len(self._images), rows)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Give the galaxies; the whole file is held against its checksums first."""
        check_checksums(self.path, self._file)
        positions = Positions(self.path)
        for start in range(0, len(self._images), rows):
            table = self._catalogue(slice(start, start + rows))
            places = [str(row) for row in range(start, start + len(table))]
            ids = [str(name) for name in table["id"]]
            known = sky_positions(table)
            checked = None if known is None else positions.checked(places, known[:, 0], known[:, 1])
            carried = {carried_name(name): _cells(table[name], kind) for name, kind in self._kinds.items()}
            yield row_batch(self.columns, places, ids, checked, carried)
        positions.say()

    def images(self, places: Sequence[str], doubtful: set[str] | None = None) -> Iterator[SquareHWC | PictureError]:
        """Read the images of row numbers, those that follow each other at once."""
        note_doubtful(doubtful, places, self._learned, self.origin)
        yield from row_images(places, self._read)

    def _read(self, rows: slice) -> Iterator[SquareHWC | PictureError]:
        return _checked(self._images, self._images.read(rows), rows.start)


@contextmanager
def open_cube_source(request: SourceRequest) -> Iterator[CubeSource]:
    """Open a cube; its images stay as they are, cropped and resized as it was imported."""
    file, hdus = open_fits(request.path)
    with closing(hdus):
        with fits_errors(request.path, None):
            source = CubeSource(request, file, hdus)
        yield source


def _require_pixels(images: CubeImages) -> None:
    """Refuse a cube of pixels from 0 to 1, or whose images are all blank; reads until some image shows otherwise."""
    span = PixelRange()
    for rows in images.slices():
        images_nhwc = images.read(rows)
        good = ~bad_pixels(images_nhwc).any(axis=(1, 2, 3))
        if good.any():
            span.add(images_nhwc[good])
            if span.trouble() is None:
                return
    span.check(images)


def _checked(images: CubeImages, images_nhwc: SquaresNHWC, first_row: int) -> Iterator[SquareHWC | PictureError]:
    """Give images one by one, or the error of one with bad pixels."""
    for number, image_hwc in enumerate(images_nhwc):
        try:
            check_pixels(images, image_hwc[np.newaxis], first_row + number)
        except CubeError as error:
            yield galaxy_error(error)
        else:
            yield image_hwc


def _kind(column: Any) -> ColumnKind | None:
    """Tell what a column of a table holds; None where that is several values a row."""
    if column.ndim > 1 or column.dtype.kind == "O":
        return None
    if column.dtype.kind == "f":
        return "float64"
    return "int64" if column.dtype.kind in "bi" or (column.dtype.kind == "u" and column.dtype.itemsize < 8) else "text"


def _cells(column: Any, kind: ColumnKind) -> pa.Array:
    """Take the cells of a column of a table, null where they are masked, NaN or empty."""
    import pyarrow as pa

    masked = np.ma.getmaskarray(column)
    values = np.asarray(np.ma.getdata(column))
    if kind == "float64":
        return known_numbers(np.where(masked, np.nan, values.astype(np.float64)))
    if kind == "int64":
        return pa.array(values.astype(np.int64), pa.int64(), mask=masked)
    texts = [str(value) for value in values]
    return pa.array(texts, pa.string(), mask=masked | np.array([not text for text in texts], bool))
