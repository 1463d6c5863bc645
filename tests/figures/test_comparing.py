"""Pictures of several networks show the numbers they were given."""

from __future__ import annotations

import io
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from kamerton.figures.comparing import (
    Point,
    confusions_figure,
    cost_figure,
    learning_curves_figure,
    looks,
    recall_figure,
)
from kamerton.figures.drawing import OKABE_ITO

NAMES = ("spiral", "smooth", "merging")


def drawn(figure: Figure) -> Figure:
    """Lay a figure out, where Matplotlib would warn of what does not fit."""
    figure.draw_without_rendering()
    return figure


def legend_of(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def error_bars(axes: Axes) -> list[ErrorbarContainer]:
    return [container for container in axes.containers if isinstance(container, ErrorbarContainer)]


def history(epochs: int, rate: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(epochs)
    columns = ["loss", "accuracy", "val_loss", "val_accuracy", *(["lr"] if rate else [])]
    return pd.DataFrame(rng.uniform(0.1, 1, (epochs, len(columns))), columns=columns)


def test_learning_curves_are_the_history_against_epochs_from_1() -> None:
    table = history(4)
    accuracy, loss, rate = learning_curves_figure({"LeNet-5": [table]}).axes
    for axes, metric in ((accuracy, "accuracy"), (loss, "loss")):
        learned, validated = axes.lines
        np.testing.assert_array_equal(learned.get_ydata(), table[metric])
        np.testing.assert_array_equal(validated.get_ydata(), table[f"val_{metric}"])
        np.testing.assert_array_equal([learned.get_xdata(), validated.get_xdata()], [[1, 2, 3, 4]] * 2)
    np.testing.assert_array_equal(rate.lines[0].get_ydata(), table["lr"])


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e308, -1e308, 0.0, -1.0])
def test_learning_curves_of_what_diverged_are_drawn_without_a_warning(value: float) -> None:
    table = history(4)
    table.iloc[1:3] = value
    table["lr"] = max(value, 0.0) if np.isfinite(value) else value
    learning_curves_figure({"LeNet-5": [table]}).savefig(io.BytesIO(), dpi=50)


def test_training_is_dashed_and_validation_solid_in_the_look_of_the_network() -> None:
    axes = learning_curves_figure({"LeNet-5": [history(2)], "AlexNet": [history(3)]}).axes[0]
    assert [line.get_linestyle() for line in axes.lines] == ["--", "-", "--", "-"]
    assert [line.get_color() for line in axes.lines] == [OKABE_ITO[0]] * 2 + [OKABE_ITO[1]] * 2
    assert len({line.get_marker() for line in axes.lines}) == 2


def test_the_runs_of_one_network_look_alike_and_are_named_once() -> None:
    axes = learning_curves_figure({"LeNet-5": [history(2), history(3)], "AlexNet": [history(3)]}).axes[0]
    assert len(axes.lines) == 6
    assert legend_of(axes) == ["LeNet-5", "AlexNet"]


def test_a_history_of_the_notebook_has_no_learning_rate_and_joins_all_the_same() -> None:
    accuracy, _, rate = drawn(learning_curves_figure({"AlexNet_full": [history(2, rate=False)]})).axes
    assert (len(accuracy.lines), len(rate.lines)) == (2, 0)


def test_dollar_signs_in_names_are_no_formula() -> None:
    name = r"priced $^$ or $\foo$"
    drawn(learning_curves_figure({name: [history(2)]}))
    drawn(confusions_figure({name: np.eye(3)}, (name, *NAMES[1:])))
    drawn(cost_figure({name: Point(1, 0.5, 0.4, 0.6)}, "GFLOP", "accuracy"))


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_every_network_has_its_matrix_in_percent_of_the_true_class(count: int) -> None:
    matrix = np.array([[6, 2, 0], [0, 5, 0], [0, 0, 0]])
    figure = drawn(confusions_figure({f"network {n}": matrix for n in range(count)}, NAMES))
    panels = [axes for axes in figure.axes if axes.images and axes.get_title()]
    assert [axes.get_title() for axes in panels] == [f"network {n}" for n in range(count)]
    assert [text.get_text() for text in panels[0].texts] == ["75", "25", "100"]


def test_the_cost_picture_has_error_bars_and_units() -> None:
    points = {"LeNet-5": Point(0.01, 0.4, 0.35, 0.47), "AlexNet": Point(1.0, 0.6, 0.55, 0.62)}
    axes = drawn(cost_figure(points, "operations an image (GFLOP)", "accuracy")).axes[0]
    assert axes.get_xlabel().endswith("(GFLOP)")
    assert axes.get_xscale() == "log"
    ends = [bars.lines[2][0].get_segments()[0][:, 1] for bars in error_bars(axes)]
    np.testing.assert_allclose(ends, [[0.35, 0.47], [0.55, 0.62]])


LONG_NAME = "p4m-ResNet of a name that is uncommonly long (my own recipe of the year 2026)"


@pytest.mark.parametrize("classes", [3, 10])
def test_the_titles_of_matrices_stand_apart_and_inside_the_picture(classes: int) -> None:
    matrices = {f"{LONG_NAME} {number}": np.eye(classes) for number in range(5)}
    figure = drawn(confusions_figure(matrices, [f"class {number}" for number in range(classes)]))
    boxes = [axes.title.get_window_extent() for axes in figure.axes if axes.images and axes.get_title()]
    assert len(boxes) == 5
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert not any(one.overlaps(two) for one, two in combinations(boxes, 2))


def test_networks_of_one_cost_are_drawn_beside_each_other_at_their_true_cost() -> None:
    points = {f"network {number}": Point(2.0, 0.5, 0.4, 0.6) for number in range(4)} | {
        "other": Point(90, 0.5, 0.4, 0.6)
    }
    axes = drawn(cost_figure(points, "operations an image (GFLOP)", "accuracy")).axes[0]
    lines: list[Any] = [bars.lines[0] for bars in error_bars(axes)]
    assert [line.get_xdata()[0] for line in lines] == [2, 2, 2, 2, 90]
    places = [line.get_transform().transform(line.get_xydata()[0])[0] for line in lines]
    points_apart = np.diff(places) * 72 / axes.figure.dpi
    assert (points_apart > 7).all()
    middle = axes.transData.transform((2, 0.5))[0]
    assert np.mean(places[:4]) == pytest.approx(middle, abs=0.5)
    assert places[4] == pytest.approx(axes.transData.transform((90, 0.5))[0])


def test_many_networks_are_named_beside_the_pictures_and_not_over_them() -> None:
    names = [f"{LONG_NAME} {number}" for number in range(15)]
    figure = drawn(learning_curves_figure({name: [history(3)] for name in names}))
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 15
    assert not any(legend.get_window_extent().overlaps(axes.get_window_extent()) for axes in figure.axes)
    assert figure.bbox.containsx(legend.get_window_extent().x0)
    assert figure.bbox.containsx(legend.get_window_extent().x1)
    axes = drawn(cost_figure({name: Point(1, 0.5, 0.4, 0.6) for name in names}, "GFLOP", "accuracy")).axes[0]
    assert len(legend_of(axes)) == 15


MANY = 200


def test_of_many_classes_matrices_are_colours_in_a_picture_of_usual_size() -> None:
    matrices = {f"network {number}": np.eye(MANY) for number in range(3)}
    figure = drawn(confusions_figure(matrices, [f"class {number}" for number in range(MANY)]))
    assert max(figure.get_size_inches()) < 25
    assert not any(axes.texts for axes in figure.axes)


def test_of_many_classes_the_recall_of_those_is_shown_that_are_found_least() -> None:
    values = np.linspace(1, 0, MANY)
    recalls = {"a": np.stack([values, values, values], axis=1)}
    names = [f"class {number}" for number in range(MANY)]
    axes = drawn(recall_figure(recalls, names, [1] * MANY)).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"{name} (1)" for name in names[-30:]]
    assert axes.get_title() == "the 30 hardest of 200 classes"


def test_recall_is_drawn_for_each_class_and_network_with_the_class_counts() -> None:
    recalls = {name: np.array([[0.5, 0.4, 0.6], [0.9, 0.8, 1.0], [0.1, 0.0, 0.3]]) for name in ("a", "b")}
    axes = drawn(recall_figure(recalls, NAMES, [8, 5, 2])).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["spiral (8)", "smooth (5)", "merging (2)"]
    for bars in error_bars(axes):
        np.testing.assert_array_equal(bars.lines[0].get_xdata(), [0.5, 0.9, 0.1])
    assert axes.yaxis_inverted()


def test_each_network_has_one_look_in_every_picture() -> None:
    names: list[Any] = ["a", "b", "c"]
    assert [(look.colour, look.marker) for look in looks(names)] == [(o.colour, o.marker) for o in looks(names[:])]
    assert len({(look.colour, look.marker) for look in looks([str(n) for n in range(60)])}) == 60
