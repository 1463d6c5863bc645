"""Who judges whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kamerton.config.labels import LabelsSettings
from kamerton.errors import CubeError, KamertonWarning, UsageError
from kamerton.labelling.folds import HELD, TRAIN, VALID, Folds, deal
from kamerton.labelling.galaxies import open_galaxies
from kamerton.progress import Silent
from tests.conftest import toy_galaxies, write_cube


def dealt(cube: Path, **settings: Any) -> Folds:
    with open_galaxies(cube, Silent()) as galaxies:
        return deal(galaxies, LabelsSettings(**settings), {}, Silent())


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), np.uint8)


def test_every_fold_has_its_share_of_every_class(tmp_path: Path, noise: np.ndarray) -> None:
    labels = np.arange(60) % 3
    folds = np.array(dealt(write_cube(tmp_path / "a.fits", noise, labels), folds=4).fold_of)
    counts = np.array([np.bincount(labels[folds == fold], minlength=3) for fold in range(4)])
    assert (counts == 5).all()


def test_neighbours_on_the_sky_stay_together(tmp_path: Path, noise: np.ndarray) -> None:
    ra = np.repeat(np.arange(30) * 3.0, 2) + np.tile([0, 10 / 3600], 30)
    cube = write_cube(tmp_path / "a.fits", noise, np.arange(60) % 3, ra=ra, dec=np.zeros(60))
    folds = np.array(dealt(cube).fold_of)
    assert (folds[::2] == folds[1::2]).all()
    apart = np.array(dealt(cube, group_radius_arcsec=5.0).fold_of)
    assert (apart[::2] != apart[1::2]).any()


@pytest.mark.parametrize("column", ["group", "mother"])
def test_equal_values_of_the_group_column_stay_together(tmp_path: Path, noise: np.ndarray, column: str) -> None:
    values: dict[str, Any] = {column: [f"m{row // 3}" for row in range(60)]}
    cube = write_cube(tmp_path / "a.fits", noise, np.arange(60) % 2, ("a", "b"), **values)
    # A column named group is taken without being asked for.
    folds = np.array(dealt(cube, group_column=None if column == "group" else column).fold_of).reshape(20, 3)
    assert (folds == folds[:, :1]).all()


def test_the_same_galaxy_turned_stays_with_itself(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:48, :48]
    images_nhwc = np.zeros((20, 48, 48, 3), np.uint8)
    for image_hwc in images_nhwc:
        light = rng.uniform(0, 30, (48, 48))
        for _ in range(12):
            light += 150 * np.exp(-((y - rng.uniform(5, 43)) ** 2 + (x - rng.uniform(5, 43)) ** 2) / rng.uniform(3, 20))
        image_hwc[:] = light.clip(0, 255)[..., np.newaxis]
    twice = np.concatenate([images_nhwc, np.rot90(images_nhwc, 1, (1, 2))])
    found = dealt(write_cube(tmp_path / "a.fits", twice, np.arange(40) % 2, ("a", "b")))
    assert found.fold_of[:20] == found.fold_of[20:]
    assert [(pair.first, pair.second) for pair in found.alike] == [(row, row + 20) for row in range(20)]


def test_a_fold_s_network_learns_every_class_and_watches_none_that_it_judges(tmp_path: Path, noise: np.ndarray) -> None:
    # Two galaxies of the rarest class: whichever is judged, the other is learned from.
    labels = np.array([2, 2, *(np.arange(58) % 2)])
    with pytest.warns(KamertonWarning, match="classes of fewer galaxies than there are folds"):
        folds = dealt(write_cube(tmp_path / "a.fits", noise, labels))
    for fold in range(5):
        parts = folds.parts(fold, labels, seed=0)
        assert ((parts == HELD) == (np.array(folds.fold_of) == fold)).all()
        assert set(labels[parts == TRAIN]) == {0, 1, 2}
        assert (parts == VALID).any()


def test_a_class_of_one_galaxy_is_refused_by_name(tmp_path: Path, noise: np.ndarray) -> None:
    cube = write_cube(tmp_path / "a.fits", noise, [2, *(np.arange(59) % 2)])
    with pytest.raises(CubeError, match=r"classes of one galaxy.*striped 1"):
        dealt(cube)


def test_a_class_of_one_group_is_refused(tmp_path: Path, noise: np.ndarray) -> None:
    group = ["", *["g"] * 3, *[""] * 56]
    cube = write_cube(tmp_path / "a.fits", noise, [0, 2, 2, 2, *(np.arange(56) % 2)], group=group)
    with pytest.raises(CubeError, match=r"stay together.*striped 3"):
        dealt(cube)


def test_more_folds_than_galaxies_are_refused(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 32, 0)
    with pytest.raises(CubeError, match="too few separate galaxies for 9 folds"):
        dealt(write_cube(tmp_path / "a.fits", images_nhwc, labels), folds=9)


def test_an_unknown_group_column_is_refused_with_the_known_ones(tmp_path: Path, noise: np.ndarray) -> None:
    cube = write_cube(tmp_path / "a.fits", noise, np.arange(60) % 3, mother=["a"] * 60)
    with pytest.raises(UsageError, match=r"no column 'father'.*id, mother"):
        dealt(cube, group_column="father")
