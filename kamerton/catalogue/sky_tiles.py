"""The sky in tiles of about as many galaxies each: HEALPix pixels in the nested scheme (Górski et al. 2005)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units
from jaxtyping import Float64, Int64

INDEX_ORDER = 29
"""The finest that fits 64 bits: 0.4 milliarcseconds, so that the index is a place on the sky."""

COUNT_ORDER = 8
"""Tiles are not smaller than a pixel of this order (0.05 square degrees), nor are galaxies counted in smaller ones."""

BASE_PIXELS = 12

Indices = Int64[np.ndarray, " n"]
Counts = Int64[np.ndarray, " pixels"]


@dataclass(frozen=True)
class Tile:
    """One pixel of the sky and how many galaxies are in it."""

    order: int
    pixel: int
    galaxies: int

    @property
    def first_index(self) -> int:
        """The first of its indices; they are consecutive."""
        return self.pixel << 2 * (INDEX_ORDER - self.order)


def sky_indices(ra_deg: Float64[np.ndarray, " n"], dec_deg: Float64[np.ndarray, " n"]) -> Indices:
    """Give the HEALPix index of order 29 of each position (degrees, ICRS)."""
    from astropy_healpix import lonlat_to_healpix

    lonlat = ra_deg * units.deg, dec_deg * units.deg
    return np.asarray(lonlat_to_healpix(*lonlat, 2**INDEX_ORDER, order="nested"), np.int64)


def count_galaxies(indices: Indices) -> Counts:
    """Count galaxies by pixel of the order in which they are counted."""
    return np.bincount(indices >> 2 * (INDEX_ORDER - COUNT_ORDER), minlength=BASE_PIXELS << 2 * COUNT_ORDER)


def choose_tiles(counts: Counts, most_galaxies: int) -> list[Tile]:
    """Part the sky into the largest tiles of at most so many galaxies, in the order of their indices.

    Only the smallest ones may have more. Tiles without galaxies are left out.
    """
    tiles: list[Tile] = []
    pixels = np.arange(BASE_PIXELS)
    for order in range(COUNT_ORDER + 1):
        galaxies = counts.reshape(BASE_PIXELS << 2 * order, -1).sum(axis=1)
        pixels = pixels[galaxies[pixels] > 0]
        is_tile = (galaxies[pixels] <= most_galaxies) | (order == COUNT_ORDER)
        tiles += [Tile(order, int(pixel), int(galaxies[pixel])) for pixel in pixels[is_tile]]
        pixels = (pixels[~is_tile][:, None] * 4 + np.arange(4)).reshape(-1)
    return sorted(tiles, key=lambda tile: tile.first_index)


def tile_numbers(indices: Indices, tiles: Sequence[Tile]) -> Indices:
    """Tell in which of these tiles each index is."""
    return np.searchsorted([tile.first_index for tile in tiles], indices, side="right") - 1
