"""Figures embedded in the page as data URIs, so that it opens offline."""

from __future__ import annotations

import base64
import io
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from kamerton.data.pictures.picture import read_rgb
from kamerton.errors import PictureError
from kamerton.figures.drawing import save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIME = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}

LARGEST_WIDTH, QUALITY = 1000, 82
"""In pixels, and of JPEG, of a picture from a file."""


def embedded(figure: Figure, ending: str) -> str:
    """Render a figure as a data URI for an image's ``src``; ``ending`` is .svg or .png."""
    return data_uri(rendered(figure, ending), ending)


def rendered(figure: Figure, ending: str) -> bytes:
    """Render a figure; ``ending`` is .svg or .png."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture{ending}"
        save_figure(figure, path)
        return path.read_bytes()


def data_uri(content: bytes, ending: str) -> str:
    """Write a picture's file as a data URI."""
    return f"data:{MIME[ending]};base64,{base64.b64encode(content).decode()}"


def embedded_file(path: Path) -> str:
    """Read a picture file, and make a smaller one of it as a data URI; PictureError where it is none."""
    return data_uri(smaller_jpeg(path), ".jpg")


def smaller_jpeg(path: Path) -> bytes:
    """Read a picture file, and make a smaller JPEG of it; PictureError where it is none, or a link.

    Who is shown a page or a report is to see what was written beside it, and no other picture of this machine.
    """
    if path.is_symlink():
        raise PictureError(
            f"{path}: a link, which may lead to any picture", next_step="put the picture itself in its place"
        )
    picture = Image.fromarray(read_rgb(path))
    picture.thumbnail((LARGEST_WIDTH, picture.height), Image.Resampling.LANCZOS)
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=QUALITY)
    return made.getvalue()


def translate(figure: Figure, texts: Mapping[str, str]) -> None:
    """Replace the texts of a figure that are known to ``texts``; names of classes and networks stay."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if (found := translation(text.get_text(), texts)) is not None:
            text.set_text(found)


def translation(text: str, texts: Mapping[str, str]) -> str | None:
    """Translate one whole text; None where ``texts`` does not know it.

    What stands for a name in braces stays as it is: ``{"{n} wrong": "{n} błędnych"}`` makes ``3 błędnych`` of
    ``3 wrong``. A line may be broken at any space.
    """
    for original, translated in texts.items():
        if found := _pattern(original).fullmatch(text):
            return translated.format(**found.groupdict())
    return None


@cache
def _pattern(original: str) -> re.Pattern[str]:
    gaps = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(original))
    return re.compile(gaps.replace(r"\ ", r"\s+"), re.DOTALL)
