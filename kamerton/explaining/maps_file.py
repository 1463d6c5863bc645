"""A map as a FITS file that lies over its galaxy, pixel by pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from jaxtyping import Float32
from PIL import Image

from kamerton.config.pictures import PictureSettings
from kamerton.data.fits.letters import ESCAPES_CARD, ESCAPES_KEYWORD, card_text, fits_cards, with_comment
from kamerton.data.pictures.cutout import frame_of

MapHW = Float32[np.ndarray, "height width"]

TOP_DOWN, BOTTOM_UP = "TOP-DOWN", "BOTTOM-UP"
"""Values of ROWORDER, as Siril and others have it: which row of the picture is the first in the file."""


@dataclass(frozen=True, eq=False)
class Framed:
    """A map on the pixels of the galaxy's file."""

    map_hw: MapHW
    """In the file's order of rows; NaN beyond the part that the network was given."""
    row_order: str
    wcs: fits.Header | None
    """The cutout's own; None where it has none."""


def resized(map_hw: MapHW, side: int) -> Float32[np.ndarray, "side side"]:
    """Interpolate a square map to another side."""
    if len(map_hw) == side:
        return map_hw
    return np.asarray(Image.fromarray(map_hw).resize((side, side), Image.Resampling.BILINEAR))


def framed(map_hw: MapHW, side_px: int, file: Path | None, settings: PictureSettings, *, is_cube: bool) -> Framed:
    """Lay a map of what the network was given (the top row first) on the pixels of what the galaxy was read from.

    Of a FITS cutout these are the cutout's own, crop and all, and its WCS is copied. Else they are those of the image
    as it was read, of ``side_px``: of a cube in the cube's order, of a picture upright in DS9.
    """
    frame = None if file is None else frame_of(file)
    if frame is None:
        image_hw = resized(map_hw, side_px)
        return Framed(image_hw, TOP_DOWN, None) if is_cube else Framed(image_hw[::-1], BOTTOM_UP, None)
    height, width, wcs = frame
    side = settings.crop or min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    whole = np.full((height, width), np.nan, np.float32)
    whole[top : top + side, left : left + side] = resized(map_hw, side)
    return Framed(whole[::-1], BOTTOM_UP, wcs)


def write_map(path: Path, frame: Framed, cards: Mapping[str, tuple[str | float | int | bool, str]]) -> None:
    """Write a map with what it is in its header; texts of other letters are escapes, which ``ESCAPES`` says."""
    hdu = fits.PrimaryHDU(np.ascontiguousarray(frame.map_hw, np.float32))
    if frame.wcs is not None:
        hdu.header.extend(frame.wcs.cards)
    texts = [value for value, _ in cards.values() if isinstance(value, str)]
    plain = fits_cards(texts)
    if not plain:
        hdu.header[ESCAPES_KEYWORD] = ESCAPES_CARD
    hdu.header["ROWORDER"] = (frame.row_order, "row of the picture that is the first here")
    for keyword, (value, comment) in cards.items():
        if isinstance(value, str):
            hdu.header[keyword] = with_comment(value if plain else card_text(value), comment)
        else:
            hdu.header[keyword] = (value, comment)
    hdu.writeto(path, checksum=True)
