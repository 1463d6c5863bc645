"""Pictures of several networks side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64, Real

from kamerton.figures.drawing import (
    LETTER_INCH,
    MANY_CLASSES,
    MARKERS,
    NAME_LETTERS,
    OKABE_ITO,
    folded,
    new_figure,
    plain,
)
from kamerton.figures.testing import name_some_classes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MATRICES_A_ROW = 3

NAMED_CLASSES = 20
"""Named along each matrix of many classes."""

LEGEND_NETWORKS = 6
"""More do not fit into a panel, and stand below the picture."""

LARGEST_DRAWN = 1e12
"""Loss or accuracy of a learning curve; larger ones, and infinite, leave a gap."""

LEGEND_COLUMNS = 5

LEGEND_LINE_INCH = 0.16
"""Height of a line in a legend."""

APART_POINTS = 8.0
"""Points of the cost picture are drawn so far from each other at least, in printers' points."""

COST_AXIS_POINTS = 380.0
"""About how long the axis of costs is."""


@dataclass(frozen=True)
class Look:
    """Colour and marker of one network, the same in every figure."""

    name: str
    colour: str
    marker: str


def looks(names: Sequence[str]) -> list[Look]:
    """Give each network its colour and marker, by its order."""
    return [
        Look(plain(folded(name, NAME_LETTERS)), OKABE_ITO[number % len(OKABE_ITO)], MARKERS[number % len(MARKERS)])
        for number, name in enumerate(names)
    ]


def _is_long_legend(names: Collection[str]) -> bool:
    """Tell whether the networks' names would cover what is drawn."""
    return len(names) > LEGEND_NETWORKS or max(map(len, names)) > NAME_LETTERS


def _lines(names: Collection[str]) -> int:
    """Count the lines of a legend."""
    return sum(1 + look.name.count("\n") for look in looks(list(names)))


def learning_curves_figure(histories: Mapping[str, Sequence[pd.DataFrame]]) -> Figure:
    """Overlay learning histories, one or more a network: accuracy, loss and learning rate against the epoch.

    Training is dashed, validation solid; the runs of one network look alike. A history without a learning rate, as the
    notebook writes it, is left out of that panel.
    """
    from matplotlib.ticker import MaxNLocator

    is_long = _is_long_legend(histories)
    legend_inch = 0.6 + 2 * LEGEND_LINE_INCH * _lines(histories) / LEGEND_COLUMNS
    figure = new_figure(width=13, height=4 + legend_inch * is_long)
    accuracy, loss, rate = (figure.add_subplot(1, 3, column) for column in (1, 2, 3))
    for look, runs in zip(looks(list(histories)), histories.values(), strict=True):
        for number, kept in enumerate(runs):
            # Beyond is only what has diverged, and axes that hold it show nothing else.
            history = kept.where(kept.abs() < LARGEST_DRAWN)
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
    is_positive = any((np.asarray(line.get_ydata()) > 0).any() for line in rate.lines)
    rate.set(xlabel="epoch", ylabel="learning rate", yscale="log" if is_positive else "linear")
    for axes in (accuracy, loss, rate):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    words: dict[str, Any] = {"fontsize": 8, "title": "solid: validation, dashed: training", "title_fontsize": 7}
    if is_long:
        lines, names = accuracy.get_legend_handles_labels()
        figure.legend(lines, names, loc="outside lower center", ncols=LEGEND_COLUMNS, **words)
    else:
        accuracy.legend(**words)
    return figure


def confusions_figure(
    matrices: Mapping[str, Real[np.ndarray, "classes classes"]], class_names: Sequence[str]
) -> Figure:
    """Draw confusion matrices (true, predicted) side by side, each cell the share of its true class in percent.

    Of many classes the cells are colour alone.
    """
    columns = min(MATRICES_A_ROW, len(matrices))
    rows = -(-len(matrices) // columns)
    is_many = len(class_names) > MANY_CLASSES
    names = [plain(folded(name, NAME_LETTERS)) for name in class_names]
    names_inch = LETTER_INCH * min(NAME_LETTERS, max(len(name) for name in class_names))
    # A title needs its room over a small matrix too.
    side = MANY_CLASSES * 0.15 if is_many else max(2.0, 0.34 * len(names))
    titles = [folded(name, int(side / (0.85 * LETTER_INCH))) for name in matrices]
    title_inch = 0.5 + 0.15 * max(title.count("\n") for title in titles)
    figure = new_figure(
        width=0.8 + names_inch + columns * (side + 0.6), height=rows * (side + title_inch) + names_inch + 0.3
    )
    # Matrices are square, and are made so after the layout, which moves their titles a little.
    figure.set_layout_engine("constrained", h_pad=0.12)
    image = None
    for number, (title, matrix) in enumerate(zip(titles, matrices.values(), strict=True)):
        axes = figure.add_subplot(rows, columns, number + 1)
        totals = matrix.sum(1, keepdims=True)
        shares = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
        image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
        last_row, first_column = number + columns >= len(matrices), number % columns == 0
        if is_many:
            name_some_classes(axes, class_names, NAMED_CLASSES)
        else:
            _write_percents(axes, shares)
            ticks, none = range(len(names)), [""] * len(names)
            slanted: dict[str, Any] = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
            axes.set_xticks(ticks, names if last_row else none, fontsize=7, **slanted)
            axes.set_yticks(ticks, names if first_column else none, fontsize=7)
        axes.set_title(plain(title), fontsize=9)
        axes.set(xlabel="predicted class" if last_row else "", ylabel="true class" if first_column else "")
    if image is not None:
        figure.colorbar(image, ax=figure.axes, label="share of the true class", shrink=0.7)
    return figure


def _write_percents(axes: Axes, shares: Float64[np.ndarray, "classes classes"]) -> None:
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:
            colour = "black" if share > 0.5 else "white"
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=6, color=colour)


@dataclass(frozen=True)
class Point:
    """A network's cost, and its accuracy with the ends of its interval."""

    cost: float
    value: float
    low: float
    high: float


def cost_figure(points: Mapping[str, Point], cost_label: str, value_label: str) -> Figure:
    """Draw what each network reaches against what it costs, with error bars.

    Networks of the same or nearly the same cost are drawn beside each other, around the cost that they share.
    """
    from matplotlib.transforms import ScaledTranslation

    is_long = _is_long_legend(points)
    figure = new_figure(width=9.0 if is_long else 6.5, height=max(4.5, LEGEND_LINE_INCH * _lines(points)))
    axes = figure.add_subplot()
    logarithms = np.log10([point.cost for point in points.values()])
    margin = max(0.15 * float(np.ptp(logarithms)), np.log10(2))
    ends = logarithms.min() - margin, logarithms.max() + margin
    shifts = _apart((logarithms - ends[0]) * COST_AXIS_POINTS / (ends[1] - ends[0]))
    for look, point, shift in zip(looks(list(points)), points.values(), shifts, strict=True):
        bars = [[point.value - point.low], [point.high - point.value]]
        aside = axes.transData + ScaledTranslation(shift / 72, 0, figure.dpi_scale_trans)
        style: dict[str, Any] = {"fmt": look.marker, "color": look.colour, "capsize": 3, "label": look.name}
        axes.errorbar(point.cost, point.value, yerr=bars, transform=aside, **style)
    axes.set(xlabel=cost_label, ylabel=value_label, xscale="log", xlim=[10**end for end in ends])
    axes.set_ylim(*_with_margin([point.low for point in points.values()], [point.high for point in points.values()]))
    axes.grid(alpha=0.3, which="both")
    beside: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1, 0.5)} if is_long else {}
    axes.legend(fontsize=8, **beside)
    return figure


def _apart(places: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Give how far each place must be moved so that none is nearer to another than APART_POINTS, in the same order.

    Those that are too near share their middle, so that the picture stays true to a few points.
    """
    order = np.argsort(places, kind="stable")
    groups: list[list[int]] = []
    for number in order:
        groups.append([int(number)])
        while len(groups) > 1 and _left_end(places, groups[-1]) < _right_end(places, groups[-2]) + APART_POINTS:
            last = groups.pop()
            groups[-1] += last
    moved = np.empty(len(places))
    for group in groups:
        moved[group] = _left_end(places, group) + APART_POINTS * np.arange(len(group))
    return np.asarray(moved - places)


def _left_end(places: Float64[np.ndarray, " n"], group: list[int]) -> float:
    return float(np.mean(places[group])) - APART_POINTS * (len(group) - 1) / 2


def _right_end(places: Float64[np.ndarray, " n"], group: list[int]) -> float:
    return float(np.mean(places[group])) + APART_POINTS * (len(group) - 1) / 2


def _with_margin(low: Sequence[float], high: Sequence[float]) -> tuple[float, float]:
    """Give the ends of an axis that holds all, with some room around."""
    room = 0.08 * ((max(high) - min(low)) or 1.0)
    return min(low) - room, max(high) + room


def recall_figure(
    recalls: Mapping[str, Float64[np.ndarray, "classes 3"]], class_names: Sequence[str], counts: Sequence[int]
) -> Figure:
    """Draw each network's recall of each class; ``recalls`` are (classes, 3): value and the ends of its interval.

    Of many classes those are shown that the networks find the least of.
    """
    shown = _hardest_classes(recalls, counts)
    figure = new_figure(width=7.5, height=1.2 + len(shown) * max(0.45, 0.1 * len(recalls)))
    axes = figure.add_subplot()
    if len(shown) < len(class_names):
        axes.set_title(f"the {len(shown)} hardest of {len(class_names)} classes", fontsize=9)
    recalls = {name: values[shown] for name, values in recalls.items()}
    class_names, counts = [class_names[place] for place in shown], [counts[place] for place in shown]
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
    axes.set_yticks(
        positions,
        [f"{plain(folded(name, NAME_LETTERS))} ({count})" for name, count in zip(class_names, counts, strict=True)],
    )
    axes.set(xlabel="recall: share of the class that is found", ylabel="true class (galaxies)", xlim=(-0.02, 1.02))
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.grid(alpha=0.3, axis="x")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _hardest_classes(recalls: Mapping[str, Float64[np.ndarray, "classes 3"]], counts: Sequence[int]) -> list[int]:
    """Choose the classes to show: all, or of many those with the lowest mean recall, in their own order."""
    if len(counts) <= MANY_CLASSES:
        return list(range(len(counts)))
    mean = np.mean([values[:, 0] for values in recalls.values()], axis=0)
    # A class without galaxies has no recall, which sorts last.
    return sorted(np.argsort(mean, kind="stable")[:MANY_CLASSES].tolist())
