"""A galaxy beside those most like it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kamerton.figures.neighbours import COLUMNS, Shown, neighbours_figure
from kamerton.neighbours import english, polish


def shown(count: int) -> list[Shown]:
    image_hwc = np.full((8, 8, 3), 99, np.uint8)
    return [Shown(f"galaxy $x_{n}$", ("line",), image_hwc if n != 1 else None, n == 0) for n in range(count)]


@pytest.mark.parametrize("count", [1, COLUMNS, COLUMNS + 1])
def test_each_galaxy_has_a_place_of_its_own(count: int) -> None:
    figure = neighbours_figure(shown(count), "heading", english.WORDS)
    figure.draw_without_rendering()
    places = {tuple(np.round(axes.get_position().bounds, 6)) for axes in figure.axes}
    assert len(places) == count
    assert all(x >= 0 and y >= 0 and x + w <= 1 and y + h <= 1 for x, y, w, h in places)


def test_the_galaxy_that_was_asked_about_has_a_frame_and_a_lost_picture_is_said() -> None:
    figure = neighbours_figure(shown(3), "heading", polish.WORDS)
    frames = [axes.spines["top"].get_linewidth() for axes in figure.axes]
    assert frames[0] > 2 * frames[1]
    assert [bool(axes.images) for axes in figure.axes] == [True, False, True]
    (told,) = figure.axes[1].texts
    assert told.get_text().replace("\n", " ") == polish.WORDS["gone"]


def test_both_languages_have_all_words() -> None:
    assert english.WORDS.keys() == polish.WORDS.keys()
    for name, word in english.WORDS.items():
        assert set(re.findall(r"{\w+}", polish.WORDS[name])) == set(re.findall(r"{\w+}", word))
