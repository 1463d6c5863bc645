"""Pictures of several networks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64, Real

from kamerton.figures.drawing import LETTER_INCH, MARKERS, OKABE_ITO, new_figure, plain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MATRICES_A_ROW = 3


@dataclass(frozen=True)
class Look:
    """Colour and marker of one network, the same in every figure."""

    name: str
    colour: str
    marker: str


def looks(names: Sequence[str]) -> list[Look]:
    """Give each network its colour and marker, by its order."""
    return [
        Look(plain(name), OKABE_ITO[number % len(OKABE_ITO)], MARKERS[number % len(MARKERS)])
        for number, name in enumerate(names)
    ]


def learning_curves_figure(histories: Mapping[str, Sequence[pd.DataFrame]]) -> Figure:
    """Overlay learning histories, one or more a network: accuracy, loss and learning rate against the epoch.

    Training is dashed, validation solid; the runs of one network look alike. A history without a learning rate, as the
    notebook writes it, is left out of that panel.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(width=13, height=4)
    accuracy, loss, rate = (figure.add_subplot(1, 3, column) for column in (1, 2, 3))
    for look, runs in zip(looks(list(histories)), histories.values(), strict=True):
        for number, history in enumerate(runs):
            epochs = np.arange(1, len(history) + 1)
            every = max(1, len(history) // 10)
            style: dict[str, Any] = {"color": look.colour, "marker": look.marker, "markersize": 4, "markevery": every}
            label = look.name if number == 0 else None
            for axes, metric in ((accuracy, "accuracy"), (loss, "loss")):
                axes.plot(epochs, history[metric], "--", linewidth=0.9, **style)
                axes.plot(epochs, history[f"val_{metric}"], "-", label=label, **style)
            if "lr" in history:
                rate.plot(epochs, history["lr"], "-", label=label, **style)
    accuracy.set(xlabel="epoch", ylabel="accuracy")
    loss.set(xlabel="epoch", ylabel="loss (nats an image)")
    rate.set(xlabel="epoch", ylabel="learning rate", yscale="log" if rate.lines else "linear")
    for axes in (accuracy, loss, rate):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    accuracy.legend(fontsize=8, title="solid: validation, dashed: training", title_fontsize=7)
    return figure


def confusions_figure(
    matrices: Mapping[str, Real[np.ndarray, "classes classes"]], class_names: Sequence[str]
) -> Figure:
    """Draw confusion matrices (true, predicted) side by side, each cell the share of its true class in percent."""
    columns = min(MATRICES_A_ROW, len(matrices))
    rows = -(-len(matrices) // columns)
    names = [plain(name) for name in class_names]
    names_inch = LETTER_INCH * max(len(name) for name in class_names)
    side = 0.34 * len(names)
    figure = new_figure(width=0.8 + names_inch + columns * (side + 0.6), height=rows * (side + 0.6) + names_inch)
    image = None
    for number, (name, matrix) in enumerate(matrices.items()):
        axes = figure.add_subplot(rows, columns, number + 1)
        totals = matrix.sum(1, keepdims=True)
        shares = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
        image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
        for (row, column), share in np.ndenumerate(shares):
            if share >= 0.005:
                colour = "black" if share > 0.5 else "white"
                axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=6, color=colour)
        ticks = range(len(names))
        last_row = number + columns >= len(matrices)
        axes.set_xticks(
            ticks, names if last_row else [""] * len(names), rotation=60, ha="right", rotation_mode="anchor", fontsize=7
        )
        axes.set_yticks(ticks, names if number % columns == 0 else [""] * len(names), fontsize=7)
        axes.set_title(plain(name), fontsize=9)
        axes.set(xlabel="predicted class" if last_row else "", ylabel="true class" if number % columns == 0 else "")
    if image is not None:
        figure.colorbar(image, ax=figure.axes, label="share of the true class", shrink=0.7)
    return figure


@dataclass(frozen=True)
class Point:
    """A network's cost, and its accuracy with the ends of its interval."""

    cost: float
    value: float
    low: float
    high: float


def cost_figure(points: Mapping[str, Point], cost_label: str, value_label: str) -> Figure:
    """Draw what each network reaches against what it costs, with error bars."""
    figure = new_figure(width=6.5, height=4.5)
    axes = figure.add_subplot()
    for look, point in zip(looks(list(points)), points.values(), strict=True):
        bars = [[point.value - point.low], [point.high - point.value]]
        axes.errorbar(
            point.cost, point.value, yerr=bars, fmt=look.marker, color=look.colour, capsize=3, label=look.name
        )
    axes.set(xlabel=cost_label, ylabel=value_label, xscale="log")
    axes.margins(x=0.15)
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    return figure


def recall_figure(
    recalls: Mapping[str, Float64[np.ndarray, "classes 3"]], class_names: Sequence[str], counts: Sequence[int]
) -> Figure:
    """Draw each network's recall of each class; ``recalls`` are (classes, 3): value and the ends of its interval."""
    figure = new_figure(width=7.5, height=1.2 + len(class_names) * max(0.45, 0.14 * len(recalls)))
    axes = figure.add_subplot()
    positions = np.arange(len(class_names), dtype=float)
    offsets = np.linspace(-0.3, 0.3, len(recalls)) if len(recalls) > 1 else np.zeros(1)
    for look, offset, values in zip(looks(list(recalls)), offsets, recalls.values(), strict=True):
        value, low, high = values.T
        axes.errorbar(
            value, positions + offset, xerr=[value - low, high - value], fmt=look.marker, color=look.colour,
            markersize=5, capsize=2, linewidth=1, label=look.name,
        )  # fmt: skip
    for edge in positions[:-1] + 0.5:
        axes.axhline(edge, color="0.85", linewidth=0.8)
    axes.set_yticks(positions, [f"{plain(name)} ({count})" for name, count in zip(class_names, counts, strict=True)])
    axes.set(xlabel="recall: share of the class that is found", ylabel="true class (galaxies)", xlim=(-0.02, 1.02))
    axes.invert_yaxis()
    axes.grid(alpha=0.3, axis="x")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
