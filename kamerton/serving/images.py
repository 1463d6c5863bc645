"""Pictures as a browser takes them: PNG from pixels and from maps."""

from __future__ import annotations

import io

import numpy as np
from matplotlib import colormaps
from PIL import Image

from kamerton.arrays import ImageHWC
from kamerton.explaining.maps_file import MapHW

COLOURS = "cividis"
"""Of maps, as in the pictures of `kamerton explain`; seen alike by colour-blind people."""

FAINTEST, STRONGEST = 0.0, 0.9
"""Opacity of a map where nothing and where most speaks for the class."""


def picture_png(image_hwc: ImageHWC) -> bytes:
    """Write pixels; other than three channels are shown as the first, in grey."""
    pixels = np.clip(image_hwc, 0, 255).astype(np.uint8)
    return _png(Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0]))


def map_png(map_hw: MapHW) -> bytes:
    """Write what speaks for a class as colours that are the less opaque the less speaks for it."""
    positive = map_hw.clip(min=0)
    highest = float(positive.max())
    strength = positive / highest if highest > 0 else positive
    rgba_hwc = colormaps[COLOURS](strength)
    rgba_hwc[..., 3] = FAINTEST + (STRONGEST - FAINTEST) * np.sqrt(strength)
    return _png(Image.fromarray((255 * rgba_hwc).round().astype(np.uint8)))


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    # Compressed a little: a page on this machine is not waited for, the processor is.
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
