"""From pictures and cutouts to the pixels of a cube, and on into a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kamerton.checks import Settings, is_shown, require

PATH_COLUMN, ID_COLUMN = "path", "id"
"""Column of a list that holds the paths of pictures."""

PIXEL_SCALE = 255.0
"""Pixels are divided by this on their way into a network: the notebook's scaling to 0..1."""

MAX_SIDE = 4096
"""Side of the largest image in pixels; what has more than its square in pixels is no single galaxy."""

SMALLEST_SIDE = 8
"""Side of the smallest image that pictures are cropped or resized to, pixels."""

WAVELENGTH_ORDER = "ugrizy"
"""Bands that need not be given in order, from blue to red."""

MAX_BAND_NAME = 12
"""Letters in the name of a band."""


def band_names(text: str) -> tuple[str, ...]:
    """Part the names of bands at commas and spaces, and a word of u, g, r, i, z, y, such as grz, at each letter."""
    names = text.replace(",", " ").split()
    if len(names) == 1 and set(names[0].lower()) <= set(WAVELENGTH_ORDER):
        names = list(names[0])
    return tuple(name.lower() if name.lower() in WAVELENGTH_ORDER else name for name in names)


@dataclass(frozen=True)
class Framing(Settings):
    """What of their pictures the images of a cube show; with the pictures' pixel scale it is their field on the sky."""

    sides: tuple[int, int]
    """Shorter side of the pictures that were imported, pixels: of the smallest picture and of the largest."""
    kept: tuple[float, float]
    """Side of the central square that was kept of them, in pixels of these pictures: smallest and largest."""
    size: int
    """Side that it was resized to, pixels."""

    def check(self) -> None:
        require(1 <= self.sides[0] <= self.sides[1], "sides", self.sides, "the smallest and the largest, from 1")
        inside = all(0 < kept <= side for kept, side in zip(self.kept, self.sides, strict=True))
        require(inside and self.kept[0] <= self.kept[1], "kept", self.kept, "at most the sides of the pictures")
        require(1 <= self.size <= MAX_SIDE, "size", self.size, f"1 to {MAX_SIDE} pixels")

    def __str__(self) -> str:
        sides = _span(self.sides)
        return f"all {sides} pixels" if self.is_whole else f"the central {_span(self.kept)} of {sides} pixels"

    @property
    def is_whole(self) -> bool:
        """Whether nothing was cropped, but what makes a square."""
        return self.kept == self.sides


def _span(ends: tuple[float, float]) -> str:
    return " to ".join(f"{end:g}" for end in dict.fromkeys(ends))


@dataclass(frozen=True)
class PixelOrigin(Settings):
    """How the pixels of a cube came to be; part of the cube and of the run, so that it is never guessed later."""

    method: Literal["none", "asinh", "unknown"]
    """``none``: they came as bytes, in pictures; ``asinh``: bands of light, stretched after Lupton et al. (2004);
    ``unknown``: in a cube of another program, imported."""
    bands: tuple[str, ...] | None = None
    """Bands shown, from blue to red; None where nobody named them, and for pictures."""
    q: float | None = None
    """Softening Q; None for pictures."""
    stretch: float | None = None
    """Linear scale, in units of the bands; None where each cutout has its own, and for pictures."""
    framing: Framing | None = None
    """What of the pictures the images show; None where that is not known, as in older cubes."""

    def check(self) -> None:
        stretched = self.method == "asinh"
        require((self.q is not None) == stretched, "q", self.q, "a number with a stretch, and None without")
        require(self.q is None or self.q > 0, "q", self.q, "more than 0")
        require(self.stretch is None or (stretched and self.stretch > 0), "stretch", self.stretch, "above 0")
        bands = self.bands or ("g",)
        plain = all(name.isascii() and name.isprintable() and len(name) <= MAX_BAND_NAME for name in bands)
        require(plain and len(bands) in {1, 3} and all(bands), "bands", self.bands, "one or three short names")

    def __str__(self) -> str:
        if self.method == "unknown":
            return "pixels of another program's cube"
        if self.method == "none":
            return "pictures, whose pixels came as bytes"
        bands = "bands without names" if self.bands is None else f"bands {', '.join(self.bands)}"
        scale = "each cutout's own scale" if self.stretch is None else f"scale {self.stretch:g}"
        return f"{bands}, {self.method} stretch with Q {self.q:g} and {scale}"


@dataclass(frozen=True)
class PictureSettings(Settings):
    """How one picture or FITS cutout of any size becomes pixels of a cube."""

    size: int | None = None
    """Side of the cube's images, pixels; by default that of the first picture, which all must then share."""
    crop: int | None = None
    """Side of the central square that is kept before resizing, pixels; by default the largest square."""
    bands: str | None = None
    """Bands of FITS cutouts whose headers name none, in the order of the file's planes: grz, or F435W,F606W,F814W."""
    q: float = 8.0
    """Softening Q of the asinh stretch that turns float bands into pixels (Lupton et al. 2004, PASP 116, 133)."""
    stretch: float | None = None
    """Linear scale of that stretch, in its units; by default each cutout's own, from its noise and brightness."""

    def check(self) -> None:
        sides = f"{SMALLEST_SIDE} to {MAX_SIDE} pixels"
        require(self.size is None or SMALLEST_SIDE <= self.size <= MAX_SIDE, "size", self.size, sides)
        require(self.crop is None or SMALLEST_SIDE <= self.crop <= MAX_SIDE, "crop", self.crop, sides)
        bands = ("any",) if self.bands is None else band_names(self.bands)
        require(
            len(bands) in {1, 3} and len(set(bands)) == len(bands) and max(map(len, bands)) <= MAX_BAND_NAME,
            "bands",
            self.bands,
            "one band or three, such as r, grz, or F435W,F606W,F814W",
        )
        require(self.q > 0, "q", self.q, "more than 0")
        require(self.stretch is None or self.stretch > 0, "stretch", self.stretch, "more than 0")


@dataclass(frozen=True)
class ImportSettings(PictureSettings):
    """How labelled galaxies of another form become a cube."""

    label_column: str = "label"
    """Column of a list that holds the labels."""
    path_column: str = PATH_COLUMN
    """Column of a list that holds the paths of the pictures."""
    id_column: str = ID_COLUMN
    """Column of a list that names its galaxies; where there is no column id, their paths do."""
    skip_bad: bool = False
    """Leave out galaxies whose picture cannot be read, and list them in a CSV file beside the cube."""
    classes: tuple[str, ...] | None = None
    """Names of the classes in their order, with commas between; numbers are named in ascending order."""

    def check(self) -> None:
        super().check()
        names = self.classes
        require(
            names is None or (len(names) > 0 and len(set(names)) == len(names) and all(map(is_shown, names))),
            "classes",
            names,
            "names that differ, of printable letters, without blanks at the ends",
        )


@dataclass(frozen=True)
class Preprocessing(Settings):
    """What happens to pixels on their way into a network; part of the run, so that it is never guessed later."""

    size: int
    """Side of the network's images, pixels; others are resized (bilinear, antialiased)."""
    channels: int
    """Channels of the network's images."""

    def check(self) -> None:
        require(1 <= self.size <= 4096, "size", self.size, "1 to 4096 pixels")
        require(1 <= self.channels <= 16, "channels", self.channels, "1 to 16 channels")
