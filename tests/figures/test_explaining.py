"""Pictures of why."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from kamerton.explaining.telling import LANGUAGES
from kamerton.figures.explaining import Explained, Words, explained_figure, maps_figure, outline_level

NAMES = ("spiral", "edge-on $x$", "późne i nieregularne")
NOTE = "NOT SHOWN TO BE BETTER"


def galaxy(*, map_hw: np.ndarray | None = None, in_set: np.ndarray | None = None) -> Explained:
    rng = np.random.default_rng(0)
    image_hwc = rng.integers(0, 255, (32, 32, 3), np.uint8)
    values = rng.normal(size=(32, 32)).astype(np.float32) if map_hw is None else map_hw
    return Explained(
        "NGC 1300", image_hwc, values, NAMES[2], NAMES, np.array([0.1, 0.05, 0.85], np.float32), in_set, "spiral"
    )


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(match=Text))


def test_the_outline_is_the_smallest_area_that_holds_half() -> None:
    values = np.array([[4.0, 1.0, 1.0], [3.0, 1.0, 0.0], [2.0, 0.0, 0.0]])
    level = outline_level(values)
    assert values[values >= level].sum() >= values.sum() / 2
    assert values[values > level].sum() < values.sum() / 2


@pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)
@pytest.mark.parametrize("in_set", [None, np.array([True, False, True])])
def test_a_picture_names_its_classes_and_carries_what_its_map_is_worth(words: Words, in_set: np.ndarray | None) -> None:
    figure = explained_figure(galaxy(in_set=in_set), words, NOTE)
    figure.draw_without_rendering()
    told = texts(figure)
    assert NOTE in told
    assert "późne i nieregularne" in told
    assert words["true"].format(name="spiral") in told


def test_filled_bars_are_the_set() -> None:
    figure = explained_figure(galaxy(in_set=np.array([True, False, False])), LANGUAGES["en"], NOTE)
    patches = [patch for axes in figure.axes for patch in axes.patches if isinstance(patch, Rectangle)]
    bars = [patch for patch in patches if patch.get_height() == pytest.approx(0.66)]
    # The likeliest first: the third class, the first, the second.
    assert [bool(to_rgba(patch.get_facecolor())[3]) for patch in bars] == [False, True, False]


def test_a_map_in_which_nothing_speaks_for_the_class_is_drawn_without_an_outline() -> None:
    figure = explained_figure(galaxy(map_hw=-np.ones((32, 32), np.float32)), LANGUAGES["en"], NOTE)
    figure.draw_without_rendering()


def test_a_gallery_names_its_rows_and_who_was_wrong() -> None:
    words = LANGUAGES["en"]
    figure = maps_figure(
        {"surest": [galaxy(), galaxy()], "wrong": [galaxy()]}, 2, "run: what speaks for it", words, NOTE
    )
    figure.draw_without_rendering()
    told = texts(figure)
    assert all(text in told for text in ("surest", "wrong", NOTE, "truly spiral", "85%"))
