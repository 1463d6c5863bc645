"""One picture or FITS cutout of any size, as the square RGB pixels of a cube.

JPEG, PNG and their like are decoded by Pillow, FITS cutouts in `cutout`.
Resizing is Pillow's Lanczos, which averages over the shrunk area and keeps arms and dust lanes sharper than bicubic.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from kamerton.arrays import ImageHWC, RgbHWC, SquareHWC
from kamerton.config.pictures import MAX_SIDE, Framing, PictureSettings, PixelOrigin
from kamerton.data.cubes.origin import framing_within
from kamerton.data.pictures.cutout import check_size, is_fits, read_cutout
from kamerton.data.pictures.stretch import Stretch
from kamerton.data.quiet import quiet_libraries
from kamerton.errors import PictureError
from kamerton.opening import open_plain

PICTURE_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF")
"""What Pillow may open; its other readers are for formats that no survey serves."""

JPEG_SCAN = b"\xff\xda"
MAX_SCANS = 40
"""Of a progressive JPEG: each scan passes over the whole picture, however short it is."""


@dataclass(frozen=True)
class Picture:
    """One galaxy as pixels, and where they come from."""

    image_hwc: RgbHWC
    stretch: Stretch | None
    """None for a picture that already was pixels."""
    origin: PixelOrigin
    planes: int | None = None
    """Planes of a FITS cutout, one or three; None for a picture."""
    position_deg: tuple[float, float] | None = None
    """Right ascension and declination (ICRS) of the middle, from the WCS of a FITS cutout; None where there is none."""


def read_picture(path: str | Path, settings: PictureSettings) -> Picture:
    """Read one picture or FITS cutout as square RGB pixels.

    ``image_hwc`` is uint8 (S, S, 3), the top row first, as surveys show it; S is ``settings.size``, or the side of the
    crop. A FITS file has one band (H, W), shown in grey, or three (3, H, W) from blue to red; they are stretched first.
    Raises PictureError, naming the file, where it is missing, damaged, no picture, too large, smaller than the crop, or
    has pixels that are not numbers.
    """
    path = Path(path)
    if not is_fits(path):
        picture_hwc = read_rgb(path)
        image_hwc = fit_square(picture_hwc, settings, str(path))
        return Picture(image_hwc, None, PixelOrigin("none", framing=_framing(picture_hwc, settings)))
    cutout = read_cutout(path, settings)
    image_hwc = fit_square(cutout.image_hwc, settings, str(path))
    framing = _framing(cutout.image_hwc, settings)
    origin = PixelOrigin("asinh", cutout.bands, settings.q, settings.stretch, framing)
    return Picture(image_hwc, cutout.stretch, origin, cutout.planes, cutout.position_deg)


def _framing(picture_hwc: RgbHWC, settings: PictureSettings) -> Framing:
    return framing_within(None, min(picture_hwc.shape[:2]), settings.crop, settings.size)


def fit_square(image_hwc: ImageHWC, settings: PictureSettings, where: str) -> SquareHWC:
    """Keep the central square and resize it.

    ``image_hwc`` is uint8 or float32 (H, W, C) with values 0 to 255, and so is the result, (S, S, C). ``where`` names
    the image in the PictureError that a crop larger than the image raises.
    """
    height, width, _ = image_hwc.shape
    side = settings.crop or min(height, width)
    if side > min(height, width):
        raise PictureError(
            f"{where}: smaller than the crop",
            received=f"{width} x {height} pixels with crop {side}",
            allowed=f"a crop of at most {min(height, width)} pixels",
            next_step="choose a smaller crop or leave the picture out",
        )
    top, left = (height - side) // 2, (width - side) // 2
    return _resize(image_hwc[top : top + side, left : left + side], settings.size or side)


def _resize(image_hwc: ImageHWC, size: int) -> SquareHWC:
    if image_hwc.shape[0] == size:
        return np.ascontiguousarray(image_hwc)
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(channel_hw)).resize((size, size), Image.Resampling.LANCZOS))
        for channel_hw in np.moveaxis(image_hwc, -1, 0)
    ]
    # Lanczos overshoots beside bright stars; Pillow clips bytes by itself but not floats.
    resized_hwc: SquareHWC = np.clip(np.stack(channels, axis=-1), 0, 255)
    return resized_hwc


def read_rgb(path: Path) -> RgbHWC:
    """Read a picture file as it is, without any crop; PictureError where it is none, or too large."""
    with _pillow_errors(path), open_plain(path) as file, Image.open(file, formats=PICTURE_FORMATS) as image:
        check_size(path, image.width, image.height)
        _check_parts(path, image, file)
        image.load()
        return np.asarray(_as_rgb(path, _upright(image)))


def _check_parts(path: Path, image: Image.Image, file: BinaryIO) -> None:
    """Refuse several pictures in a file, and what would take far more time or memory than its pixels.

    ``file`` is what ``image`` is read from; its place in it is kept.
    """
    if getattr(image, "is_animated", False):
        raise PictureError(
            f"{path}: more than one picture in a file",
            received="several frames or pages",
            allowed="one picture a file",
            next_step="save each of them by itself",
        )
    if any(part[0] == "libtiff" for part in getattr(image, "tile", ())):
        raise PictureError(
            f"{path}: a compressed or tiled TIFF",
            received="a TIFF for libtiff, which reads damaged ones as far as it can",
            allowed="JPEG, PNG, WebP, BMP, GIF, and plain TIFF",
            next_step="save it as PNG",
        )
    if image.info.get("progressive"):
        scans = _count_scans(file)
        if scans > MAX_SCANS:
            raise PictureError(
                f"{path}: a JPEG of too many scans",
                received=f"{scans} scans, each over the whole picture",
                allowed=f"at most {MAX_SCANS}; encoders write about 10",
                next_step="save it again, as PNG say",
            )


def _count_scans(file: BinaryIO) -> int:
    """Count the scans of an open JPEG; by its path it could be another file by now."""
    place = file.tell()
    file.seek(0)
    scans = file.read().count(JPEG_SCAN)
    file.seek(place)
    return scans


def _upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF says, where that can be read, as viewers do; some turns are mirror images."""
    with suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    return image


@contextmanager
def _pillow_errors(path: Path) -> Iterator[None]:
    """Turn whatever Pillow raises for a damaged, foreign or enormous file into one PictureError."""
    try:
        with quiet_libraries:
            yield
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(
            f"{path}: too large for one galaxy",
            received=str(error).partition(" exceeds")[0],
            allowed=f"at most {MAX_SIDE**2} pixels",
            next_step="cut the galaxy out of the mosaic first",
        ) from error
    except UnidentifiedImageError as error:
        raise PictureError(
            f"{path}: not a picture",
            received=_size_on_disk(path),
            allowed=f"{', '.join(PICTURE_FORMATS)} or FITS",
            next_step="leave the file out or save it as PNG",
        ) from error
    # What Pillow and its decoders raise for a damaged file has no common parent.
    except Exception as error:
        raise _damaged(path, error) from error


def _as_rgb(path: Path, image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        # Pillow's own conversion cuts 16 bits off at 255 instead of scaling them.
        grey_hw = ((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8)
        return Image.fromarray(grey_hw).convert("RGB")
    if image.mode in {"I", "F"}:
        raise PictureError(
            f"{path}: a picture whose brightest value is unknown",
            received=f"32-bit pixels (Pillow mode {image.mode})",
            allowed="8 or 16 bits a channel",
            next_step="save it as FITS, which is stretched, or as PNG",
        )
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    # Transparent parts become black like the sky; dropping alpha would show whatever colour hides there.
    sky = Image.new("RGBA", image.size, (0, 0, 0, 255))
    return Image.alpha_composite(sky, image.convert("RGBA")).convert("RGB")


def _damaged(path: Path, error: BaseException) -> PictureError:
    """Say that a file cannot be decoded."""
    return PictureError(
        f"{path}: cannot be read as a picture",
        received=f"{_size_on_disk(path)}; {type(error).__name__}: {error}",
        next_step="fetch the file again or leave it out",
    )


def _size_on_disk(path: Path) -> str:
    """Describe a file for a message."""
    return f"a file of {path.stat().st_size} bytes" if path.is_file() else "not a file"
