"""The images of a cube, read from disk as they are asked for."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from jaxtyping import Num

from kamerton.arrays import ImageHWC, ImagesNHWC, Rows
from kamerton.data.fits.hdus import IMAGE_HDUS, byte_of, fits_errors, is_scaled, physical
from kamerton.errors import CubeError

CHUNK_GALAXIES = 64
"""Galaxies read at once where a whole cube is passed over; bounds the memory of every such pass."""

MAX_CHANNELS = 16
"""More bands than this on the shorter axis mean that the axes are not those of a cube of images."""


class CubeImages:
    """The images of an open FITS file; ``image_shape`` is (height, width, channels) whatever the order in the file."""

    def __init__(self, path: Path, hdus: fits.HDUList) -> None:
        self.path = path
        self.hdu_number = images_hdu_number(hdus)
        self._hdu = image_hdu(path, hdus, self.hdu_number, "images")
        stored_shape = tuple(self._hdu.shape)
        self.image_shape, self._channel_axis = _layout(self.where(), stored_shape)
        self._length = int(stored_shape[0])
        self.header = self._hdu.header
        stores_bytes = self.header["BITPIX"] == 8 and not is_scaled(self.header)
        self.dtype = np.dtype(np.uint8 if stores_bytes else np.float32)

    @property
    def stored_bytes(self) -> int:
        """Memory that all images would take as they are read."""
        return len(self) * math.prod(self.image_shape) * self.dtype.itemsize

    def where(self) -> str:
        """Name the file and HDU of the images, for messages."""
        return f"{self.path} HDU {self.hdu_number}"

    def __len__(self) -> int:
        return self._length

    def byte_of(self, row: int) -> int | None:
        """Find the byte where an image begins; None where the images are tile-compressed."""
        return byte_of(self._hdu, row)

    def read(self, indices: slice | Sequence[int] | Rows) -> ImagesNHWC:
        """Read images as (n, height, width, channels): uint8 where the file stores bytes, else float32."""
        with fits_errors(self.path, self.hdu_number):
            if isinstance(indices, slice):
                return self._as_nhwc(self._hdu.section[indices])
            images_nhwc = np.empty((len(indices), *self.image_shape), self.dtype)
            for slot, index in enumerate(indices):
                row = int(index)
                images_nhwc[slot : slot + 1] = self._as_nhwc(self._hdu.section[row : row + 1])
        return images_nhwc

    def _as_nhwc(self, stored: Num[np.ndarray, "n ..."]) -> ImagesNHWC:
        stored = physical(stored, self.header)
        if self._channel_axis is None:
            stored = stored[..., np.newaxis]
        elif self._channel_axis == 1:
            stored = np.moveaxis(stored, 1, -1)
        # float64 is rounded once, here; the byte order becomes the machine's own.
        return np.asarray(stored, self.dtype)

    def slices(self) -> Iterator[slice]:
        """Cut the rows into chunks of at most `CHUNK_GALAXIES`."""
        for start in range(0, len(self), CHUNK_GALAXIES):
            yield slice(start, min(start + CHUNK_GALAXIES, len(self)))


def image_hdu(path: Path, hdus: fits.HDUList, number: int, what: str) -> Any:
    """Give the image HDU of a number; CubeError where there is none, or none with data."""
    where = f"{path} HDU {number}"
    if number >= len(hdus):
        raise CubeError(
            f"{where}: there are no {what}",
            received=f"a file of {len(hdus)} HDU(s)",
            allowed="images in HDU 0 and one label an image in HDU 1",
            next_step="write a labelled cube with `kamerton data import`",
        )
    hdu = hdus[number]
    with fits_errors(path, number):
        shape = tuple(hdu.shape) if isinstance(hdu, IMAGE_HDUS) else None
    if not shape:
        raise CubeError(
            f"{where}: there are no {what}",
            received="a table" if shape is None else "an HDU without data",
            allowed=f"an image HDU with the {what}",
            next_step="write a labelled cube with `kamerton data import`",
        )
    return hdu


def images_hdu_number(hdus: fits.HDUList) -> int:
    """Find the HDU of the images: a tile-compressed one cannot be primary, so such a file begins with an empty HDU."""
    return 1 if hdus[0].header.get("NAXIS", 0) == 0 and len(hdus) > 1 else 0


def image_digest(image_hwc: ImageHWC) -> str:
    """SHA-256 of an image's pixels and shape, the same whatever type of number holds them."""
    if image_hwc.dtype != np.uint8:
        # Whole numbers in a wider type are the same galaxy as the bytes they came from.
        with np.errstate(invalid="ignore"):
            as_bytes = image_hwc.astype(np.uint8)
        # And -0.0 is 0.0.
        image_hwc = as_bytes if np.array_equal(as_bytes, image_hwc) else image_hwc + image_hwc.dtype.type(0)
    head = f"{image_hwc.dtype.name} {image_hwc.shape} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(image_hwc).tobytes()).hexdigest()


def _layout(where: str, shape: tuple[int, ...]) -> tuple[tuple[int, int, int], int | None]:
    """Find (height, width, channels) and the stored axis of the channels; None where there is none."""
    if len(shape) == 3:
        (_, height, width), channels, axis = shape, 1, None
    elif len(shape) == 4 and shape[3] <= shape[1]:
        (_, height, width, channels), axis = shape, 3
    elif len(shape) == 4:
        (_, channels, height, width), axis = shape, 1
    else:
        height = width = channels = 0
    if min(shape) < 1 or height != width or not 1 <= channels <= MAX_CHANNELS:
        raise CubeError(
            f"{where}: {'an empty cube' if 0 in shape else 'wrong dimensions'}",
            received=f"shape {shape}",
            allowed=f"square images (N,H,W,C), (N,C,H,W) or (N,H,W), with N >= 1 and at most {MAX_CHANNELS} channels",
            next_step="crop and stack the images with `kamerton data import`",
        )
    return (height, width, channels), axis
