"""A reliability diagram shows the numbers it was given, and names each of its panels."""

from __future__ import annotations

from typing import Any

import numpy as np

from kamerton.figures.reliability import ReliabilityCurve, reliability_figure


def curve() -> ReliabilityCurve:
    confidence = np.array([0.4, 0.7, 0.9])
    accuracy = confidence - 0.1
    intervals = np.column_stack([accuracy - 0.1, accuracy + 0.05])
    return ReliabilityCurve(confidence, accuracy, intervals, np.column_stack([confidence, accuracy]))


def test_points_lines_and_intervals_are_those_given() -> None:
    figure = reliability_figure({"before": curve(), "after $": curve()}, "a run")
    figure.draw_without_rendering()
    assert [axes.get_title() for axes in figure.axes] == ["before", r"after \$"]
    for axes in figure.axes:
        lines: list[Any] = list(axes.lines)
        diagonal, smooth, points = lines[:3]
        np.testing.assert_array_equal(diagonal.get_xydata(), [[0, 0], [1, 1]])
        np.testing.assert_allclose(smooth.get_xydata(), curve().smooth)
        np.testing.assert_allclose(points.get_xydata(), curve().smooth)
        drawn: Any = axes.collections[0]
        bars = np.array(drawn.get_segments())
        np.testing.assert_allclose(bars[:, :, 1], curve().intervals)
