from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamerton.catalogue.sky_tiles import (
    BASE_PIXELS,
    COUNT_ORDER,
    INDEX_ORDER,
    choose_tiles,
    count_galaxies,
    sky_indices,
    tile_numbers,
)

INDICES = st.lists(st.integers(0, (BASE_PIXELS << 2 * INDEX_ORDER) - 1), min_size=1, max_size=60).map(np.array)


def sphere(count: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    return draw.uniform(0, 360, count), np.degrees(np.arcsin(draw.uniform(-1, 1, count)))


@given(INDICES, st.integers(1, 70))
@settings(max_examples=20)
def test_every_galaxy_is_in_one_tile_and_no_tile_holds_too_many(indices: np.ndarray, most: int) -> None:
    tiles = choose_tiles(count_galaxies(indices), most)
    numbers = tile_numbers(indices, tiles)
    assert [tile.pixel for tile in np.array(tiles)[numbers]] == [
        index >> 2 * (INDEX_ORDER - tile.order) for index, tile in zip(indices, np.array(tiles)[numbers], strict=True)
    ]
    assert np.bincount(numbers, minlength=len(tiles)).tolist() == [tile.galaxies for tile in tiles]
    assert all(0 < tile.galaxies <= most or tile.order == COUNT_ORDER for tile in tiles)


@given(INDICES, st.integers(1, 70))
@settings(max_examples=20)
def test_a_tile_could_not_be_larger(indices: np.ndarray, most: int) -> None:
    counts = count_galaxies(indices)
    for tile in choose_tiles(counts, most):
        if tile.order:
            parents = counts.reshape(BASE_PIXELS << 2 * (tile.order - 1), -1).sum(axis=1)
            assert parents[tile.pixel // 4] > most


def test_few_galaxies_are_in_the_twelve_pixels_of_the_whole_sky() -> None:
    tiles = choose_tiles(count_galaxies(sky_indices(*sphere(2000))), 1000)
    assert [(tile.order, tile.pixel) for tile in tiles] == [(0, pixel) for pixel in range(12)]


def test_the_tiles_are_those_of_hats() -> None:
    hats = pytest.importorskip("hats.pixel_math.partition_stats", reason="hats is not installed")
    counts = count_galaxies(sky_indices(*sphere(2000)))
    alignment = hats.generate_alignment(counts, highest_order=COUNT_ORDER, threshold=40)
    theirs = {tuple(map(int, tile)) for tile in alignment if tile is not None and tile[2]}
    assert {(tile.order, tile.pixel, tile.galaxies) for tile in choose_tiles(counts, 40)} == theirs


def test_the_indices_are_those_of_hats() -> None:
    hats = pytest.importorskip("hats.pixel_math.spatial_index", reason="hats is not installed")
    ra_deg, dec_deg = sphere(2000)
    theirs = hats.compute_spatial_index(ra_deg, dec_deg)
    # The two libraries round the last bits in their own ways.
    assert np.mean(sky_indices(ra_deg, dec_deg) >> 8 == theirs >> 8) > 0.99


def test_the_poles_and_the_seam_have_their_places() -> None:
    ra_deg, dec_deg = np.array([0.0, 360.0, 45.0, 45.0]), np.array([0.0, 0.0, 90.0, -90.0])
    indices = sky_indices(ra_deg, dec_deg)
    assert indices[0] == indices[1]
    assert (indices[2:] >> 2 * INDEX_ORDER).tolist() == [0, 8]
