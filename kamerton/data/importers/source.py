"""What every importer gives: labels at once, and images as a stream, so that memory stays the same for any count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table

from kamerton.arrays import ImagesNHWC, Labels, SquaresNHWC
from kamerton.config import PictureSettings
from kamerton.data import galaxy10
from kamerton.data.pictures.picture import fit_square

MAX_CLASSES = 1000
"""A class index beyond this is an identifier in the wrong column."""


@dataclass(frozen=True)
class ImportRequest:
    """What to import, and how."""

    source: Path
    settings: PictureSettings
    path_column: str
    label_column: str


@dataclass(frozen=True)
class LabelledSource:
    """A labelled source as it is read: labels at once, images as a stream of (n, S, S, C) batches.

    ``catalogue`` has one row a galaxy; a stream may still fill in columns of it until it ends.
    """

    labels: Labels
    class_names: tuple[str, ...]
    catalogue: Table
    batches: Iterator[SquaresNHWC]


def classes_from_names(names: Sequence[str]) -> tuple[tuple[str, ...], Labels]:
    """Number classes by name: in Galaxy10's order, all ten, where every name is one of Galaxy10's; else by alphabet."""
    known = set(names)
    class_names = galaxy10.CLASS_NAMES if known <= set(galaxy10.CLASS_NAMES) else tuple(sorted(known))
    index = {name: number for number, name in enumerate(class_names)}
    return class_names, np.array([index[name] for name in names], np.int64)


def to_ascii(text: str) -> str:
    """Write other letters as backslash escapes, which stay distinct: a FITS file holds only printable ASCII."""
    return "".join(letter if letter.isascii() and letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def fit_batch(images_nhwc: ImagesNHWC, settings: PictureSettings, source: Path, first_row: int) -> SquaresNHWC:
    """Crop and resize images (n, H, W, C) to (n, S, S, C); PictureError names the row of the source."""
    return np.stack(
        [fit_square(image, settings, f"{source} image {first_row + i}") for i, image in enumerate(images_nhwc)]
    )
