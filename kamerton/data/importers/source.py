"""What every importer gives: labels at once, and images as a stream, so that memory stays the same for any count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.table import Table

from kamerton.arrays import ImagesNHWC, Labels, SquaresNHWC
from kamerton.config.pictures import ID_COLUMN, PictureSettings, PixelOrigin
from kamerton.data.pictures.picture import fit_square


@dataclass(frozen=True)
class ImportRequest:
    """What to import, and how."""

    source: Path
    settings: PictureSettings
    path_column: str
    label_column: str
    skip_bad: bool
    """Whether a picture that cannot be read leaves out its galaxy instead of stopping the import."""
    classes: tuple[str, ...] | None
    """Names of the classes, in their order; None takes both from the source."""
    id_column: str = ID_COLUMN


@dataclass(frozen=True)
class LeftOut:
    """A galaxy that could not be read."""

    path: Path
    reason: str
    """The error, in one line."""


@dataclass
class StreamFindings:
    """What only the stream of images itself tells; whole once it has ended."""

    origin: PixelOrigin | None = None
    """How the pixels came to be; None where that is not known."""
    left_out: dict[int, LeftOut] = field(default_factory=dict)
    """The galaxies that are not in the stream, by their rows, counted from 0."""


@dataclass(frozen=True)
class LabelledSource:
    """A labelled source as it is read: labels at once, images as a stream of (n, S, S, C) batches.

    ``catalogue`` has one row a galaxy; a stream may still fill in columns of it until it ends.
    """

    labels: Labels
    class_names: tuple[str, ...]
    catalogue: Table
    batches: Iterator[SquaresNHWC]
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Which number of the source each class was, where numbers were given names."""
    found: StreamFindings = field(default_factory=StreamFindings)


def fit_batch(images_nhwc: ImagesNHWC, settings: PictureSettings, source: Path, first_row: int) -> SquaresNHWC:
    """Crop and resize images (n, H, W, C) to (n, S, S, C); PictureError names the row of the source."""
    return np.stack(
        [fit_square(image, settings, f"{source} image {first_row + i}") for i, image in enumerate(images_nhwc)]
    )
