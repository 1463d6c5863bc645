"""One FITS cutout as RGB pixels: its bands are read, checked, put in order from blue to red, and stretched."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from kamerton.arrays import BandsCHW, RgbHWC
from kamerton.config.pictures import MAX_SIDE, PictureSettings
from kamerton.data.fits.hdus import fits_errors, open_fits, physical
from kamerton.data.fits.unpacking import GZIP_MAGIC
from kamerton.data.pictures.bands import bands_of, blue_to_red, weights_of
from kamerton.data.pictures.positions import middle_deg, plane_header
from kamerton.data.pictures.stretch import Stretch, apply_stretch, resolve_stretch
from kamerton.errors import PictureError
from kamerton.opening import open_plain

MISSING_FRACTION = 0.2
"""Galaxy Zoo DECaLS (Walmsley et al. 2022, MNRAS 509, 3966) leaves out a cutout with more of one band missing."""

LARGEST_VALUE = float(np.finfo(np.float32).max)
"""A larger one, in a band of 64-bit floats, is damage; its square would overflow where the noise is measured."""

SMALLEST_VALUE = 1e-130
"""A smaller one counts as 0: no survey's unit has such, and the squares of such noise would vanish."""


@dataclass(frozen=True)
class Cutout:
    """A FITS cutout as pixels, and what is known of it."""

    image_hwc: RgbHWC
    """The top row first."""
    stretch: Stretch
    bands: tuple[str, ...] | None
    """From blue to red; None where neither the header nor anybody names them."""
    planes: int
    """One, shown in grey, or three."""
    position_deg: tuple[float, float] | None
    """Right ascension and declination (ICRS) of the middle of the image; None where the header has no WCS."""


@dataclass(frozen=True)
class _Planes:
    """The planes of a cutout's image from blue to red, with their names."""

    where: str
    bands_chw: BandsCHW
    names: tuple[str, ...] | None
    position_deg: tuple[float, float] | None


def is_fits(path: Path) -> bool:
    """Tell a FITS file, gzipped or not, by its first bytes; PictureError where it is no file or cannot be opened."""
    try:
        with open_plain(path) as file:
            head = file.read(9)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PictureError(
            f"{path.absolute()}: cannot be opened", received=reason, next_step="check the name and your permissions"
        ) from error
    # Pillow reads nothing gzipped, so a gzipped picture can only be a FITS file.
    return head == b"SIMPLE  =" or head.startswith(GZIP_MAGIC)


def read_cutout(path: Path, settings: PictureSettings) -> Cutout:
    """Read a FITS cutout as RGB pixels (H, W, 3), and tell how they were stretched and of which bands."""
    planes = _read_planes(path, settings.bands)
    _check_bands(planes.where, planes.bands_chw)
    with fits_errors(path, None):
        stretch = resolve_stretch(planes.bands_chw, weights_of(planes.names, len(planes.bands_chw)), settings)
        image_hwc = apply_stretch(planes.bands_chw, stretch)
    return Cutout(image_hwc, stretch, planes.names, len(planes.bands_chw), planes.position_deg)


def position_of(path: Path) -> tuple[float, float] | None:
    """Read where a FITS cutout lies, degrees (ICRS), from its header alone; None where that is not known."""
    try:
        if not is_fits(path):
            return None
        _, hdus = open_fits(path)
        with fits_errors(path, None), closing(hdus):
            hdu = hdus[_image_number(path, hdus)]
            return middle_deg(hdu.header, hdu.shape)
    # Whoever reads the picture is told.
    except PictureError:
        return None


def frame_of(path: Path) -> tuple[int, int, fits.Header | None] | None:
    """Read height and width of a FITS cutout, in pixels, and its WCS, where it has one; None for a picture."""
    try:
        if not is_fits(path):
            return None
        _, hdus = open_fits(path)
        with fits_errors(path, None), closing(hdus):
            hdu = hdus[_image_number(path, hdus)]
            is_known = middle_deg(hdu.header, hdu.shape) is not None
            return int(hdu.shape[-2]), int(hdu.shape[-1]), plane_header(hdu.header) if is_known else None
    # Whoever reads the picture is told.
    except PictureError:
        return None


def _read_planes(path: Path, given_bands: str | None) -> _Planes:
    """Read the first image of a FITS file."""
    _, hdus = open_fits(path)
    # Closing runs Astropy's own checks, which may fail as reading does.
    with fits_errors(path, None), closing(hdus):
        number = _image_number(path, hdus)
        where, hdu = f"{path} HDU {number}", hdus[number]
        _check_shape(where, hdu)
        count = 1 if len(hdu.shape) == 2 else int(hdu.shape[0])
        names = bands_of(where, [hdu.header, hdus[0].header], given_bands, count)
        values = physical(np.asarray(hdu.data), hdu.header)
        bands_chw = np.array(values, np.float64).reshape(-1, *hdu.shape[-2:])
        bands_chw[np.abs(bands_chw) < SMALLEST_VALUE] = 0
        order = blue_to_red(names, count)
        in_order = None if names is None else tuple(names[plane] for plane in order)
        return _Planes(where, bands_chw[order], in_order, middle_deg(hdu.header, hdu.shape))


def _image_number(path: Path, hdus: Sequence[Any]) -> int:
    """Find the first image of a file."""
    number = next((number for number, hdu in enumerate(hdus) if hdu.is_image and hdu.shape), None)
    if number is None:
        raise PictureError(
            f"{path}: no image in the file",
            received=f"{len(hdus)} HDU(s) without one",
            allowed="a FITS image with the bands of one galaxy",
            next_step="leave the file out",
        )
    return number


def _check_shape(where: str, hdu: Any) -> None:
    """Refuse, from the header alone, what is not one or three bands of a galaxy."""
    shape = tuple(hdu.shape)
    if not (len(shape) == 2 or (len(shape) == 3 and shape[0] in {1, 3})) or 0 in shape:
        raise PictureError(
            f"{where}: not a cutout of one galaxy",
            received=f"shape {shape}",
            allowed="one band (H, W) or three bands (3, H, W) from blue to red",
            next_step="keep three bands, or give a labelled cube where one is expected",
        )
    check_size(where, shape[-1], shape[-2])
    if hdu.header.get("BITPIX") == 8 and "BZERO" not in hdu.header and "BSCALE" not in hdu.header:
        raise PictureError(
            f"{where}: bytes, which were stretched already",
            received="BITPIX 8",
            allowed="bands in linear units, float or 16-bit and wider integers",
            next_step="save the picture as PNG",
        )


def _check_bands(where: str, bands_chw: BandsCHW) -> None:
    # NaN compares as false.
    bad = int((~(np.abs(bands_chw) <= LARGEST_VALUE)).sum())
    if bad:
        raise PictureError(
            f"{where}: pixels that are not numbers",
            received=f"{bad} NaN, infinite or beyond {LARGEST_VALUE:.0e} of {bands_chw.size} pixels",
            allowed="finite numbers",
            next_step="fetch the cutout again or leave it out",
        )
    empty_chw = bands_chw == 0
    # A pixel at exactly zero in every band is a masked sky; in one band only, that exposure is missing.
    missing = float((empty_chw & ~empty_chw.all(axis=0)).mean(axis=(1, 2)).max())
    if missing > MISSING_FRACTION:
        raise PictureError(
            f"{where}: a band is missing in much of the cutout",
            received=f"{missing:.0%} of one band exactly 0 where another band is not",
            allowed=f"at most {MISSING_FRACTION:.0%}",
            next_step="leave the galaxy out: its colours are wrong",
        )
    if (bands_chw.min(axis=(1, 2)) == bands_chw.max(axis=(1, 2))).all():
        raise PictureError(
            f"{where}: a blank cutout",
            received=f"{' and '.join(dict.fromkeys(f'{value:g}' for value in bands_chw[:, 0, 0]))} in every pixel",
            allowed="a galaxy on the sky",
            next_step="leave it out",
        )


def check_size(where: str | Path, width: int, height: int) -> None:
    """Refuse what is no picture of one galaxy, by the size that its header promises (PictureError)."""
    if width * height > MAX_SIDE**2:
        raise PictureError(
            f"{where}: too large for one galaxy",
            received=f"{width} x {height} pixels",
            allowed=f"at most {MAX_SIDE**2} pixels, as {MAX_SIDE} x {MAX_SIDE} have",
            next_step="cut the galaxy out of the mosaic first",
        )
