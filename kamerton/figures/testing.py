"""Pictures of one test: the confusion matrix and galaxies with captions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Integer

from kamerton.arrays import ImageHWC, ImagesNHWC
from kamerton.figures.drawing import (
    LETTER_INCH,
    MANY_CLASSES,
    NAME_LETTERS,
    OKABE_ITO,
    folded,
    new_figure,
    plain,
    shortened,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GALLERY_COLUMNS = 5

NAMED_CLASSES = 25
"""Named along a matrix of many classes."""

NAMED_CONFUSIONS = 20
"""Named beside it."""

TICK_LETTERS = 24
"""Of a class's name along such a matrix."""

PAIR_LETTERS = 64
"""Of the names of two classes, beside each other."""

CAPTION_LETTERS = 30
"""Of a caption's size, beside each other above one image; what they are translated into has room for six more."""


def confusion_figure(counts: Integer[np.ndarray, "classes classes"], class_names: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix (true, predicted): colour is the share of the true class, text is counts and share.

    Of many classes the cells are colour alone, and the largest confusions stand beside them by name.
    """
    if len(class_names) > MANY_CLASSES:
        return _many_classes_figure(counts, class_names, title)
    names = [folded(name, NAME_LETTERS) for name in class_names]
    names_inch = LETTER_INCH * min(NAME_LETTERS, max(len(name) for name in class_names))
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
    axes.set_xticks(ticks, map(plain, names), rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, [f"{plain(name)} ({total})" for name, total in zip(names, totals.ravel(), strict=True)])
    axes.set(xlabel="predicted class", ylabel="true class (galaxies)")
    figure.suptitle(plain(title), fontsize=10, wrap=True)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    return figure


def _many_classes_figure(
    counts: Integer[np.ndarray, "classes classes"], class_names: Sequence[str], title: str
) -> Figure:
    figure = new_figure(width=18, height=8.5)
    matrix, largest = figure.subplots(1, 2, width_ratios=(3, 2))
    totals = counts.sum(1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    image = matrix.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    name_some_classes(matrix, class_names, NAMED_CLASSES)
    matrix.set(xlabel="predicted class", ylabel="true class")
    figure.colorbar(image, ax=matrix, label="share of the true class", shrink=0.8)
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    found = [divmod(int(cell), len(counts)) for cell in np.argsort(-wrong, axis=None, kind="stable")[:NAMED_CONFUSIONS]]
    found = [(true, said) for true, said in found if wrong[true, said]]
    places = range(len(found))
    largest.barh(places, [wrong[pair] for pair in found], color=OKABE_ITO[0])
    words = [f"{class_names[true]} → {class_names[said]} ({shares[true, said]:.0%})" for true, said in found]
    largest.set_yticks(places, [plain(folded(text, PAIR_LETTERS)) for text in words], fontsize=6)
    largest.invert_yaxis()
    largest.set_title("largest confusions: true class → predicted class (share of the true class)", fontsize=8)
    largest.set(xlabel="galaxies")
    figure.suptitle(plain(title), fontsize=10, wrap=True)
    return figure


def name_some_classes(axes: Axes, class_names: Sequence[str], at_most: int) -> None:
    """Write so many class names at most along both axes of a confusion matrix, evenly apart."""
    ticks = range(0, len(class_names), -(-len(class_names) // at_most))
    names = [plain(shortened(class_names[place], TICK_LETTERS)) for place in ticks]
    axes.set_xticks(ticks, names, rotation=60, ha="right", rotation_mode="anchor", fontsize=6)
    axes.set_yticks(ticks, names, fontsize=6)


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
        axes.set_title(plain(folded(caption, CAPTION_LETTERS)), fontsize=7)
    return figure


def short_name(galaxy: str) -> str:
    """Give what of a galaxy's id a caption has room for: of a path, the file's name."""
    return galaxy.rstrip("/").rpartition("/")[2] or galaxy


def show_galaxy(axes: Axes, image_hwc: ImageHWC) -> None:
    """Show one image as it is stored; other than three channels are shown as the first, in grey."""
    grey = image_hwc.shape[-1] != 3
    pixels = image_hwc[..., 0] if grey else image_hwc
    axes.imshow(pixels.astype(np.uint8), cmap="gray" if grey else None, vmin=0, vmax=255)
    axes.set_axis_off()
