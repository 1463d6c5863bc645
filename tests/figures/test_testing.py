"""Pictures show the numbers they were given, whatever the names, and are the same file each time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from kamerton.figures.testing import (
    GALLERY_COLUMNS,
    confusion_figure,
    mistakes_figure,
    short_name,
    show_galaxy,
)

COUNTS = np.array([[6, 2, 0], [0, 5, 0], [0, 0, 0]])
NAMES = ("spiral", "smooth", "merging")


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def drawn(figure: Figure) -> Figure:
    """Lay a figure out, where Matplotlib would warn of what does not fit."""
    figure.draw_without_rendering()
    return figure


def test_a_cell_tells_the_count_and_the_share_of_the_true_class() -> None:
    axes = confusion_figure(COUNTS, NAMES, "a run").axes[0]
    assert texts(axes) == ["6\n75%", "2\n25%", "0", "0", "5\n100%", "0", "0", "0", "0"]


def test_the_colour_is_the_share_of_the_true_class() -> None:
    shown = confusion_figure(COUNTS, NAMES, "a run").axes[0].images[0]
    np.testing.assert_allclose(np.asarray(shown.get_array()), np.array([[0.75, 0.25, 0], [0, 1, 0], [0, 0, 0]]))
    assert shown.get_clim() == (0, 1)


def test_rows_are_true_classes_with_their_galaxies_and_columns_are_predictions() -> None:
    axes = confusion_figure(COUNTS, NAMES, "a run").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["spiral (8)", "smooth (5)", "merging (0)"]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(NAMES)
    assert ("true" in axes.get_ylabel(), "predicted" in axes.get_xlabel()) == (True, True)


def test_text_stands_out_from_its_cell() -> None:
    colours = [text.get_color() for text in confusion_figure(COUNTS, NAMES, "a run").axes[0].texts]
    assert colours[:2] == ["black", "white"], "cividis is light at 75% and dark at 25%"


def test_every_text_lies_in_its_own_cell() -> None:
    places = [text.get_position() for text in confusion_figure(COUNTS, NAMES, "a run").axes[0].texts]
    assert places == [(column, row) for row in range(3) for column in range(3)]


@pytest.mark.parametrize("letters", [5, 60])
@pytest.mark.parametrize("classes", [1, 2, 10])
def test_long_class_names_leave_room_for_the_matrix(classes: int, letters: int) -> None:
    names = [
        f"galaxies number {index} with an uncommonly long name indeed".ljust(60, "x")[-letters:]
        for index in range(classes)
    ]
    axes = drawn(confusion_figure(np.eye(classes, dtype=int), names, "a run on a cube, 3548 galaxies")).axes[0]
    bounds = axes.get_window_extent()
    cell_inch = min(bounds.width, bounds.height) / axes.figure.dpi / classes
    assert cell_inch > 0.4, "a cell must hold its two lines of text"


def test_of_many_classes_the_largest_confusions_are_named() -> None:
    classes = 200
    names = [f"class {number} of an uncommonly long name, with words" for number in range(classes)]
    counts = 20 * np.eye(classes, dtype=int)
    counts[7, 3], counts[150, 199] = 20, 60
    figure = drawn(confusion_figure(counts, names, "a run"))
    assert max(figure.get_size_inches()) < 25
    matrix, largest = figure.axes[:2]
    assert texts(matrix) == []
    said = [" ".join(label.get_text().split()) for label in largest.get_yticklabels()]
    assert said == [f"{names[150]} → {names[199]} (75%)", f"{names[7]} → {names[3]} (50%)"]
    bars: Any = largest.patches
    assert [bar.get_width() for bar in bars] == [60, 20]


@pytest.mark.parametrize(
    ("galaxy", "short"),
    [("images/efigi/PGC0000212.jpg", "PGC0000212.jpg"), ("J1234+56", "J1234+56"), ("a/b/", "b"), ("/", "/")],
)
def test_a_caption_has_the_last_part_of_a_path(galaxy: str, short: str) -> None:
    assert short_name(galaxy) == short


def test_a_title_stays_inside_the_picture() -> None:
    figure = drawn(confusion_figure(np.eye(2, dtype=int), ["a", "b"], "lenet5-20260101-101010 on " + "test " * 20))
    inside, whole = figure.texts[0].get_window_extent(), figure.bbox
    assert inside.x0 >= whole.x0
    assert inside.x1 <= whole.x1


def test_dollar_signs_in_names_are_no_formula() -> None:
    name = r"priced $^$ or $\foo$"
    drawn(confusion_figure(COUNTS, (name, *NAMES[1:]), name))
    drawn(mistakes_figure(np.zeros((1, 8, 8, 3), np.uint8), [name], name))


def test_a_gallery_shows_every_image_with_its_caption() -> None:
    images_nhwc = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), np.uint8)
    captions = [f"galaxy {row}" for row in range(7)]
    panels = mistakes_figure(images_nhwc, captions, "a run").axes
    assert [axes.get_title() for axes in panels] == captions
    for axes, image_hwc in zip(panels, images_nhwc, strict=True):
        np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()), image_hwc)


def test_a_gallery_is_a_grid_that_grows_downwards() -> None:
    figures = [
        mistakes_figure(np.zeros((count, 8, 8, 3), np.uint8), [""] * count, "")
        for count in (1, GALLERY_COLUMNS, GALLERY_COLUMNS + 1)
    ]
    specs = [figure.axes[0].get_subplotspec() for figure in figures]
    assert [spec.get_geometry()[:2] for spec in specs if spec] == [
        (1, GALLERY_COLUMNS),
        (1, GALLERY_COLUMNS),
        (2, GALLERY_COLUMNS),
    ]


def test_a_network_without_mistakes_gets_a_picture_that_says_so() -> None:
    figure = drawn(mistakes_figure(np.zeros((0, 8, 8, 3), np.uint8), [], "a run"))
    assert figure.get_suptitle() == "No mistakes: a run"


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_images_that_are_not_in_colour_show_their_first_channel_in_grey(channels: int) -> None:
    image_hwc = np.random.default_rng(0).uniform(0, 255, (8, 8, channels)).astype(np.float32)
    axes = Figure().add_subplot()
    show_galaxy(axes, image_hwc)
    np.testing.assert_array_equal(axes.images[0].get_array(), image_hwc[..., 0].astype(np.uint8))
    assert axes.images[0].get_cmap().name == "gray"


def test_a_faint_galaxy_is_not_brightened() -> None:
    axes = Figure().add_subplot()
    show_galaxy(axes, np.full((8, 8, 1), 3, np.uint8))
    assert axes.images[0].get_clim() == (0, 255)


def test_a_long_caption_stays_above_its_own_image() -> None:
    caption = "survey-000001\ntrue Cigar Shaped Smooth\nsaid Edge-on without Bulge, In-between Round Smooth, Merging"
    figure = drawn(mistakes_figure(np.zeros((5, 8, 8, 3), np.uint8), [caption] * 5, "a run"))
    boxes = [axes.title.get_window_extent() for axes in figure.axes]
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
