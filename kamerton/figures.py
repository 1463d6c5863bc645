"""Pictures of arrays, as a journal would print them; they know nothing of runs or files.

Colours are cividis and the Okabe-Ito set, safe for colour-blind eyes and readable in grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kamerton.files import whole_file

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito (2008), the darker colours first."""

GALLERY_COLUMNS = 5
DOTS_PER_INCH = 150
LETTER_INCH = 0.08
"""Mean width of a letter at the default size of 10 points."""


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the path's ending, whole or not at all."""
    with whole_file(path) as partial:
        from matplotlib import rc_context

        # Without a date and with known names inside, the same results give the same bytes.
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix)
        with rc_context({"svg.hashsalt": "kamerton"}):
            figure.savefig(partial, dpi=DOTS_PER_INCH, metadata=metadata)


def confusion_figure(counts: npt.NDArray[np.integer[Any]], class_names: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix (true, predicted): colour is the share of the true class, text is counts and share."""
    names = [_plain(name) for name in class_names]
    names_inch = LETTER_INCH * max(len(name) for name in class_names)
    figure = _figure(width=2.5 + names_inch + 0.72 * len(names), height=1.2 + 0.7 * names_inch + 0.62 * len(names))
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
    figure.suptitle(_plain(title), fontsize=10, wrap=True)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    return figure


def mistakes_figure(images_nhwc: npt.NDArray[Any], captions: Sequence[str], title: str) -> Figure:
    """Show images (n, height, width, channels; pixels 0 to 255) in a grid, each with its caption."""
    rows = max(1, -(-len(captions) // GALLERY_COLUMNS))
    figure = _figure(width=2.1 * GALLERY_COLUMNS, height=0.6 + 2.6 * rows)
    heading = f"Most confident mistakes: {title}" if len(captions) else f"No mistakes: {title}"
    figure.suptitle(_plain(heading), fontsize=10, wrap=True)
    for number, (image_hwc, caption) in enumerate(zip(images_nhwc, captions, strict=True), start=1):
        axes = figure.add_subplot(rows, GALLERY_COLUMNS, number)
        show_galaxy(axes, image_hwc)
        axes.set_title(_plain(caption), fontsize=7)
    return figure


def show_galaxy(axes: Axes, image_hwc: npt.NDArray[Any]) -> None:
    """Show one image as it is stored; other than three channels are shown as the first, in grey."""
    grey = image_hwc.shape[-1] != 3
    pixels = image_hwc[..., 0] if grey else image_hwc
    axes.imshow(pixels.astype(np.uint8), cmap="gray" if grey else None, vmin=0, vmax=255)
    axes.set_axis_off()


def learning_curves_figure(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Overlay learning histories by name: accuracy and loss against the epoch, training dashed, validation solid."""
    figure = _figure(width=10, height=4)
    for place, metric in enumerate(("accuracy", "loss"), start=1):
        axes = figure.add_subplot(1, 2, place)
        for number, (name, history) in enumerate((_plain(name), history) for name, history in histories.items()):
            colour = OKABE_ITO[number % len(OKABE_ITO)]
            epochs = np.arange(1, len(history) + 1)
            axes.plot(epochs, history[metric], "--", color=colour, label=f"{name}, training")
            axes.plot(epochs, history[f"val_{metric}"], "-o", color=colour, markersize=4, label=f"{name}, validation")
        axes.set(xlabel="epoch", ylabel=metric if metric == "accuracy" else "loss (nats an image)")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure


def _plain(text: str) -> str:
    """Keep a name's dollar signs from being read as the start of a formula."""
    return text.replace("$", r"\$")


def _figure(width: float, height: float) -> Figure:
    # The Figure class alone keeps no global state, unlike pyplot: safe in threads and servers.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
