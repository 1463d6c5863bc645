"""The labels of a cube and the names of their classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from kamerton.arrays import Labels, Mask
from kamerton.data.cubes.images import image_hdu
from kamerton.data.cubes.writer import CLASS_KEYWORD
from kamerton.data.fits.hdus import byte_of, fits_errors, physical
from kamerton.data.fits.letters import read_card
from kamerton.errors import CubeError

MAX_CLASSES = 1000
"""A class index beyond this is an identifier in the wrong column."""


class CubeLabels:
    """The label HDU of an open FITS file: ``values`` as they are stored, (count,), and class names as they stand."""

    def __init__(self, path: Path, hdus: fits.HDUList, hdu_number: int, count: int | None) -> None:
        self.where = f"{path} HDU {hdu_number}"
        self._hdu = image_hdu(path, hdus, hdu_number, "labels")
        with fits_errors(path, hdu_number):
            stored = physical(np.asarray(self._hdu.data), self._hdu.header)
        count = len(stored) if count is None else count
        if stored.shape not in {(count,), (count, 1)}:
            raise CubeError(
                f"{self.where}: labels have another length than images",
                received=f"labels of shape {stored.shape} for {count} images",
                allowed=f"shape ({count},)",
                next_step="write one label an image",
            )
        self.values = stored.reshape(count)
        self.names = _stored_names(self._hdu.header)

    @property
    def bad(self) -> Mask:
        """Mark what is no class index: a whole number from 0."""
        values = self.values
        whole = np.isfinite(values) & (values == np.floor(values)) & (values >= 0) & (values < 2**31)
        return np.asarray(~whole)

    def indices(self) -> Labels:
        """Give one class index an image, int64 (N,); CubeError names the first label that is none."""
        if self.bad.any():
            row = int(np.flatnonzero(self.bad)[0])
            raise CubeError(
                f"{self.where}: label of image {row} is not a class index",
                received=f"{self.values[row]} ({int(self.bad.sum())} such labels){self._at(row)}",
                allowed="whole numbers from 0",
                next_step="label these galaxies or leave them out",
            )
        return np.asarray(self.values.astype(np.int64))

    def check_names(self) -> None:
        """Refuse two classes of one name, and names that cannot be shown as they are (CubeError)."""
        names = self.names
        strange = [name for name in names if not name.isprintable()]
        if strange:
            raise CubeError(
                f"{self.where}: a class name has letters that cannot be shown",
                received=repr(strange[0]),
                allowed="any printable letters",
                next_step=f"rename it in the header, {CLASS_KEYWORD}{names.index(strange[0])}",
            )
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise CubeError(
                f"{self.where}: two classes have one name",
                received=f"{twice!r} for labels {[index for index, name in enumerate(names) if name == twice]}",
                allowed="a name of its own for each class",
                next_step=f"rename one of them in the header, {CLASS_KEYWORD}0...",
            )

    def class_names(self, labels: Labels) -> tuple[str, ...]:
        """Name every class; an unnamed cube gets one plain name a label. CubeError where a label has no name."""
        self.check_names()
        highest = int(labels.max())
        if not self.names:
            if highest >= MAX_CLASSES:
                raise CubeError(
                    f"{self.where}: label of image {int(labels.argmax())} is too large for a class index",
                    received=f"{highest}{self._at(int(labels.argmax()))}",
                    allowed=f"0 to {MAX_CLASSES - 1} where the classes have no names",
                    next_step="number the classes from 0",
                )
            return default_class_names(highest + 1)
        if highest >= len(self.names):
            row = int(labels.argmax())
            raise CubeError(
                f"{self.where}: label of image {row} is beyond the class names",
                received=f"label {highest} with {len(self.names)} class names{self._at(row)}",
                allowed=f"0 to {len(self.names) - 1}",
                next_step=f"correct the label or add {CLASS_KEYWORD}{highest} to the header",
            )
        return self.names

    def _at(self, row: int) -> str:
        byte = byte_of(self._hdu, row)
        return "" if byte is None else f" at byte {byte}"


def default_class_names(count: int) -> tuple[str, ...]:
    """Name the classes of a cube whose file does not."""
    return tuple(f"class {index}" for index in range(count))


def _stored_names(header: fits.Header) -> tuple[str, ...]:
    names: list[str] = []
    while (keyword := f"{CLASS_KEYWORD}{len(names)}") in header:
        names.append(read_card(header, keyword))
    return tuple(names)
