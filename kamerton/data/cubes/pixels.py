"""Whether the pixels of a cube are those of pictures: numbers from 0 to 255, that show something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Real

from kamerton.arrays import ImagesNHWC, Mask
from kamerton.data.cubes.images import CubeImages
from kamerton.errors import CubeError

UNIT_END = 2.0
"""A cube whose brightest pixel stays below this of 255 holds pixels of 0 to 1; resizing takes a few beyond 1."""

TIMES_255 = 'multiply the pixels by 255 and write them as bytes: (255 * images).round().astype("uint8")'
"""The remedy for pixels of 0 to 1."""


@dataclass
class PixelRange:
    """What the pixels of a whole cube span, gathered while its images pass by for another reason."""

    lowest: float = np.inf
    highest: float = -np.inf
    shows_something: bool = False
    """Some image has more than one value."""

    def add(self, images_nhwc: ImagesNHWC) -> Mask:
        """Take images (n, height, width, channels) without NaN into account, and mark the blank ones."""
        lowest_n, highest_n = images_nhwc.min(axis=(1, 2, 3)), images_nhwc.max(axis=(1, 2, 3))
        self.lowest, self.highest = min(self.lowest, float(lowest_n.min())), max(self.highest, float(highest_n.max()))
        blank = np.asarray(lowest_n == highest_n)
        self.shows_something = self.shows_something or not blank.all()
        return blank

    def trouble(self) -> tuple[str, str] | None:
        """Say what is wrong with the range and what to do about it; None where nothing is."""
        if self.highest < self.lowest:
            return None
        if not self.shows_something:
            return "every image is blank: one value in all of its pixels", "look at how the cube was written"
        if self.highest < UNIT_END:
            return "pixels of 0 to 1, which are black where 255 is white", TIMES_255
        return None

    def __str__(self) -> str:
        return f"pixels from {self.lowest:.6g} to {self.highest:.6g}"

    def check(self, images: CubeImages) -> None:
        """Refuse a cube with pixels of 0 to 1, and one whose images are all blank (CubeError with the remedy)."""
        found = self.trouble()
        if found is not None:
            what, remedy = found
            raise CubeError(
                f"{images.where()}: {what}",
                received=f"{self} in {len(images)} images",
                allowed="numbers from 0, black, to 255, white",
                next_step=remedy,
            )


def bad_pixels(pixels: Real[np.ndarray, "*axes"]) -> Bool[np.ndarray, "*axes"]:
    """Mark the pixels that are not numbers from 0 to 255."""
    return np.asarray(~((pixels >= 0) & (pixels <= 255)))


def check_pixels(images: CubeImages, images_nhwc: ImagesNHWC, first_row: int) -> None:
    """Refuse pixels that are not numbers from 0 to 255 (CubeError names the first bad image)."""
    if images.dtype == np.uint8:
        return
    bad = bad_pixels(images_nhwc)
    if not bad.any():
        return
    index = int(np.flatnonzero(bad.any(axis=(1, 2, 3)))[0])
    row, values = first_row + index, images_nhwc[index][bad[index]]
    kind = "NaN or infinite pixels" if not np.isfinite(values).all() else "pixels outside 0 to 255"
    byte = images.byte_of(row)
    begins = "" if byte is None else f", in the image that begins at byte {byte}"
    raise CubeError(
        f"{images.where()}: image {row} has {kind}",
        received=f"{len(values)} such pixels, the first {values[0]}{begins}",
        allowed="numbers from 0 to 255",
        next_step="mend or leave out that galaxy, or stretch float bands with `kamerton data import`",
    )
