"""Galaxies as a browser shows them: small ones for the wall, and one as large as it is."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict

import numpy as np
from PIL import Image

from kamerton.arrays import ImageHWC
from kamerton.browsing.catalogue import Browsed
from kamerton.browsing.galaxies import ListedGalaxy

SIDES = {"small": 192, "large": 1024}
"""Side in pixels at most; a smaller picture stays as it is."""

KEPT_BYTES = 1 << 26
"""Small ones that were drawn: some ten thousand."""

JPEG_QUALITY = 90


class Shown:
    """Draws pictures, and keeps the small ones as long as there is room."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, int], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()

    def drawn(self, browsed: Browsed, one: ListedGalaxy, size: str, stamp: str) -> tuple[bytes, str]:
        """Give a picture and its media type; DataError where it is gone or damaged."""
        if size == "large":
            return _png(browsed.pictures.image(one.row, one.id)), "image/png"
        key = (str(browsed.opened.path), stamp, one.row)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key], "image/jpeg"
        content = _jpeg(browsed.pictures.image(one.row, one.id))
        with self._lock:
            self._kept_bytes += len(content) - len(self._kept.get(key, b""))
            self._kept[key] = content
            while self._kept_bytes > KEPT_BYTES:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return content, "image/jpeg"


def _picture(image_hwc: ImageHWC) -> Image.Image:
    """Take pixels as a picture; other than three channels are shown as the first, in grey."""
    pixels = np.clip(image_hwc, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])


def _png(image_hwc: ImageHWC) -> bytes:
    picture = _picture(image_hwc)
    picture.thumbnail((SIDES["large"], SIDES["large"]))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _jpeg(image_hwc: ImageHWC) -> bytes:
    picture = _picture(image_hwc)
    picture.thumbnail((SIDES["small"], SIDES["small"]))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
