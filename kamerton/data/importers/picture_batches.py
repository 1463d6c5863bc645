"""Pictures and FITS cutouts, one file a galaxy, as a stream of batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from kamerton.arrays import RgbHWC, SquaresNHWC
from kamerton.config import PictureSettings
from kamerton.data.cubes.images import CHUNK_GALAXIES
from kamerton.data.pictures.picture import Picture, read_picture
from kamerton.data.pictures.stretch import Stretch
from kamerton.errors import PictureError


def picture_batches(
    paths: Sequence[Path], origins: Iterable[str], settings: PictureSettings, catalogue: Table
) -> Iterator[SquaresNHWC]:
    """Read pictures in batches, refuse one of another size than the first, and put the stretches in the catalogue.

    ``origins`` says for each path where it was listed, at the start of an error's message.
    """
    stretches: list[Stretch | None] = []
    batch: list[RgbHWC] = []
    first_side = None
    for path, origin in zip(paths, origins, strict=False):
        picture = _read_listed(path, origin, settings)
        first_side = first_side or len(picture.image_hwc)
        if len(picture.image_hwc) != first_side:
            raise _mixed_sizes(origin, path, len(picture.image_hwc), paths[0], first_side)
        stretches.append(picture.stretch)
        batch.append(picture.image_hwc)
        if len(batch) == CHUNK_GALAXIES:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)
    _record_stretches(catalogue, stretches)


def _read_listed(path: Path, origin: str, settings: PictureSettings) -> Picture:
    try:
        return read_picture(path, settings)
    except PictureError as error:
        if not origin:
            raise
        raise PictureError(f"{origin}{error}") from error


def _mixed_sizes(origin: str, path: Path, side: int, first: Path, first_side: int) -> PictureError:
    return PictureError(
        f"{origin}{path}: another size than the first picture",
        received=f"{side} x {side} pixels, but {first.name} gives {first_side} x {first_side}",
        allowed="one size in a cube",
        next_step="pass --size to resize them all",
    )


def _record_stretches(catalogue: Table, stretches: Sequence[Stretch | None]) -> None:
    """Add the asinh stretch of each FITS cutout to its catalogue row; a picture that already was pixels has NaN."""
    if not any(stretches):
        return
    nothing = (np.nan,) * 8
    rows = np.array(
        [nothing if s is None else (s.q, s.stretch, *s.sky_rgb, *s.weight_rgb) for s in stretches], np.float64
    )
    colours = ("red", "green", "blue")
    names = ["asinh_q", "asinh_stretch", *(f"sky_{c}" for c in colours), *(f"weight_{c}" for c in colours)]
    for name, values in zip(names, rows.T, strict=True):
        catalogue[name] = values
