"""Pictures as a browser takes them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from kamerton.serving.images import map_png

YELLOW, BLUE = (255, 230, 90), (40, 60, 160)


def over(galaxy: tuple[int, int, int], map_hw: np.ndarray) -> np.ndarray:
    """A map on a galaxy of one colour, as a page lays it there."""
    shown = Image.open(io.BytesIO(map_png(map_hw.astype(np.float32))))
    ground = Image.new("RGBA", shown.size, (*galaxy, 255))
    return np.asarray(Image.alpha_composite(ground, shown).convert("L")).astype(int)


@pytest.mark.parametrize("galaxy", [YELLOW, BLUE], ids=["yellow", "blue"])
def test_the_outline_is_white_and_black_on_a_galaxy_of_any_colour(galaxy: tuple[int, int, int]) -> None:
    rows, columns = np.mgrid[:16, :16]
    grey = over(galaxy, np.exp(-((rows - 8) ** 2 + (columns - 8) ** 2) / 12))
    # From the edge to the middle: the galaxy, black, white, black, and the map.
    line = grey[len(grey) // 2, : len(grey) // 2]
    white = int(line.argmax())
    assert line[white] > 240
    assert min(line[white - 8 : white]) < 40
    assert min(line[white : white + 8]) < 40


def test_a_map_in_which_nothing_speaks_for_the_class_shows_the_galaxy_alone() -> None:
    grey = over(BLUE, np.zeros((8, 8)))
    assert grey.min() == grey.max()
