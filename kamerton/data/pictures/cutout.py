"""One FITS cutout as RGB pixels: its bands are read, checked, put in order from blue to red, and stretched."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kamerton.arrays import BandsCHW, RgbHWC
from kamerton.config import PictureSettings
from kamerton.data.fits.hdus import fits_errors, open_fits, physical
from kamerton.data.fits.unpacking import GZIP_MAGIC
from kamerton.data.pictures.stretch import Stretch, apply_stretch, resolve_stretch
from kamerton.errors import PictureError

WAVELENGTH_ORDER = "ugrizy"
BAND_WEIGHTS = {"g": 6.0, "r": 3.4, "i": 3.0, "z": 2.2}
"""Relative weights at which a galaxy of ordinary colour is white: those of the Legacy Surveys viewer, whose pictures
Galaxy10 DECaLS consists of. They also give EFIGI's g, r, i cutouts the colours of EFIGI's own pictures."""

MISSING_FRACTION = 0.2
"""Galaxy Zoo DECaLS (Walmsley et al. 2022, MNRAS 509, 3966) leaves out a cutout with more of one band missing."""

LARGEST_VALUE = float(np.finfo(np.float32).max)
"""A larger one, in a band of 64-bit floats, is damage; its square would overflow where the noise is measured."""


def is_fits(path: Path) -> bool:
    """Tell a FITS file, gzipped or not, by its first bytes; PictureError where it cannot be opened."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise PictureError(
            f"{path}: cannot be opened", received=error.strerror, next_step="check the name and your permissions"
        ) from error
    # Pillow reads nothing gzipped, so a gzipped picture can only be a FITS file.
    return head == b"SIMPLE  =" or head.startswith(GZIP_MAGIC)


def read_cutout(path: Path, settings: PictureSettings) -> tuple[RgbHWC, Stretch]:
    """Read a FITS cutout as RGB pixels (H, W, 3), the top row first, and tell how they were stretched."""
    bands_chw, weights, where = _read_bands(path)
    _check_bands(where, bands_chw)
    stretch = resolve_stretch(bands_chw, weights, settings)
    return apply_stretch(bands_chw, stretch), stretch


def _read_bands(path: Path) -> tuple[BandsCHW, tuple[float, ...], str]:
    """Read the first image of a FITS file: bands (C, H, W) from blue to red, their weights, and its name."""
    _, hdus = open_fits(path)
    with closing(hdus), fits_errors(path, None):
        number = next((number for number, hdu in enumerate(hdus) if hdu.is_image and hdu.shape), None)
        if number is None:
            raise PictureError(
                f"{path}: no image in the file",
                received=f"{len(hdus)} HDU(s) without one",
                allowed="a FITS image with the bands of one galaxy",
                next_step="leave the file out",
            )
        where, hdu = f"{path} HDU {number}", hdus[number]
        _check_shape(where, hdu)
        values = physical(np.asarray(hdu.data), hdu.header)
        bands_chw = np.asarray(values, np.float64).reshape(-1, *hdu.shape[-2:])
        order, weights = _band_order(str(hdu.header.get("BANDS", "")), len(bands_chw))
        return bands_chw[order], weights, where


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
    if shape[-1] * shape[-2] > (Image.MAX_IMAGE_PIXELS or np.inf):
        raise too_large(where)
    if hdu.header.get("BITPIX") == 8 and "BZERO" not in hdu.header and "BSCALE" not in hdu.header:
        raise PictureError(
            f"{where}: bytes, which were stretched already",
            received="BITPIX 8",
            allowed="bands in linear units, float or 16-bit and wider integers",
            next_step="save the picture as PNG",
        )


def _band_order(names: str, count: int) -> tuple[list[int], tuple[float, ...]]:
    """Order the bands from blue to red and weigh them by the BANDS keyword, where a survey writes it."""
    names = names.strip().lower()
    if count == 1 or len(names) != count or not set(names) <= set(WAVELENGTH_ORDER):
        return list(range(count)), (1.0,) * count
    order = sorted(range(count), key=lambda band: WAVELENGTH_ORDER.index(names[band]))
    if not set(names) <= set(BAND_WEIGHTS):
        return order, (1.0,) * count
    middle = BAND_WEIGHTS[names[order[1]]]
    return order, tuple(BAND_WEIGHTS[names[band]] / middle for band in order)


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
    if bands_chw.min() == bands_chw.max():
        raise PictureError(
            f"{where}: a blank cutout",
            received=f"{bands_chw.flat[0]:g} in every pixel",
            allowed="a galaxy on the sky",
            next_step="leave it out",
        )


def too_large(where: str | Path) -> PictureError:
    """Say that a file promises more pixels than a cutout has."""
    return PictureError(
        f"{where}: too large for one galaxy",
        received="more pixels than the limit",
        allowed=f"at most {Image.MAX_IMAGE_PIXELS} pixels",
        next_step="cut the galaxy out of the mosaic first",
    )
