"""Kinds of galaxies that fare worse than the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kamerton.labelling.galaxies import open_galaxies
from kamerton.labelling.groups import MEASURES, Group, find_groups, measure_pictures
from kamerton.progress import Silent
from tests.conftest import write_cube


def test_a_gaussian_is_measured_as_it_was_made() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:65, :65] - 32
    pictures = []
    for sigma in (4.0, 8.0):
        light = 100 * np.exp(-(x**2 + y**2) / (2 * sigma**2)) + 20 + rng.normal(0, 1.5, (65, 65))
        pictures.append(np.repeat(light[..., np.newaxis], 3, axis=2))
    found = measure_pictures(np.stack(pictures).astype(np.float32))
    brightness, size, noise = found.T
    # The noise that is cut at the sky adds 0.4 of itself to the light of every pixel.
    expected = [100 * 2 * np.pi * sigma**2 / 65**2 + 0.4 * 1.5 for sigma in (4, 8)]
    assert brightness == pytest.approx(expected, rel=0.08)
    assert size[1] == pytest.approx(8 * 1.1774, rel=0.1)
    assert size[0] < size[1]
    assert noise == pytest.approx([1.5, 1.5], rel=0.1)


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    images_nhwc = np.random.default_rng(0).integers(0, 256, (400, 16, 16, 3), np.uint8)
    telescope = ["old" if row % 4 == 0 else "new" for row in range(400)]
    return write_cube(
        tmp_path / "a.fits",
        images_nhwc,
        np.arange(400) % 3,
        telescope=telescope,
        seeing=np.linspace(1, 2, 400),
        id=[f"name {row}" for row in range(400)],
        ra=np.linspace(0, 300, 400),
        dec=np.zeros(400),
    )


def groups(cube: Path, agrees: np.ndarray) -> list[Group]:
    with open_galaxies(cube, Silent()) as galaxies:
        return find_groups(galaxies, agrees, ~agrees)


def test_classes_measures_and_columns_are_looked_at_and_names_and_places_are_not(cube: Path) -> None:
    found = groups(cube, np.arange(400) % 5 > 0)
    assert {group.by for group in found} == {"class", *MEASURES, "telescope", "seeing"}
    bins = [group for group in found if group.by == "seeing"]
    assert sum(group.galaxies for group in bins) == 400
    assert [group.has_upper_end for group in bins] == [False, False, False, True]
    assert [group.ends[0] for group in bins if group.ends] == pytest.approx([1, 1.25, 1.5, 1.75], abs=0.01)


def test_a_column_of_a_measure_s_name_hides_nothing(tmp_path: Path) -> None:
    images_nhwc = np.random.default_rng(0).integers(0, 256, (80, 16, 16, 3), np.uint8)
    cube = write_cube(tmp_path / "a.fits", images_nhwc, np.arange(80) % 3, size=np.arange(80))
    found = {group.of for group in groups(cube, np.arange(80) % 5 > 0) if group.by == "size"}
    assert found == {"measure", "column"}


def test_a_kind_that_fares_worse_is_found_and_no_other(cube: Path) -> None:
    rng = np.random.default_rng(1)
    is_old = np.arange(400) % 4 == 0
    agrees = rng.random(400) < np.where(is_old, 0.6, 0.9)
    worse = [group for group in groups(cube, agrees) if group.is_worse]
    assert [(group.by, group.name, group.galaxies) for group in worse] == [("telescope", "old", 100)]
    assert worse[0].agreement.value == agrees[is_old].mean()
    assert worse[0].agreement.low < worse[0].agreement.value < worse[0].agreement.high
    assert worse[0].issues == (~agrees[is_old]).sum()


def test_by_chance_alone_no_kind_fares_worse(cube: Path) -> None:
    for seed in range(5):
        assert not any(group.is_worse for group in groups(cube, np.random.default_rng(seed).random(400) < 0.8))
