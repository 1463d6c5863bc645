"""What every source of galaxies gives: a row a galaxy, in batches, and their images, where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from kamerton.arrays import SquareHWC
from kamerton.config.pictures import ID_COLUMN, SMALLEST_SIDE, Framing, PictureSettings, PixelOrigin
from kamerton.errors import PictureError

if TYPE_CHECKING:
    import pyarrow as pa

ColumnKind = Literal["int64", "float64", "text"]
"""What a column holds that a source carries."""

OWN_COLUMNS = ("place", "id", "ra", "dec")
"""Columns of every batch, before the carried ones."""


@dataclass(frozen=True)
class SourceRequest:
    """Which galaxies, and how their pictures become pixels."""

    path: Path
    settings: PictureSettings
    """Those of the run, from `settings_of`."""
    path_column: str
    """Column of a list that holds the paths of its pictures."""
    learned: PixelOrigin | None = None
    """How the pixels came to be that the run learned from; None where that is not known."""
    id_column: str = ID_COLUMN
    """Column of a list that names its galaxies."""


class Source(Protocol):
    """Galaxies, one after another, labelled or not; as large as a survey in the memory of a few."""

    @property
    def kind(self) -> str:
        """Its key in `SOURCES`."""

    @property
    def path(self) -> Path:
        """The file or folder."""

    @property
    def columns(self) -> Mapping[str, ColumnKind]:
        """The carried columns, besides id, ra and dec, in their order; of a CSV list this takes a pass over it."""

    @property
    def has_own_ids(self) -> bool:
        """False where ids are made of paths or numbers of rows."""

    @property
    def has_positions(self) -> bool:
        """Whether any row may have a position on the sky."""

    @property
    def identity(self) -> str:
        """SHA-256 that tells another source at the same place: see `digests`."""

    @property
    def side_px(self) -> int:
        """Side of its images as they are read; of pictures, of the first that can be read."""

    @property
    def channels(self) -> int:
        """Channels of its images."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Bytes or float32."""

    @property
    def origin(self) -> PixelOrigin | None:
        """How its pixels come to be; None where that is not known."""

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Give all galaxies in their order, at most ``rows`` in a batch; DataError, before the first, for a bad source.

        Columns: ``place`` (text, by which `images` finds the galaxy: the number of its row in a cube or HDF5 file, or a
        path relative to the folder or list), ``id`` (text), ``ra`` and ``dec`` (float64, degrees, ICRS), and the
        carried ones; null where nothing is known. What is odd in single rows is said at the end (KamertonWarning).
        """

    def images(self, places: Sequence[str], doubtful: set[str] | None = None) -> Iterator[SquareHWC | PictureError]:
        """Give the image of each place in their order, (side, side, channels) from 0 to 255, or why there is none.

        ``doubtful`` is told the places of images that may show more or less of the sky than those learned from.
        """


def settings_of(origin: PixelOrigin | None) -> PictureSettings:
    """Tell how pictures become pixels as those did that a run learned from; plain settings where that is not known."""
    if origin is None:
        return PictureSettings()
    crop, size = _crop_and_size(origin.framing)
    if origin.method != "asinh":
        return PictureSettings(size, crop)
    bands = None if origin.bands is None else ",".join(origin.bands)
    return PictureSettings(size, crop, bands, PictureSettings.q if origin.q is None else origin.q, origin.stretch)


def _crop_and_size(framing: Framing | None) -> tuple[int | None, int | None]:
    """Give the central square that is kept, and the side that it is resized to."""
    if framing is None:
        return None, None
    size = framing.size if framing.size >= SMALLEST_SIDE else None
    smallest, largest = framing.kept
    if framing.is_whole or smallest != largest:
        return None, size
    return max(SMALLEST_SIDE, round(smallest)), size
