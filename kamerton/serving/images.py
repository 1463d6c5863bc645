"""Pictures as a browser takes them: PNG from pixels and from maps."""

from __future__ import annotations

import io

import numpy as np
from matplotlib import colormaps
from PIL import Image

from kamerton.arrays import ImageHWC
from kamerton.explaining.maps_file import MapHW
from kamerton.figures.explaining import draw_outline, positive_part

COLOURS = "cividis"
"""Of maps, as in the pictures of `kamerton explain`; seen alike by colour-blind people."""

MAP_PX, MAP_INCH = 512, 3.5
"""Side of a map at least, whatever that of its image; lines are as broad as in so many inches."""

FAINTEST, STRONGEST = 0.0, 0.9
"""Opacity of a map where nothing and where most speaks for the class."""


def picture_png(image_hwc: ImageHWC) -> bytes:
    """Write pixels; other than three channels are shown as the first, in grey."""
    pixels = np.clip(image_hwc, 0, 255).astype(np.uint8)
    return _png(Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0]))


def map_png(map_hw: MapHW) -> bytes:
    """Write what speaks for a class as colours that are the less opaque the less speaks for it, with its outline."""
    from matplotlib.figure import Figure

    positive, strength = positive_part(map_hw)
    rgba_hwc = colormaps[COLOURS](strength)
    rgba_hwc[..., 3] = FAINTEST + (STRONGEST - FAINTEST) * np.sqrt(strength)
    figure = Figure(figsize=(MAP_INCH, MAP_INCH))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(rgba_hwc, interpolation="bilinear")
    draw_outline(axes, positive)
    axes.set_axis_off()
    # An odd number of points for each pixel, so that one of them is its middle and shows just its value.
    points = -(-MAP_PX // len(strength)) | 1
    file = io.BytesIO()
    dots_per_inch = len(strength) * points / MAP_INCH
    figure.savefig(file, format="png", dpi=dots_per_inch, transparent=True, pil_kwargs={"compress_level": 1})
    return file.getvalue()


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    # Compressed a little: a page on this machine is not waited for, the processor is.
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
