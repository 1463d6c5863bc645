"""Pictures of why: a galaxy with its map, a gallery of them, and what the maps are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float32, Float64

from kamerton.arrays import ImageHWC
from kamerton.figures.drawing import MARKERS, NAME_LETTERS, OKABE_ITO, folded, new_figure, plain, shortened
from kamerton.figures.testing import show_galaxy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MapHW = Float32[np.ndarray, "side side"]

MOST_BARS = 8
"""Classes whose probabilities are shown, the likeliest first."""

BAR_LETTERS = 22

LONG_BAR = 0.8
"""From here on its number stands inside."""

CAPTION_LETTERS = 36

OUTLINED_SHARE = 0.5
"""Of all that speaks for the class; the outline is the smallest area that holds so much."""

NOTE_LETTERS = 118

PANEL_INCH, GAP_INCH, CAPTION_INCH, HEAD_INCH, SIDE_INCH = 1.7, 0.05, 0.5, 0.4, 0.35
"""Of a gallery: a galaxy or its map, between them, above them, above all, and beside them."""

LIGHTEST_GREY = 0.75
"""Of the galaxy under a map, so that its brightest parts do not drown the outline."""


@dataclass(frozen=True, eq=False)
class Explained:
    """One galaxy, as a picture shows it."""

    title: str
    image_hwc: ImageHWC
    map_hw: MapHW
    """On the image's pixels; positive where something speaks for the class."""
    class_name: str
    """That is explained."""
    class_names: tuple[str, ...]
    probabilities: Float32[np.ndarray, " classes"]
    in_set: Bool[np.ndarray, " classes"] | None
    """None where nothing is calibrated."""
    true_name: str | None


Words = Mapping[str, str]
"""Texts of a picture, in the reader's language."""


def explained_figure(galaxy: Explained, words: Words, note: str) -> Figure:
    """Draw a galaxy, where something speaks for its class, and the probabilities with their set."""
    figure = new_figure(width=9.6, height=3.9)
    image, overlay, bars = figure.subplots(1, 3, width_ratios=(1, 1, 0.9))
    show_galaxy(image, galaxy.image_hwc)
    shown = draw_map(overlay, galaxy)
    image.set_title(plain(folded(galaxy.title, CAPTION_LETTERS)), fontsize=9)
    overlay.set_title(plain(folded(words["for"].format(name=galaxy.class_name), CAPTION_LETTERS)), fontsize=9)
    bar = figure.colorbar(shown, cax=overlay.inset_axes((1.02, 0.1, 0.04, 0.8)))
    bar.set_ticks([0, 1], labels=["0", words["most"]])
    bar.ax.tick_params(labelsize=7, length=0)
    draw_probabilities(bars, galaxy, words)
    figure.supxlabel(plain(folded(f"{words['outline']} {note}", NOTE_LETTERS)), fontsize=7)
    return figure


def draw_map(axes: Axes, galaxy: Explained) -> Any:
    """Draw what speaks for the class over the galaxy in grey, with an outline around half of it."""
    grey_hw = galaxy.image_hwc.astype(np.float64).mean(-1) / 255 * LIGHTEST_GREY
    axes.imshow(grey_hw, cmap="gray", vmin=0, vmax=1)
    positive, strength = positive_part(galaxy.map_hw)
    shown = axes.imshow(strength, cmap="cividis", vmin=0, vmax=1, alpha=0.15 + 0.6 * np.sqrt(strength))
    draw_outline(axes, positive)
    axes.set_axis_off()
    return shown


def positive_part(map_hw: MapHW) -> tuple[Float64[np.ndarray, "side side"], Float64[np.ndarray, "side side"]]:
    """Give what speaks for the class, and the same from 0 to 1."""
    positive = map_hw.clip(min=0).astype(np.float64)
    highest = positive.max()
    return positive, positive / highest if highest > 0 else positive


def draw_outline(axes: Axes, positive: Float64[np.ndarray, "side side"]) -> None:
    """Draw a line around half of what speaks for the class, white in black: seen on galaxies of any colour."""
    from matplotlib import patheffects

    level = outline_level(positive)
    if 0 < level < positive.max():
        lines = axes.contour(positive, levels=[level], colors="white", linewidths=1.3)
        lines.set_path_effects([patheffects.Stroke(linewidth=3, foreground="black"), patheffects.Normal()])


def outline_level(positive: Float64[np.ndarray, "side side"]) -> float:
    """Find the value above which the pixels hold half of the sum."""
    falling = np.sort(positive, axis=None)[::-1]
    sums = falling.cumsum()
    return float(falling[np.searchsorted(sums, OUTLINED_SHARE * sums[-1])])


def draw_probabilities(axes: Axes, galaxy: Explained, words: Words) -> None:
    """Draw the likeliest classes as bars; those in the set are filled, and the others are outlines."""
    order = np.argsort(-galaxy.probabilities, kind="stable")[:MOST_BARS]
    names = [galaxy.class_names[place] for place in order]
    for row, place in enumerate(order):
        probability = float(galaxy.probabilities[place])
        is_filled = galaxy.in_set is None or bool(galaxy.in_set[place])
        axes.barh(row, probability, color=OKABE_ITO[0] if is_filled else "none", edgecolor=OKABE_ITO[0], height=0.66)
        is_long = probability > LONG_BAR
        axes.text(
            probability - 0.02 if is_long else probability + 0.02,
            row,
            _percent(probability, words),
            ha="right" if is_long else "left",
            va="center",
            fontsize=8,
            color="white" if is_long and is_filled else "black",
        )
    marks = {galaxy.class_name: "▸ "}
    labels = [f"{marks.get(name, '')}{shortened(name, BAR_LETTERS)}" for name in names]
    axes.set_yticks(range(len(order)), [plain(label) for label in labels], fontsize=8)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1))
    axes.set_xticks([0, 0.5, 1], [_percent(share, words) for share in (0, 0.5, 1)], fontsize=8)
    lines = [words["calibrated" if galaxy.in_set is not None else "uncalibrated"]]
    if galaxy.true_name is not None:
        lines.append(words["true"].format(name=galaxy.true_name))
    axes.set_title(plain("\n".join(folded(line, CAPTION_LETTERS) for line in lines)), fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _percent(share: float, words: Words) -> str:
    return words["percent"].format(percent=f"{100 * share:.0f}")


def maps_figure(rows: Mapping[str, Sequence[Explained]], columns: int, heading: str, words: Words, note: str) -> Figure:
    """Draw a gallery: in each row galaxies of one kind, each above its map."""
    # Room for the words above and below, with one galaxy too.
    columns = max(columns, 2)
    letters = 26 * columns
    below = folded(f"{words['outline']} {note}", letters)
    kind_inch = CAPTION_INCH + 2 * PANEL_INCH + GAP_INCH
    foot_inch = 0.25 + 0.14 * below.count("\n")
    height = HEAD_INCH + kind_inch * len(rows) + foot_inch
    width = SIDE_INCH + columns * (PANEL_INCH + GAP_INCH)
    figure = new_figure(width, height)
    # Each panel has its place: nothing is left to be laid out.
    figure.set_layout_engine("none")
    figure.text(0.5, 1 - 0.2 / height, plain(folded(heading, letters)), ha="center", va="center", fontsize=10)
    figure.text(0.5, 0.5 * foot_inch / height, plain(below), ha="center", va="center", fontsize=7)
    panel = (PANEL_INCH / width, PANEL_INCH / height)
    for number, (kind, galaxies) in enumerate(rows.items()):
        middle_inch = height - HEAD_INCH - number * kind_inch - CAPTION_INCH - PANEL_INCH
        for column, galaxy in enumerate(galaxies):
            left = (SIDE_INCH + column * (PANEL_INCH + GAP_INCH)) / width
            above = figure.add_axes((left, middle_inch / height, *panel))
            show_galaxy(above, galaxy.image_hwc)
            above.set_title(plain(_caption(galaxy, words)), fontsize=7, pad=3)
            mapped = figure.add_axes((left, (middle_inch - PANEL_INCH - GAP_INCH) / height, *panel))
            draw_map(mapped, galaxy)
        middle = (middle_inch - GAP_INCH / 2) / height
        figure.text(0.5 * SIDE_INCH / width, middle, plain(kind), rotation=90, ha="center", va="center", fontsize=9)
    return figure


def _caption(galaxy: Explained, words: Words) -> str:
    lines = [shortened(galaxy.title, 22)]
    best = int(galaxy.probabilities.argmax())
    lines.append(f"{shortened(galaxy.class_names[best], 16)} {_percent(galaxy.probabilities[best], words)}")
    if galaxy.true_name is not None and galaxy.true_name != galaxy.class_names[best]:
        lines.append(words["truly"].format(name=shortened(galaxy.true_name, 16)))
    return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Line:
    """Values along the steps of a trial, with their 95% intervals."""

    name: str
    values: Float64[np.ndarray, " steps"]
    low: Float64[np.ndarray, " steps"]
    high: Float64[np.ndarray, " steps"]


@dataclass(frozen=True)
class Bar:
    """A difference with its interval."""

    name: str
    value: float
    low: float
    high: float


def receipt_figure(
    deletion: Sequence[Line],
    insertion: Sequence[Line],
    cascade: Line,
    layers: Sequence[str],
    differences: Sequence[Bar],
    heading: str,
    words: Words,
) -> Figure:
    """Draw what was tried of the maps, under the words that say what came out."""
    figure = new_figure(width=11, height=7.6)
    figure.suptitle(plain("\n".join(folded(line, 125) for line in heading.split("\n"))), fontsize=9, ha="left", x=0.02)
    (deleting, inserting), (random, differing) = figure.subplots(2, 2)
    for axes, lines, kind in ((deleting, deletion, "deletion"), (inserting, insertion, "insertion")):
        for number, line in enumerate(lines):
            _draw_line(axes, line, np.linspace(0, 1, len(line.values)), number)
        axes.set(ylim=(0, 1), xlim=(0, 1), xlabel=words[f"{kind} axis"], ylabel=words["probability"])
        axes.set_title(words[kind], fontsize=9)
        axes.set_xticks([0, 0.5, 1], [_percent(share, words) for share in (0, 0.5, 1)])
        axes.set_yticks([0, 0.5, 1], [_percent(share, words) for share in (0, 0.5, 1)])
    deleting.legend(fontsize=8)
    _draw_cascade(random, cascade, layers, words)
    _draw_differences(differing, differences, words)
    return figure


def _draw_line(axes: Axes, line: Line, along: Float64[np.ndarray, " steps"], number: int) -> None:
    colour = OKABE_ITO[number]
    axes.plot(along, line.values, color=colour, marker=MARKERS[number], markersize=4, label=plain(line.name))
    axes.fill_between(along, line.low, line.high, color=colour, alpha=0.15, linewidth=0)


def _draw_cascade(axes: Axes, cascade: Line, layers: Sequence[str], words: Words) -> None:
    places = np.arange(len(layers) + 1)
    with_start = Line(cascade.name, *(np.concatenate([[1.0], part]) for part in _parts(cascade)))
    _draw_line(axes, with_start, places.astype(np.float64), 0)
    axes.axhline(0, color="black", linewidth=0.6)
    names = [words["learned"], *(shortened(name, 22) for name in layers)]
    axes.set_xticks(
        places, [plain(name) for name in names], rotation=25, ha="right", rotation_mode="anchor", fontsize=7
    )
    axes.set(ylim=(-1, 1.05), ylabel=words["agreement"])
    axes.set_yticks([-1, 0, 1])
    axes.set_title(words["cascade"], fontsize=9)


def _parts(line: Line) -> tuple[Any, Any, Any]:
    return line.values, line.low, line.high


def _draw_differences(axes: Axes, differences: Sequence[Bar], words: Words) -> None:
    for row, bar in enumerate(differences):
        ends = [[bar.value - bar.low], [bar.high - bar.value]]
        axes.errorbar(
            bar.value, row, xerr=ends, fmt=MARKERS[row + 1], color=OKABE_ITO[row + 1], markersize=6, elinewidth=1.5
        )
    axes.axvline(0, color="black", linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(differences)), [plain(folded(bar.name, NAME_LETTERS)) for bar in differences])
    reach = 1.15 * max([0.1, *(max(abs(bar.low), abs(bar.high)) for bar in differences)])
    axes.set(ylim=(len(differences) - 0.5, -0.5), xlim=(-reach, reach), xlabel=words["better by axis"])
    half = float(f"{reach / 2:.1g}")
    ticks = (-half, 0.0, half)
    axes.set_xticks(ticks, [f"{tick:g}".replace(".", words["decimal"]) for tick in ticks])
    axes.set_title(words["better by"], fontsize=9)
