"""Small picture files and FITS cutouts, and what reading a bad one says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from astropy.io import fits
from PIL import Image

from kamerton.config.pictures import PictureSettings
from kamerton.data.pictures.picture import read_picture
from kamerton.errors import PictureError

PLAIN = PictureSettings()
BAD_BAND = "decals_zooniverse_decals_example_bad_pix.fits"
"""The real cutout in which much of a band is missing."""


def noise_image(height: int = 12, width: int = 12, channels: int = 3, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def saved(folder: Path, image: Image.Image, name: str = "galaxy.png", **options: Any) -> Path:
    image.save(folder / name, **options)
    return folder / name


def galaxy_bands(count: int = 3, side: int = 40, noise: float = 1.0, peak: float = 300.0) -> npt.NDArray[np.float32]:
    """A round galaxy above the centre of a noisy sky, (count, side, side), redder than it is blue."""
    y, x = np.mgrid[:side, :side]
    profile = peak * np.exp(-np.hypot(x - side / 2, y - 0.7 * side) / 3)
    sky = np.random.default_rng(1).normal(5.0, noise, (count, side, side))
    return (sky + profile * np.linspace(0.5, 1.5, count)[:, None, None]).astype(np.float32)


def cutout(folder: Path, data: npt.NDArray[Any], name: str = "cutout.fits", **cards: Any) -> Path:
    hdu = fits.PrimaryHDU(data)
    hdu.header.update(cards)
    hdu.writeto(folder / name)
    return folder / name


def refusal(path: Path, settings: PictureSettings = PLAIN) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(path, settings)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message
