"""How every picture is made: colours, markers, size, files.

Colours are cividis and the Okabe-Ito set, safe for colour-blind eyes and readable in grey; in lines and points each
colour has a marker of its own beside it.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from kamerton.files import whole_file
from kamerton.quiet import Filter, Quiet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito (2008), the darker colours first."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "h")
"""One a network; with the colours they repeat together only after 77."""

DOTS_PER_INCH = 150
LETTER_INCH = 0.08
"""Mean width of a letter at the default size of 10 points."""

NAME_LETTERS = 32
"""Longer names of networks are folded, so that no title or legend runs out of its picture."""

MANY_CLASSES = 30
"""Of more classes than this, cells hold no numbers, and pictures name those that tell the most."""

PICTURE_ENDINGS = (".png", ".svg")
"""Each picture of a comparison is written in these formats."""

_MISSING_LETTERS = Quiet(Filter("ignore", UserWarning, "Glyph .* missing from font"))
"""A name may have any letters; one that the font lacks is drawn as a box."""


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the path's ending, whole or not at all."""
    with whole_file(path) as partial:
        from matplotlib import rc_context

        # Without a date and with known names inside, the same results give the same bytes.
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix)
        with rc_context({"svg.hashsalt": "kamerton"}), _MISSING_LETTERS:
            figure.savefig(partial, dpi=DOTS_PER_INCH, metadata=metadata)


def new_figure(width: float, height: float) -> Figure:
    """Make a figure of so many inches."""
    # The Figure class alone keeps no global state, unlike pyplot: safe in threads and servers.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def folded(text: str, letters: int) -> str:
    """Break lines that are longer than so many letters, at spaces where there are some."""
    return "\n".join(fold for line in text.split("\n") for fold in textwrap.wrap(line, letters) or [""])


def shortened(text: str, letters: int) -> str:
    """Cut a longer text to so many letters, with dots for the rest."""
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


def plain(text: str) -> str:
    """Keep a name's dollar signs from being read as the start of a formula."""
    return text.replace("$", r"\$")
