"""Labelled FITS cubes, read lazily.

HDU 0 holds images, HDU 1 one label an image with class names in its header, and HDU 2 ``CATALOG`` one row an image.
A cube with only the first two HDUs, from anywhere, is read; a tile-compressed one starts after its empty primary HDU.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.table import Table
from astropy.utils.exceptions import AstropyWarning

from kamerton.data.cube_writer import CLASS_KEYWORD, CubeWriter
from kamerton.data.unpacking import as_plain_file
from kamerton.errors import CubeError, DataError

__all__ = ["CubeWriter", "LabelledCube", "default_class_names", "fingerprint_of", "open_cube"]

CHUNK_GALAXIES = 64
"""Galaxies read at once where a whole cube is passed over; bounds the memory of every such pass."""

MAX_CHANNELS = 16
"""More bands than this on the shorter axis mean that the axes are not those of a cube of images."""


class LabelledCube:
    """Labelled images in a FITS file, read from disk as they are asked for.

    ``image_shape`` is (height, width, channels) whatever the order in the file; ``labels`` is int64 (N,);
    ``catalogue`` has N rows, always with ``id``, and ``ra``, ``dec`` (degrees, ICRS) where the file knows them.
    """

    def __init__(self, path: Path, hdus: fits.HDUList) -> None:
        self.path = path
        self._hdus = hdus
        # A tile-compressed image cannot be a primary HDU, so such a file begins with an empty one.
        self._first = 1 if hdus[0].header.get("NAXIS", 0) == 0 and len(hdus) > 1 else 0
        self._images = _image_hdu(path, hdus, self._first, "images")
        stored_shape = tuple(self._images.shape)
        self.image_shape, self._channel_axis = _layout(self.where(), stored_shape)
        self._length = int(stored_shape[0])
        self.dtype = np.dtype(np.uint8 if self._stores_bytes() else np.float32)
        label_hdu = _image_hdu(path, hdus, self._first + 1, "labels")
        label_place = f"{path} HDU {self._first + 1}"
        self.labels = _labels(label_place, label_hdu, self._length)
        self.has_class_names = f"{CLASS_KEYWORD}0" in label_hdu.header
        self.class_names = _class_names(label_place, label_hdu.header, self.labels)

    def where(self) -> str:
        """Name the file and HDU of the images, for messages."""
        return f"{self.path} HDU {self._first}"

    def _stores_bytes(self) -> bool:
        return bool(self._images.header["BITPIX"] == 8 and not _is_scaled(self._images.header))

    def __len__(self) -> int:
        return self._length

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the cube cannot be read afterwards."""
        self._hdus.close()

    @cached_property
    def catalogue(self) -> Table:
        """One row an image: ``id``, and whatever else the file's CATALOG holds."""
        names = [hdu.name for hdu in self._hdus]
        table = Table()
        if "CATALOG" in names:
            place = names.index("CATALOG")
            with _astropy_errors(self.path, place):
                # A position that is not known stays NaN, and is not masked.
                table = Table.read(self._hdus[place], mask_invalid=False)
                table.convert_bytestring_to_unicode()
            if len(table) != len(self):
                raise CubeError(
                    f"{self.path} HDU {place}: the catalogue does not have one row an image",
                    received=f"{len(table)} rows for {len(self)} images",
                    next_step="write the cube again with `kamerton data import`",
                )
        if "id" not in table.colnames:
            table.add_column([f"{self.path.stem}#{row}" for row in range(len(self))], name="id", index=0)
        return table

    @property
    def ids(self) -> list[str]:
        """The galaxies' identifiers, one an image."""
        return [str(name) for name in self.catalogue["id"]]

    def read(self, indices: slice | Sequence[int] | npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
        """Read images as (n, height, width, channels): uint8 where the file stores bytes, else float32.

        Scaling keywords are applied. Raises CubeError where the file cannot be decoded.
        """
        with _astropy_errors(self.path, self._first):
            if isinstance(indices, slice):
                return self._as_nhwc(self._images.section[indices])
            images_nhwc = np.empty((len(indices), *self.image_shape), self.dtype)
            for slot, index in enumerate(indices):
                row = int(index)
                images_nhwc[slot : slot + 1] = self._as_nhwc(self._images.section[row : row + 1])
        return images_nhwc

    def _as_nhwc(self, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
        stored = _physical(stored, self._images.header)
        if self._channel_axis is None:
            stored = stored[..., np.newaxis]
        elif self._channel_axis == 1:
            stored = np.moveaxis(stored, 1, -1)
        # float64 is rounded once, here; the byte order becomes the machine's own.
        return np.asarray(stored, self.dtype)

    def chunks(self) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
        """Pass over the whole cube in bounded memory, as (rows, images_nhwc)."""
        for start in range(0, len(self), CHUNK_GALAXIES):
            rows = slice(start, min(start + CHUNK_GALAXIES, len(self)))
            yield rows, self.read(rows)

    @cached_property
    def _digests(self) -> list[str]:
        digests: list[str] = []
        for rows, images_nhwc in self.chunks():
            if self.dtype != np.uint8:
                check_pixels(self.where(), images_nhwc, rows.start)
            digests += [_digest(image_hwc) for image_hwc in images_nhwc]
        return digests

    def galaxy_fingerprints(self) -> list[str]:
        """SHA-256 of each image's pixels, the same whatever the file's layout, number type or compression.

        The pass also checks every pixel: CubeError names the first that is not a number from 0 to 255.
        """
        return self._digests

    def fingerprint(self) -> str:
        """SHA-256 of all images, labels and class names, in their order."""
        return fingerprint_of(self._digests, self.labels, self.class_names)

    @property
    def history(self) -> list[str]:
        """HISTORY cards of the images' header: where they come from."""
        return [str(line) for line in self._images.header.get("HISTORY", [])]


def open_cube(path: str | Path) -> LabelledCube:
    """Open a labelled FITS cube for lazy reading.

    Any BITPIX, BZERO/BSCALE, tile compression and gzip; (N,H,W,C), (N,C,H,W) and (N,H,W). Raises CubeError with the
    file and HDU where the file is missing, truncated or not a labelled cube.
    """
    path = Path(path)
    plain = as_plain_file(path)
    try:
        with _astropy_errors(path, None):
            # Astropy cannot both scale and map a file into memory; the scaling is done here, image by image.
            hdus = fits.open(plain, memmap=True, lazy_load_hdus=False, do_not_scale_image_data=True)
            _require_whole(path, hdus, plain)
    except BaseException:
        plain.close()
        raise
    try:
        return LabelledCube(path, hdus)
    except BaseException:
        hdus.close()
        raise


def check_pixels(where: str, images_nhwc: npt.NDArray[Any], first_row: int) -> None:
    """Refuse pixels that are not numbers from 0 to 255 (CubeError names the first bad image)."""
    bad = ~((images_nhwc >= 0) & (images_nhwc <= 255))
    if not bad.any():
        return
    row = int(np.flatnonzero(bad.any(axis=(1, 2, 3)))[0])
    values = images_nhwc[row][bad[row]]
    kind = "NaN or infinite pixels" if not np.isfinite(values).all() else "pixels outside 0 to 255"
    raise CubeError(
        f"{where}: image {first_row + row} has {kind}",
        received=f"{len(values)} such pixels, the first {values[0]}",
        allowed="numbers from 0 to 255",
        next_step="mend or leave out that galaxy, or stretch float bands with `kamerton data import`",
    )


def fingerprint_of(digests: Sequence[str], labels: npt.NDArray[np.int64], class_names: Sequence[str]) -> str:
    """SHA-256 of a cube's content from its galaxies' fingerprints, labels and class names, in their order."""
    whole = hashlib.sha256("\n".join(digests).encode())
    whole.update(labels.astype("<i8").tobytes())
    whole.update("\n".join(class_names).encode())
    return whole.hexdigest()


def default_class_names(count: int) -> tuple[str, ...]:
    """Name the classes of a cube whose file does not."""
    return tuple(f"class {index}" for index in range(count))


def _digest(image_hwc: npt.NDArray[Any]) -> str:
    if image_hwc.dtype != np.uint8:
        # Whole numbers in a wider type are the same galaxy as the bytes they came from.
        as_bytes = image_hwc.astype(np.uint8)
        image_hwc = as_bytes if np.array_equal(as_bytes, image_hwc) else image_hwc
    head = f"{image_hwc.dtype.name} {image_hwc.shape} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(image_hwc).tobytes()).hexdigest()


@contextmanager
def _astropy_errors(path: Path, hdu: int | None) -> Iterator[None]:
    """Turn what Astropy raises or only warns about, for a damaged file, into one CubeError."""
    where = f"{path}" if hdu is None else f"{path} HDU {hdu}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            warnings.filterwarnings("error", message="(?s).*(truncated|smaller than the expected|file is corrupted)")
            yield
    except DataError:
        raise
    except (OSError, ValueError, TypeError, KeyError, IndexError, EOFError, ArithmeticError, Warning) as error:
        raise CubeError(
            f"{where}: cannot be read as FITS",
            received=f"{type(error).__name__}: {error}",
            next_step="check that the file arrived whole; `kamerton data import` writes a sound one",
        ) from error


def _require_whole(path: Path, hdus: fits.HDUList, plain: IO[bytes]) -> None:
    """Refuse a file that ends before its headers say so; Astropy only warns of most such ends."""
    size_bytes = plain.seek(0, os.SEEK_END)
    for place, hdu in enumerate(hdus):
        info = hdu.fileinfo()
        if info is not None and info["datLoc"] + info["datSpan"] > size_bytes:
            raise CubeError(
                f"{path} HDU {place}: the file is truncated",
                received=f"{size_bytes} bytes",
                allowed=f"{info['datLoc'] + info['datSpan']} bytes, as the header promises",
                next_step="fetch or write it again",
            )


def _is_scaled(header: fits.Header) -> bool:
    return header.get("BZERO", 0) != 0 or header.get("BSCALE", 1) != 1 or "BLANK" in header


def _physical(stored: npt.NDArray[Any], header: fits.Header) -> npt.NDArray[Any]:
    """Apply BSCALE, BZERO and BLANK (FITS standard 4.0, section 4.4.2.5); a blank becomes NaN."""
    if not _is_scaled(header):
        return stored
    values = stored * float(header.get("BSCALE", 1)) + float(header.get("BZERO", 0))
    if "BLANK" in header and stored.dtype.kind in "iu":
        values[stored == header["BLANK"]] = np.nan
    return np.asarray(values)


def _image_hdu(path: Path, hdus: fits.HDUList, place: int, what: str) -> Any:
    where = f"{path} HDU {place}"
    if place >= len(hdus):
        raise CubeError(
            f"{where}: there are no {what}",
            received=f"a file of {len(hdus)} HDU(s)",
            allowed="images in HDU 0 and one label an image in HDU 1",
            next_step="write a labelled cube with `kamerton data import`",
        )
    hdu = hdus[place]
    with _astropy_errors(path, place):
        shape = tuple(hdu.shape) if hdu.is_image else None
    if not shape:
        raise CubeError(
            f"{where}: there are no {what}",
            received="a table" if shape is None else "an HDU without data",
            allowed=f"an image HDU with the {what}",
            next_step="write a labelled cube with `kamerton data import`",
        )
    return hdu


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


def _labels(where: str, hdu: Any, count: int) -> npt.NDArray[np.int64]:
    """Read one whole, non-negative class index an image, int64 (N,)."""
    with _astropy_errors(Path(where.rsplit(" HDU", 1)[0]), None):
        stored = _physical(np.asarray(hdu.data), hdu.header)
    if stored.shape not in {(count,), (count, 1)}:
        raise CubeError(
            f"{where}: labels have another length than images",
            received=f"labels of shape {stored.shape} for {count} images",
            allowed=f"shape ({count},)",
            next_step="write one label an image",
        )
    values = stored.reshape(count)
    whole = np.isfinite(values) & (values == np.floor(values)) & (values >= 0) & (values < 2**31)
    if not whole.all():
        row = int(np.flatnonzero(~whole)[0])
        raise CubeError(
            f"{where}: label of image {row} is not a class index",
            received=f"{values[row]} ({int((~whole).sum())} such labels)",
            allowed="whole numbers from 0",
            next_step="label these galaxies or leave them out",
        )
    return values.astype(np.int64)


def _class_names(where: str, header: fits.Header, labels: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Read ``CLASS0``... of the label header; an unnamed cube gets one plain name a label."""
    names: list[str] = []
    while f"{CLASS_KEYWORD}{len(names)}" in header:
        names.append(str(header[f"{CLASS_KEYWORD}{len(names)}"]).strip())
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise CubeError(
            f"{where}: two classes have one name",
            received=f"{twice!r} for labels {[index for index, name in enumerate(names) if name == twice]}",
            allowed="a name of its own for each class",
            next_step=f"rename one of them in the header, {CLASS_KEYWORD}0...",
        )
    highest = int(labels.max())
    if not names:
        return default_class_names(highest + 1)
    if highest >= len(names):
        row = int(labels.argmax())
        raise CubeError(
            f"{where}: label of image {row} is beyond the class names",
            received=f"label {highest} with {len(names)} class names",
            allowed=f"0 to {len(names) - 1}",
            next_step=f"correct the label or add {CLASS_KEYWORD}{highest} to the header",
        )
    return tuple(names)
