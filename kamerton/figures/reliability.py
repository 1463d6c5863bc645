"""Reliability diagrams: how often a network is right when it says how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from kamerton.figures.drawing import MARKERS, NAME_LETTERS, OKABE_ITO, folded, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COLUMNS = 4


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """Accuracy against confidence."""

    confidence: Float64[np.ndarray, " bins"]
    """Mean of each bin of equally many galaxies."""
    accuracy: Float64[np.ndarray, " bins"]
    intervals: Float64[np.ndarray, "bins 2"]
    """Ends of the accuracy's 95% interval."""
    smooth: Float64[np.ndarray, "cells 2"]
    """Confidence and accuracy without bins, where there are galaxies."""


def reliability_figure(curves: Mapping[str, ReliabilityCurve], title: str = "") -> Figure:
    """Draw reliability diagrams side by side, by their names; on the dashed line confidence is accuracy."""
    columns = min(len(curves), MOST_COLUMNS)
    rows = -(-len(curves) // columns)
    figure = new_figure(width=1.2 + 3.4 * columns, height=0.6 + 3.9 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    for number, (axes, (name, curve)) in enumerate(zip(panels, curves.items(), strict=False)):
        colour, marker = OKABE_ITO[number % len(OKABE_ITO)], MARKERS[number % len(MARKERS)]
        axes.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=0.8)
        axes.plot(*curve.smooth.T, color=colour, linewidth=1.2)
        ends = np.abs(curve.intervals - curve.accuracy[:, np.newaxis]).T
        style: dict[str, Any] = {"fmt": marker, "color": colour, "markersize": 4, "elinewidth": 0.8}
        # Half of a marker at 0 or 1 would be cut off.
        axes.errorbar(curve.confidence, curve.accuracy, yerr=ends, clip_on=False, **style)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", aspect="equal")
        axes.set_title(plain(folded(name, NAME_LETTERS)), fontsize=9)
    for axes in panels[::columns]:
        axes.set(ylabel="accuracy, with 95% intervals")
    if title:
        figure.suptitle(plain(title), fontsize=10, wrap=True)
    return figure
