"""Right ascensions in hours are told of, and fields of a survey in degrees are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kamerton.data.hours import Extent
from kamerton.errors import KamertonWarning

LIST = Path("galaxies.csv")


def extent(ra: tuple[float, float], dec: tuple[float, float], count: int = 300, divided_by: float = 1) -> Extent:
    """Galaxies all over a field, which come in two parts."""
    drawn = np.random.default_rng(7).uniform(size=(count, 2))
    (west, east), (south, north) = ra, dec
    lowest, size = np.array([west / divided_by, south]), np.array([(east - west) / divided_by, north - south])
    positions_deg = lowest + drawn * size
    found = Extent()
    for part in np.array_split(positions_deg, 2):
        found.add(part)
    return found


@pytest.mark.parametrize(
    ("ra", "dec"),
    [((0, 360), (-90, 90)), ((110, 250), (-5, 70)), ((0, 360), (-1.2, 1.2)), ((193, 197), (26, 30))],
    ids=["the whole sky", "SDSS", "the equator", "Coma"],
)
def test_hours_are_told_of(ra: tuple[float, float], dec: tuple[float, float]) -> None:
    with pytest.warns(KamertonWarning, match=r"galaxies.csv: ra is taken as degrees, and looks like hours.* by 15"):
        extent(ra, dec, divided_by=15).say_if_hours(LIST)


@pytest.mark.parametrize(
    ("ra", "dec"),
    [((0, 360), (-90, 90)), ((0, 20), (-1.2, 1.2)), ((2, 23), (-30, 30)), ((10, 11), (40, 42)), ((-12, 12), (-60, 60))],
)
def test_degrees_are_not(ra: tuple[float, float], dec: tuple[float, float]) -> None:
    extent(ra, dec).say_if_hours(LIST)


def test_of_a_few_galaxies_nothing_is_said() -> None:
    extent((0, 360), (-90, 90), count=19, divided_by=15).say_if_hours(LIST)


def test_galaxies_without_a_position_count_for_nothing() -> None:
    found = extent((0, 360), (-90, 90), count=19, divided_by=15)
    found.add(np.full((100, 2), np.nan))
    found.say_if_hours(LIST)
