"""Galaxy10 as it is published: one HDF5 file of images, labels and sky columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from kamerton.arrays import Labels, SquaresNHWC
from kamerton.config.pictures import PictureSettings, PixelOrigin
from kamerton.data import galaxy10
from kamerton.data.cubes.images import CHUNK_GALAXIES
from kamerton.data.cubes.labels import MAX_CLASSES, default_class_names
from kamerton.data.cubes.origin import framing_within
from kamerton.data.importers.classes import classes_in_order
from kamerton.data.importers.hdf5 import SMALL_BYTES, why_not_plain
from kamerton.data.importers.source import ImportRequest, LabelledSource, StreamFindings, fit_batch
from kamerton.data.lists import row_of
from kamerton.errors import DataError
from kamerton.opening import open_plain

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"

GALAXY10_SDSS_SIDE = 69
GALAXY10_SDSS_CLASS_NAMES = (
    "Disk, Face-on, No Spiral",
    "Smooth, Completely round",
    "Smooth, in-between round",
    "Smooth, Cigar shaped",
    "Disk, Edge-on, Rounded Bulge",
    "Disk, Edge-on, Boxy Bulge",
    "Disk, Edge-on, No Bulge",
    "Disk, Face-on, Tight Spiral",
    "Disk, Face-on, Medium Spiral",
    "Disk, Face-on, Loose Spiral",
)
"""The older Galaxy10 SDSS has the same datasets and indices 0 to 9, but 69 pixels and other classes (astroNN)."""


def is_hdf5(path: Path) -> bool:
    """Tell an HDF5 file by its first bytes."""
    if not path.is_file():
        return False
    with open_plain(path) as file:
        return file.read(len(HDF5_MAGIC)) == HDF5_MAGIC


@contextmanager
def open_galaxy10(request: ImportRequest) -> Iterator[LabelledSource]:
    """Open a Galaxy10 HDF5 file: ``images`` uint8 (N, H, W, 3), ``ans`` (N,), and sky columns where it has them."""
    import h5py

    source, settings = request.source, request.settings
    with ExitStack() as opened:
        with hdf5_errors(source):
            file = opened.enter_context(h5py.File(opened.enter_context(open_plain(source)), "r"))
        with hdf5_errors(source):
            images = galaxy10_images(source, file)
            labels = np.asarray(_dataset(source, file, "ans", kinds="iu", dimensions=1)[:], np.int64)
            _check_labels(source, labels, len(images))
            catalogue = _galaxy10_catalogue(source, file, len(labels))
            classes = classes_in_order(str(source), labels, _galaxy10_classes(images.shape[1], labels), request.classes)
        # Outside, so that an error of whoever writes the images is not taken for one of the HDF5 file.
        found = StreamFindings()
        batches = _galaxy10_batches(source, images, settings, found)
        yield LabelledSource(classes.labels, classes.names, catalogue, batches, classes.numbers, found)


def _galaxy10_classes(side: int, labels: Labels) -> tuple[str, ...]:
    if labels.max() >= len(galaxy10.CLASS_NAMES):
        return default_class_names(int(labels.max()) + 1)
    return GALAXY10_SDSS_CLASS_NAMES if side == GALAXY10_SDSS_SIDE else galaxy10.CLASS_NAMES


def galaxy10_ids(rows: Iterable[int]) -> list[str]:
    """Name the galaxies by the numbers of their rows."""
    return [f"{galaxy10.ROW_ID}{row:05d}" for row in rows]


def galaxy10_columns(source: Path, file: Any, count: int) -> dict[str, Any]:
    """Get the datasets ``ra``, ``dec``, ``redshift`` and ``pxscale``, where the file has them."""
    names = [name for name in ("ra", "dec", "redshift", "pxscale") if name in file]
    columns = {name: _dataset(source, file, name, kinds="fiu", dimensions=1) for name in names}
    for name, column in columns.items():
        _check_length(f"{source} dataset {name}", len(column), count)
    return columns


def _galaxy10_catalogue(source: Path, file: Any, count: int) -> Table:
    table = Table({"id": galaxy10_ids(range(count))})
    for name, column in galaxy10_columns(source, file, count).items():
        table[name] = np.asarray(column[:], np.float64)
    if "pxscale" in table.colnames:
        table["pxscale"].unit = "arcsec"
    return table


def _galaxy10_batches(
    source: Path, images: Any, settings: PictureSettings, found: StreamFindings
) -> Iterator[SquaresNHWC]:
    step = max(1, min(CHUNK_GALAXIES, SMALL_BYTES // math.prod(images.shape[1:])))
    for start in range(0, len(images), step):
        with hdf5_errors(source, f"images from row {start}"):
            images_nhwc = images[start : start + step]
        yield fit_batch(images_nhwc, settings, source, start)
    framing = framing_within(None, min(images.shape[1:3]), settings.crop, settings.size)
    found.origin = PixelOrigin("none", framing=framing)


def _dataset(source: Path, file: Any, name: str, *, kinds: str, dimensions: int) -> Any:
    """Get a plain dataset: stored in this very file, of the expected type and number of axes."""
    import h5py

    link = file.get(name, getlink=True)
    found = file[name] if isinstance(link, h5py.HardLink) else link
    plain = isinstance(found, h5py.Dataset)
    if not plain or found.dtype.kind not in kinds or found.ndim != dimensions:
        received = f"{found.dtype} of shape {found.shape}" if plain else type(found).__name__
        raise DataError(
            f"{source} dataset {name}: not that of a Galaxy10 file",
            received="no such dataset" if link is None else received,
            allowed="images: uint8 (N,H,W,3); ans: whole numbers (N,); ra, dec, redshift, pxscale: numbers (N,)",
            next_step="`kamerton data download galaxy10` fetches the published file",
        )
    why = why_not_plain(found)
    if why is not None:
        raise DataError(
            f"{source} dataset {name}: cannot be read",
            received=why,
            allowed="numbers stored in the file itself, plain or compressed once",
            next_step="`kamerton data download galaxy10` fetches the published file",
        )
    return found


def galaxy10_images(source: Path, file: Any) -> Any:
    """Get the dataset of the pictures, uint8 (N, H, W, 3), which is read where it is sliced."""
    images = _dataset(source, file, "images", kinds="u", dimensions=4)
    if images.dtype != np.uint8 or images.shape[3] != 3 or 0 in images.shape:
        raise DataError(
            f"{source} dataset images: not the pictures of a Galaxy10 file",
            received=f"{images.dtype} of shape {images.shape}",
            allowed="uint8 (N,H,W,3) with N >= 1",
            next_step="`kamerton data download galaxy10` fetches the published file",
        )
    return images


def _check_labels(source: Path, labels: Labels, count: int) -> None:
    _check_length(f"{source} dataset ans", len(labels), count)
    bad = np.flatnonzero((labels < 0) | (labels >= MAX_CLASSES))
    if len(bad):
        raise DataError(
            f"{row_of(f'{source} dataset ans,', bad[0])}: not a class index",
            received=labels[bad[0]],
            allowed=f"0 to {MAX_CLASSES - 1}",
            next_step="label that galaxy or leave it out",
        )


def _check_length(where: str, length: int, count: int) -> None:
    if length != count:
        raise DataError(
            f"{where}: another length than images",
            received=f"{length} values for {count} images",
            allowed="one value an image",
            next_step="fetch or write the file again",
        )


@contextmanager
def hdf5_errors(source: Path, part: str = "the file") -> Iterator[None]:
    """Turn what h5py raises for a damaged file into one DataError."""
    try:
        yield
    except DataError:
        raise
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise DataError(
            f"{source}: cannot read {part} as HDF5",
            received=f"{type(error).__name__}: {error}",
            allowed="a whole HDF5 file",
            next_step="fetch the file again; `kamerton data download galaxy10` checks what it fetched",
        ) from error
