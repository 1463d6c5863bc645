"""One labelled cube, examined to its end whatever is wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import numpy as np
from astropy.io import fits
from astropy.table import Table

from kamerton.arrays import ImageHWC, Labels, PositionsDeg
from kamerton.config.pictures import PixelOrigin
from kamerton.data.audit.findings import BadRow
from kamerton.data.audit.galaxies import AuditedGalaxies, FileAudit, bad_rows, known_positions, note_empty_classes
from kamerton.data.cubes.cube import read_catalogue
from kamerton.data.cubes.images import CubeImages, image_digest, images_hdu_number
from kamerton.data.cubes.labels import CubeLabels
from kamerton.data.cubes.origin import stored_origin
from kamerton.data.cubes.pixels import PixelRange, bad_pixels
from kamerton.data.fits.checksums import checksum_errors
from kamerton.data.fits.hdus import fits_errors, open_hdus
from kamerton.data.fits.structure import HduLayout, walk_structure
from kamerton.data.fits.unpacking import as_plain_file
from kamerton.data.likeness import picture_features
from kamerton.data.marks import FEATURE_BYTES, Features
from kamerton.data.sky import sky_positions
from kamerton.errors import CubeError
from kamerton.progress import Progress


def examine_cube(path: Path, watcher: Progress) -> FileAudit:
    """Find what is wrong with a cube alone, in one pass over its images and constant memory."""
    found = FileAudit(str(path))
    with found.noting(), as_plain_file(path) as file:
        layouts = _whole_layouts(path, file, found)
        if layouts is not None:
            with closing(open_hdus(path, file, layouts)) as hdus:
                found.galaxies = _galaxies(path, hdus, found, watcher)
    return found


def _whole_layouts(path: Path, file: IO[bytes], found: FileAudit) -> list[HduLayout] | None:
    """Walk over all HDUs, note those that are not as they were written, and give them where all are sound."""
    layouts: list[HduLayout] = []
    damage: CubeError | None = None
    try:
        for layout in walk_structure(path, file):
            layouts.append(layout)
    except CubeError as error:
        damage = error
    for changed in checksum_errors(path, file, layouts):
        found.damage(changed)
    if damage is not None:
        found.damage(damage)
        return None
    return layouts


def _galaxies(path: Path, hdus: fits.HDUList, found: FileAudit, watcher: Progress) -> AuditedGalaxies | None:
    images = labels = None
    with found.noting(), fits_errors(path, None):
        images = CubeImages(path, hdus)
    with found.noting(), fits_errors(path, None):
        labels = CubeLabels(path, hdus, images_hdu_number(hdus) + 1, None if images is None else len(images))
    if images is not None:
        count = len(images)
    elif labels is not None:
        count = len(labels.values)
    else:
        return None
    catalogue = Table({"id": [f"{path.stem}#{row}" for row in range(count)]})
    with found.noting():
        catalogue = read_catalogue(path, hdus, count)
    ids = [str(name) for name in catalogue["id"]]
    names = None if labels is None else _class_names(labels, found)
    digests, features = (None, None) if images is None else _pass_over(images, ids, found, watcher)
    return AuditedGalaxies(
        str(path),
        ids,
        np.full(count, -1) if labels is None else _class_indices(labels, names, ids, found),
        names,
        _positions(catalogue, ids, found),
        digests,
        features,
        None if images is None else images.image_shape,
        None if images is None else _origin(images, found),
    )


def _origin(images: CubeImages, found: FileAudit) -> PixelOrigin | None:
    with found.noting(), fits_errors(images.path, images.hdu_number):
        return stored_origin(images.where(), images.header)
    return None


def _pass_over(images: CubeImages, ids: list[str], found: FileAudit, watcher: Progress) -> tuple[list[str], Features]:
    """Pass over the images, note bad ones, and give each one's fingerprint and feature, empty where it has none."""
    digests: list[str] = []
    features = np.zeros((len(images), FEATURE_BYTES), np.int8)
    bad: list[BadRow] = []
    unreadable: list[BadRow] = []
    blank: list[BadRow] = []
    span = PixelRange()
    for row, image_hwc in _watched(images, watcher):
        if isinstance(image_hwc, CubeError):
            unreadable.append(BadRow(row, ids[row], str(image_hwc)))
            digests.append("")
            continue
        digests.append(image_digest(image_hwc))
        features[row] = picture_features(image_hwc[np.newaxis])[0]
        wrong = image_hwc[bad_pixels(image_hwc)] if images.dtype != np.uint8 else image_hwc[:0]
        if wrong.size:
            byte = images.byte_of(row)
            begins = "" if byte is None else f"; the image begins at byte {byte}"
            bad.append(BadRow(row, ids[row], f"{wrong.size} pixels, the first {wrong.flat[0]}{begins}"))
        elif span.add(image_hwc[np.newaxis])[0]:
            blank.append(BadRow(row, ids[row], f"{image_hwc.flat[0]:g} in every pixel"))
    where = f"HDU {images.hdu_number}"
    found.add_rows("damage", where + ": {} images cannot be decoded", unreadable)
    found.add_rows("bad_pixels", where + ": {} images with pixels that are no numbers from 0 to 255", bad)
    found.add_rows("blank_images", where + ": {} images show nothing", blank)
    trouble = span.trouble()
    if trouble is not None and span.shows_something:
        found.add("pixel_range", f"{where}: {trouble[0]}: {span}. Next: {trouble[1]}")
    return digests, features


def _watched(images: CubeImages, watcher: Progress) -> Iterator[tuple[int, ImageHWC | CubeError]]:
    with watcher.task(f"checking {images.path.name}", len(images), "galaxies") as advance:
        for each in _each(images):
            yield each
            advance()


def _each(images: CubeImages) -> Iterator[tuple[int, ImageHWC | CubeError]]:
    """Read image by image, many at a time where nothing is broken."""
    for rows in images.slices():
        try:
            yield from enumerate(images.read(rows), start=rows.start)
        except CubeError:
            for row in range(rows.start, rows.stop):
                yield row, _one(images, row)


def _one(images: CubeImages, row: int) -> ImageHWC | CubeError:
    try:
        return np.asarray(images.read([row])[0])
    except CubeError as error:
        return error


def _class_names(labels: CubeLabels, found: FileAudit) -> tuple[str, ...] | None:
    with found.noting():
        labels.check_names()
    if not labels.names:
        found.add("note", "the classes have no names")
    return labels.names or None


def _class_indices(labels: CubeLabels, names: tuple[str, ...] | None, ids: list[str], found: FileAudit) -> Labels:
    """Give the labels as class indices, -1 where they are none, and note these."""
    values, bad = labels.values, labels.bad
    indices = np.where(bad, -1, np.where(bad, 0, values)).astype(np.int64)
    beyond = np.zeros_like(bad) if names is None else indices >= len(names)
    for rows, what in ((bad, "no class index, a whole number from 0"), (beyond, "beyond the class names")):
        found.add_rows("bad_labels", "{} labels are " + what, bad_rows(rows, ids, lambda row: str(values[row])))
    indices[beyond] = -1
    note_empty_classes(indices, names, found)
    return indices


def _positions(catalogue: Table, ids: list[str], found: FileAudit) -> PositionsDeg:
    """Give right ascension and declination (N, 2), NaN where they are not known or cannot be."""
    positions_deg = None
    with found.noting():
        positions_deg = sky_positions(catalogue)
    return known_positions(np.full((len(ids), 2), np.nan) if positions_deg is None else positions_deg, ids, found)
