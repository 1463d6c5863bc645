"""A galaxy beside those that a network sees as most like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kamerton.arrays import ImageHWC
from kamerton.figures.drawing import OKABE_ITO, folded, new_figure, plain, shortened
from kamerton.figures.testing import show_galaxy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 6

PANEL_INCH, CAPTION_INCH, GAP_INCH, HEAD_INCH = 1.7, 0.52, 0.08, 0.35
"""Side of a picture, room above it, between two, and above all."""

NAME_LETTERS = 24

FRAME_POINTS = 3


@dataclass(frozen=True, eq=False)
class Shown:
    """One galaxy of the gallery."""

    title: str
    lines: tuple[str, ...]
    image_hwc: ImageHWC | None
    """None where its picture is gone."""
    is_query: bool = False


def neighbours_figure(galaxies: Sequence[Shown], heading: str, words: Mapping[str, str]) -> Figure:
    """Draw a gallery: first the galaxy that was asked about, in a frame, then the others, the nearest first."""
    columns = min(COLUMNS, len(galaxies))
    rows = -(-len(galaxies) // columns)
    width = columns * (PANEL_INCH + GAP_INCH) + GAP_INCH
    height = HEAD_INCH + rows * (CAPTION_INCH + PANEL_INCH) + GAP_INCH
    figure = new_figure(width, height)
    # Each panel has its place: nothing is left to be laid out.
    figure.set_layout_engine("none")
    above = plain(folded(heading, max(30, int(13 * width))))
    figure.text(0.5, 1 - 0.5 * HEAD_INCH / height, above, ha="center", va="center", fontsize=9)
    for number, galaxy in enumerate(galaxies):
        row, column = divmod(number, columns)
        left = GAP_INCH + column * (PANEL_INCH + GAP_INCH)
        bottom = height - HEAD_INCH - (row + 1) * (CAPTION_INCH + PANEL_INCH)
        axes = figure.add_axes((left / width, bottom / height, PANEL_INCH / width, PANEL_INCH / height))
        _draw(axes, galaxy, words)
    return figure


def _draw(axes: Axes, galaxy: Shown, words: Mapping[str, str]) -> None:
    if galaxy.image_hwc is not None:
        show_galaxy(axes, galaxy.image_hwc)
    else:
        axes.text(0.5, 0.5, plain(folded(words["gone"], 16)), ha="center", va="center", fontsize=8)
    axes.set_axis_on()
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(galaxy.is_query or galaxy.image_hwc is None)
        side.set_linewidth(FRAME_POINTS if galaxy.is_query else 0.6)
        side.set_color(OKABE_ITO[1] if galaxy.is_query else "black")
    lines = [shortened(galaxy.title, NAME_LETTERS), *(shortened(line, NAME_LETTERS) for line in galaxy.lines)]
    axes.set_title(plain("\n".join(lines)), fontsize=7, pad=4, linespacing=1.15)
