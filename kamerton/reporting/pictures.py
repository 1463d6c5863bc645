"""Pictures inside the page, so that it opens where there is no net."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kamerton.figures.drawing import save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIME = {".svg": "image/svg+xml", ".png": "image/png"}


def embedded(figure: Figure, ending: str) -> str:
    """Give a figure as the source of an image, drawn in the format of ``ending``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture{ending}"
        save_figure(figure, path)
        return f"data:{MIME[ending]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def translate(figure: Figure, words: Mapping[str, str]) -> None:
    """Say the texts of a figure that ``words`` knows in another language; names of classes and networks stay."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text() in words:
            text.set_text(words[text.get_text()])
