"""What is said of a picture that cannot be read, by Pillow's reader and Astropy's alike."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from kamerton.errors import PictureError


def damaged(path: Path, error: BaseException) -> PictureError:
    """Say that a file cannot be decoded."""
    return PictureError(
        f"{path}: cannot be read as a picture",
        received=f"{size_on_disk(path)}; {type(error).__name__}: {error}",
        next_step="fetch the file again or leave it out",
    )


def too_large(where: str | Path) -> PictureError:
    """Say that a file promises more pixels than a cutout has."""
    return PictureError(
        f"{where}: too large for one galaxy",
        received="more pixels than the limit",
        allowed=f"at most {Image.MAX_IMAGE_PIXELS} pixels",
        next_step="cut the galaxy out of the mosaic first",
    )


def size_on_disk(path: Path) -> str:
    """Describe a file for a message."""
    return f"a file of {path.stat().st_size} bytes" if path.is_file() else "not a file"
