"""A galaxy is known again by its picture, whatever was done to it, and no other is taken for it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kamerton.config.surveys import SynthSettings
from kamerton.data.cubes.cube import open_cube
from kamerton.data.likeness import alike_pairs, picture_features
from kamerton.data.marks import Features
from kamerton.data.synthetic.survey import synth

SURVEY = SynthSettings(count=80, size=96)


def smaller(image_hwc: np.ndarray) -> np.ndarray:
    side = 64 if len(image_hwc) > 100 else len(image_hwc) * 3 // 4
    return np.asarray(Image.fromarray(image_hwc).resize((side, side), Image.Resampling.LANCZOS))


def encoded(image_hwc: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image_hwc).save(file, "JPEG", quality=70)
    return np.asarray(Image.open(file))


def turned(image_hwc: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(image_hwc))


def mirrored(image_hwc: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image_hwc[:, ::-1])


def shifted(image_hwc: np.ndarray) -> np.ndarray:
    return np.pad(image_hwc, ((2, 0), (2, 0), (0, 0)), "edge")[:-2, :-2]


def all_five(image_hwc: np.ndarray) -> np.ndarray:
    return encoded(mirrored(turned(shifted(smaller(image_hwc)))))


Change = Callable[[np.ndarray], np.ndarray]
CHANGES: list[Change] = [smaller, encoded, turned, mirrored, shifted, all_five]


def features_of(images: list[np.ndarray]) -> Features:
    return np.concatenate([picture_features(image_hwc[np.newaxis]) for image_hwc in images])


@pytest.fixture(scope="module")
def real_images(real_data: Path) -> list[np.ndarray]:
    """Every fortieth of the real galaxies, of every source."""
    paths = pd.read_csv(real_data / "labels.csv")["path"][::40]
    return [np.asarray(Image.open(real_data / path).convert("RGB")) for path in paths]


@pytest.fixture(scope="module")
def synthetic_images(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """Galaxies of the synthetic survey."""
    folder = tmp_path_factory.mktemp("survey") / "data"
    synth(folder, count=SURVEY.count, size=SURVEY.size)
    with open_cube(folder / "train.fits") as cube:
        return list(cube.read(slice(None)))


@pytest.mark.parametrize("change", CHANGES)
def test_a_real_galaxy_is_known_again(real_images: list[np.ndarray], change: Change) -> None:
    known = features_of(real_images)
    changed = features_of([change(image_hwc) for image_hwc in real_images])
    assert [pair[:2] for pair in alike_pairs(changed, known)] == [(row, row) for row in range(len(known))]


@pytest.mark.parametrize("change", CHANGES)
def test_a_synthetic_galaxy_is_known_again(synthetic_images: list[np.ndarray], change: Change) -> None:
    known = features_of(synthetic_images)
    changed = features_of([change(image_hwc) for image_hwc in synthetic_images])
    found = {pair[:2] for pair in alike_pairs(changed, known)}
    assert found == {(row, row) for row in range(len(known))}


def test_no_two_galaxies_are_alike(real_images: list[np.ndarray], synthetic_images: list[np.ndarray]) -> None:
    assert alike_pairs(features_of(real_images)) == []
    assert alike_pairs(features_of(synthetic_images)) == []


def test_one_galaxy_photographed_by_two_surveys_is_found(real_data: Path) -> None:
    """No group of the list names this pair; the measurement of false alarms found it, and the eye agrees."""
    names = ("efigi/PGC0038950.jpg", "zooniverse_examples_gama/gama-7_a-0_1.jpg")
    images = [np.asarray(Image.open(real_data / "images" / name).convert("RGB")) for name in names]
    assert [pair[:2] for pair in alike_pairs(features_of(images))] == [(0, 1)]


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_the_number_of_channels_and_their_type_do_not_matter(channels: int) -> None:
    grey_nhwc = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 1), np.uint8)
    other = picture_features(np.repeat(grey_nhwc, channels, axis=3).astype(np.float32))
    assert {pair[:2] for pair in alike_pairs(picture_features(grey_nhwc), other)} == {(row, row) for row in range(4)}


@pytest.mark.parametrize("value", [0.0, 255.0, 17.3, np.nan, np.inf])
def test_a_picture_of_nothing_is_like_none(value: float) -> None:
    nothing = picture_features(np.full((2, 40, 40, 3), value, np.float32))
    assert not nothing.any()
    assert alike_pairs(nothing) == alike_pairs(nothing, nothing) == []


def test_among_no_pictures_none_is_alike() -> None:
    none = picture_features(np.empty((0, 40, 40, 3), np.uint8))
    assert alike_pairs(none) == alike_pairs(none, none) == []
