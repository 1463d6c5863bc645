"""Pictures of one test: the confusion matrix and galaxies with captions."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Integer

from kamerton.arrays import ImageHWC, ImagesNHWC
from kamerton.figures.drawing import LETTER_INCH, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GALLERY_COLUMNS = 5

CAPTION_LETTERS = 36
"""Of a caption's size, beside each other above one image."""


def confusion_figure(counts: Integer[np.ndarray, "classes classes"], class_names: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix (true, predicted): colour is the share of the true class, text is counts and share."""
    names = [plain(name) for name in class_names]
    names_inch = LETTER_INCH * max(len(name) for name in class_names)
    figure = new_figure(width=2.5 + names_inch + 0.72 * len(names), height=1.2 + 0.7 * names_inch + 0.62 * len(names))
    axes = figure.add_subplot()
    totals = counts.sum(1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        text = f"{count}\n{share:.0%}" if count else "0"
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color="black" if share > 0.5 else "white")
    ticks = range(len(names))
    axes.set_xticks(ticks, names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, [f"{name} ({total})" for name, total in zip(names, totals.ravel(), strict=True)])
    axes.set(xlabel="predicted class", ylabel="true class (galaxies)")
    figure.suptitle(plain(title), fontsize=10, wrap=True)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    return figure


def mistakes_figure(images_nhwc: ImagesNHWC, captions: Sequence[str], title: str) -> Figure:
    """Show the most confident mistakes: images (n, height, width, channels; pixels 0 to 255), each with its caption."""
    return gallery_figure(
        images_nhwc, captions, f"Most confident mistakes: {title}" if len(captions) else f"No mistakes: {title}"
    )


def gallery_figure(images_nhwc: ImagesNHWC, captions: Sequence[str], heading: str) -> Figure:
    """Show images (n, height, width, channels; pixels 0 to 255) in a grid, each with its caption."""
    rows = max(1, -(-len(captions) // GALLERY_COLUMNS))
    figure = new_figure(width=2.1 * GALLERY_COLUMNS, height=0.6 + 2.6 * rows)
    figure.suptitle(plain(heading), fontsize=10, wrap=True)
    for number, (image_hwc, caption) in enumerate(zip(images_nhwc, captions, strict=True), start=1):
        axes = figure.add_subplot(rows, GALLERY_COLUMNS, number)
        show_galaxy(axes, image_hwc)
        axes.set_title(plain(_folded(caption)), fontsize=7)
    return figure


def _folded(caption: str) -> str:
    """Break lines that would run into the caption beside them."""
    return "\n".join(fold for line in caption.split("\n") for fold in textwrap.wrap(line, CAPTION_LETTERS) or [""])


def show_galaxy(axes: Axes, image_hwc: ImageHWC) -> None:
    """Show one image as it is stored; other than three channels are shown as the first, in grey."""
    grey = image_hwc.shape[-1] != 3
    pixels = image_hwc[..., 0] if grey else image_hwc
    axes.imshow(pixels.astype(np.uint8), cmap="gray" if grey else None, vmin=0, vmax=255)
    axes.set_axis_off()
