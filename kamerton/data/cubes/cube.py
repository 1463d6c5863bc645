"""Labelled FITS cubes, read lazily.

HDU 0 holds images, HDU 1 one label an image with class names in its header, and HDU 2 ``CATALOG`` one row an image.
A cube with only the first two HDUs, from anywhere, is read; a tile-compressed one starts after its empty primary HDU.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Column, Table

from kamerton.arrays import ImagesNHWC, Labels
from kamerton.checks import as_path
from kamerton.config.pictures import PixelOrigin
from kamerton.data.cubes.images import CubeImages, image_digest
from kamerton.data.cubes.labels import CubeLabels
from kamerton.data.cubes.origin import stored_origin
from kamerton.data.cubes.pixels import PixelRange, check_pixels
from kamerton.data.fits.checksums import check_checksums
from kamerton.data.fits.hdus import fits_errors, open_fits
from kamerton.data.fits.letters import ESCAPES_KEYWORD, unescape_table
from kamerton.data.likeness import picture_features
from kamerton.data.marks import FEATURE_BYTES, Features
from kamerton.data.position_columns import position_pairs, say_left, say_taken
from kamerton.errors import CubeError, warn
from kamerton.progress import Progress, Silent

KNOWN_NAMES = {"id", "ra", "dec", "group"}
"""Columns of a catalogue that Kamerton knows."""


class LabelledCube(CubeImages):
    """Labelled images in a FITS file, read from disk as they are asked for.

    ``image_shape`` is (height, width, channels) whatever the order in the file; ``labels`` is int64 (N,);
    ``catalogue`` has N rows, always with ``id``, and ``ra``, ``dec`` (degrees, ICRS) where the file knows them.
    """

    def __init__(self, path: Path, file: IO[bytes], hdus: fits.HDUList, watcher: Progress) -> None:
        super().__init__(path, hdus)
        self.watcher = watcher
        self._file = file
        self._hdus = hdus
        labels = CubeLabels(path, hdus, self.hdu_number + 1, len(self))
        self.labels = labels.indices()
        self.has_class_names = bool(labels.names)
        self.class_names = labels.class_names(self.labels)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.image_shape))
        return f"LabelledCube({self.path}, {len(self)} images of {shape} {self.dtype}, {len(self.class_names)} classes)"

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
        return read_catalogue(self.path, self._hdus, len(self))

    @property
    def ids(self) -> list[str]:
        """The galaxies' identifiers, one an image."""
        return [str(name) for name in self.catalogue["id"]]

    def chunks(self) -> Iterator[tuple[slice, ImagesNHWC]]:
        """Yield the whole cube chunk by chunk, as (rows, images_nhwc), in bounded memory, and tell how far it is."""
        with self.watcher.task(f"reading {self.path.name}", len(self), "galaxies") as advance:
            for rows in self.slices():
                images_nhwc = self.read(rows)
                yield rows, images_nhwc
                advance(len(images_nhwc))

    def check_sums(self) -> None:
        """Refuse a file that does not match its CHECKSUM and DATASUM cards, where it has them (CubeError)."""
        check_checksums(self.path, self._file)

    @cached_property
    def _passed(self) -> tuple[list[str], Features]:
        """Fingerprints and features of all images, from one pass over them."""
        digests: list[str] = []
        features = np.empty((len(self), FEATURE_BYTES), np.int8)
        span = PixelRange()
        for rows, images_nhwc in self.chunks():
            check_pixels(self, images_nhwc, rows.start)
            span.add(images_nhwc)
            digests += [image_digest(image_hwc) for image_hwc in images_nhwc]
            features[rows] = picture_features(images_nhwc)
        # Last, since a bad pixel says more than a wrong sum.
        self.check_sums()
        span.check(self)
        return digests, features

    def galaxy_fingerprints(self) -> list[str]:
        """SHA-256 of each image's pixels, the same whatever the file's layout, number type or compression.

        The pass also checks the file: CubeError names the first image with a pixel that is not a number from 0 to 255,
        an HDU that does not match its checksums, or what the pixels span where that is 0 to 1, or nothing.
        """
        return self._passed[0]

    def picture_features(self) -> Features:
        """What each picture is known again by, though resized, encoded anew, turned or mirrored, int8 (N, 1024)."""
        return self._passed[1]

    def fingerprint(self) -> str:
        """SHA-256 of all images, labels and class names, in their order."""
        return fingerprint_of(self.galaxy_fingerprints(), self.labels, self.class_names)

    @cached_property
    def origin(self) -> PixelOrigin | None:
        """How the pixels came to be; None where the file does not say. CubeError where what it says cannot be."""
        with fits_errors(self.path, self.hdu_number):
            return stored_origin(self.where(), self.header)

    @property
    def history(self) -> list[str]:
        """HISTORY cards of the images' header: where they come from."""
        with fits_errors(self.path, self.hdu_number):
            return [str(line) for line in self.header.get("HISTORY", [])]


def open_cube(path: str | Path, *, watcher: Progress | None = None) -> LabelledCube:
    """Open a labelled FITS cube for lazy reading; ``watcher`` is told of every pass over all of its images.

    Any BITPIX, BZERO/BSCALE, tile compression and gzip; (N,H,W,C), (N,C,H,W) and (N,H,W). Raises CubeError with the
    file and HDU where the file is missing, truncated or not a labelled cube.
    """
    path = as_path(path, "cube")
    file, hdus = open_fits(path)
    try:
        with fits_errors(path, None):
            return LabelledCube(path, file, hdus, watcher or Silent())
    except BaseException:
        hdus.close()
        raise


def read_catalogue(path: Path, hdus: fits.HDUList, count: int, rows: slice | None = None) -> Table:
    """Read the CATALOG of an open file, one row an image, always with ``id``; CubeError where it has other rows.

    Of ``rows`` alone, it takes the memory of these.
    """
    with fits_errors(path, None):
        names = [hdu.name for hdu in hdus]
    table = Table()
    if "CATALOG" in names:
        number = names.index("CATALOG")
        with fits_errors(path, number):
            hdu = hdus[number]
            length = int(hdu.header["NAXIS2"])
            # A position that is not known stays NaN, and is not masked.
            table = Table.read(hdu if rows is None else _some_rows(hdu, rows), mask_invalid=False)
            table.convert_bytestring_to_unicode()
            if ESCAPES_KEYWORD in hdu.header:
                unescape_table(table)
            _use_known_names(path, table)
        if length != count:
            raise CubeError(
                f"{path} HDU {number}: the catalogue does not have one row an image",
                received=f"{length} rows for {count} images",
                next_step="write the cube again with `kamerton data import`",
            )
    numbers = range(count)[rows or slice(None)]
    if "id" not in table.colnames:
        table.add_column([_by_row(path, row) for row in numbers], name="id", index=0)
    else:
        _name_blank_ids(path, table, numbers)
    return table


def _by_row(path: Path, row: int) -> str:
    return f"{path.stem}#{row}"


def _use_known_names(path: Path, table: Table) -> None:
    """Call `KNOWN_NAMES` so in any case of letters, which FITS does not tell apart, and positions as surveys do."""
    for name in table.colnames:
        if name.lower() in KNOWN_NAMES and name.lower() not in table.colnames:
            table.rename_column(name, name.lower())
    if {"ra", "dec"} & set(table.colnames):
        return
    pairs = position_pairs(table.colnames)
    # Hours and minutes are text, and degrees the only unit that is taken.
    names = next((pair for pair in pairs if all(_may_be_degrees(table[name]) for name in pair)), None)
    if names is not None:
        if any(table[name].unit != u.deg for name in names):
            say_taken(path, names)
        table.rename_columns(names, ["ra", "dec"])
    elif pairs:
        say_left(path, pairs[0])


def _name_blank_ids(path: Path, table: Table, numbers: Sequence[int]) -> None:
    """Call galaxies whose id is blank as those of a cube without ids are called, and say so.

    In the same words for all parts of a cube, which are read one after another, so that it is said once.
    """
    ids = np.asarray(table["id"])
    blank = np.flatnonzero([] if ids.dtype.kind != "U" else np.char.strip(ids) == "")
    if len(blank):
        warn(
            f"{path}: galaxies whose id is blank are called by their rows",
            received=f"column id without letters; they are called as {_by_row(path, 0)!r} would be",
            next_step="nothing, if the row will do; or give each galaxy an id of its own",
        )
        named = ids.astype(object)
        named[blank] = [_by_row(path, numbers[int(row)]) for row in blank]
        table["id"] = named.astype(str)


def _may_be_degrees(column: Column) -> bool:
    return column.dtype.kind == "f" and column.ndim == 1 and column.unit in {None, u.deg}


def _some_rows(hdu: Any, rows: slice) -> fits.BinTableHDU:
    return fits.BinTableHDU(hdu.data[rows], hdu.header)


def fingerprint_of(digests: Sequence[str], labels: Labels, class_names: Sequence[str]) -> str:
    """SHA-256 of a cube's content from its galaxies' fingerprints, labels and class names, in their order."""
    whole = hashlib.sha256("\n".join(digests).encode())
    whole.update(labels.astype("<i8").tobytes())
    whole.update("\n".join(class_names).encode())
    return whole.hexdigest()
