"""A labelled FITS cube of any layout, rewritten in Kamerton's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kamerton.arrays import SquaresNHWC
from kamerton.config.pictures import PictureSettings, PixelOrigin
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.cubes.origin import framing_within
from kamerton.data.cubes.pixels import PixelRange, check_pixels
from kamerton.data.importers.classes import classes_in_order
from kamerton.data.importers.source import ImportRequest, LabelledSource, StreamFindings, fit_batch
from kamerton.data.pictures.cutout import is_fits


def is_cube(path: Path) -> bool:
    """Tell a FITS file, gzipped or not, by its first bytes."""
    return path.is_file() and is_fits(path)


@contextmanager
def open_labelled_cube(request: ImportRequest) -> Iterator[LabelledSource]:
    """Open a labelled FITS cube of any layout; whole numbers from 0 to 255 become bytes, other pixels stay float32."""
    with open_cube(request.source) as cube:
        cube.check_sums()
        as_bytes = cube.dtype == np.uint8 or _holds_whole_numbers(cube)
        found = StreamFindings()
        batches = _cube_batches(cube, np.dtype(np.uint8 if as_bytes else np.float32), request.settings, found)
        names = cube.class_names if cube.has_class_names else None
        classes = classes_in_order(str(request.source), cube.labels, names, request.classes)
        yield LabelledSource(classes.labels, classes.names, cube.catalogue, batches, classes.numbers, found)


def _holds_whole_numbers(cube: LabelledCube) -> bool:
    """Pass over the whole cube, refusing pixels outside 0 to 255 (CubeError)."""
    whole = True
    for rows, images_nhwc in cube.chunks():
        check_pixels(cube, images_nhwc, rows.start)
        whole = whole and np.array_equal(images_nhwc, np.floor(images_nhwc))
    return whole


def _cube_batches(
    cube: LabelledCube, dtype: np.dtype[Any], settings: PictureSettings, found: StreamFindings
) -> Iterator[SquaresNHWC]:
    span = PixelRange()
    for rows, images_nhwc in cube.chunks():
        span.add(images_nhwc)
        yield fit_batch(images_nhwc.astype(dtype, copy=False), settings, cube.path, rows.start)
    # Last, since only all images together tell; what was written so far does not stay.
    span.check(cube)
    before = cube.origin or PixelOrigin("unknown")
    framing = framing_within(before.framing, cube.image_shape[0], settings.crop, settings.size)
    found.origin = replace(before, framing=framing)
