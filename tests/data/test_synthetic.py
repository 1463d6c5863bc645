"""The synthetic survey is seeded, has Galaxy10's classes, looks like the sky, and is not given away by its pixels."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from kamerton.config import SynthSettings
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.synthetic import (
    FEWEST_OF_A_CLASS,
    FIELD_ARCSEC,
    FOOTPRINT_DEC_DEG,
    GALAXY10_COUNTS,
    Exposure,
    blurred,
    class_counts,
    draw_labels,
    draw_positions,
    photograph,
    sky_plane,
    synthesise,
)
from kamerton.data.synthetic_shapes import disc


def pictures(label: int, count: int, size: int = 96, seed: int = 0) -> np.ndarray:
    """Galaxies of one class (count, size, size, 3) as numbers."""
    drawn = [photograph(label, size, np.random.default_rng([seed, label, number])) for number in range(count)]
    return np.stack(drawn).astype(float)


def axis_ratio(image_hwc: np.ndarray) -> float:
    """Minor to major axis from the second moments of what stands above the sky in the middle."""
    grey = image_hwc.mean(axis=-1)
    quarter = len(grey) // 4
    middle = np.clip(grey[quarter:-quarter, quarter:-quarter] - np.median(grey) - 15, 0, None)
    y, x = np.indices(middle.shape) - (len(middle) - 1) / 2
    moments = np.array([[(middle * a * b).sum() for a in (x, y)] for b in (x, y)])
    small, large = np.linalg.eigvalsh(moments)
    return float(np.sqrt(small / large))


# The catalogue


def test_the_same_settings_give_the_same_galaxies() -> None:
    settings = SynthSettings(count=12, size=32, seed=5)
    for one, again in zip(synthesise(settings), synthesise(settings), strict=True):
        np.testing.assert_array_equal(one.image_hwc, again.image_hwc)
        assert (one.label, one.id, one.ra_deg, one.dec_deg) == (again.label, again.id, again.ra_deg, again.dec_deg)


def test_another_seed_gives_other_galaxies() -> None:
    one, other = (next(synthesise(SynthSettings(count=12, size=32, seed=seed))) for seed in (0, 1))
    assert not np.array_equal(one.image_hwc, other.image_hwc)


def test_the_pixels_of_a_galaxy_do_not_depend_on_how_many_follow() -> None:
    few, many = (list(islice(synthesise(SynthSettings(count=n, size=32)), 30)) for n in (30, 300))
    same = [(a, b) for a, b in zip(few, many, strict=True) if a.label == b.label]
    assert same
    for a, b in same:
        np.testing.assert_array_equal(a.image_hwc, b.image_hwc)


@given(st.integers(1, 20_000))
def test_classes_have_galaxy10s_shares_and_none_is_nearly_empty(count: int) -> None:
    counts = class_counts(count)
    assert counts.sum() == count
    assert counts.min() >= min(FEWEST_OF_A_CLASS, count // len(CLASS_NAMES))
    shares = np.array(GALAXY10_COUNTS) / sum(GALAXY10_COUNTS)
    assert np.abs(counts - shares * count).max() <= FEWEST_OF_A_CLASS + 1


def test_labels_come_in_random_order() -> None:
    labels = draw_labels(SynthSettings(count=2000))
    assert (np.diff(labels) == 0).mean() < 0.2


def test_positions_lie_in_the_footprint_with_some_close_pairs() -> None:
    ra_deg, dec_deg = draw_positions(SynthSettings(count=1000))
    assert ((ra_deg >= 0) & (ra_deg < 360)).all()
    assert dec_deg.min() > FOOTPRINT_DEC_DEG[0] - 0.1
    assert dec_deg.max() < FOOTPRINT_DEC_DEG[1] + 0.1
    sky = SkyCoord(ra_deg, dec_deg, unit=u.deg)
    _, separation, _ = sky.match_to_catalog_sky(sky, nthneighbor=2)
    assert 30 <= (separation.arcsec < 33.5).sum() <= 50


# The pictures


@given(size=st.integers(16, 300), label=st.integers(0, 9))
def test_every_size_gives_rgb_bytes(size: int, label: int) -> None:
    image_hwc = photograph(label, size, np.random.default_rng(0))
    assert image_hwc.shape == (size, size, 3)
    assert image_hwc.dtype == np.uint8


@pytest.mark.parametrize("label", [2, 6, 9])
def test_another_size_shows_the_same_galaxy(label: int) -> None:
    large, small = (photograph(label, size, np.random.default_rng(3)).astype(float) for size in (128, 64))
    averaged = large.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.corrcoef(averaged[16:48, 16:48].ravel(), small[16:48, 16:48].ravel())[0, 1] > 0.97


def test_the_point_spread_keeps_the_light() -> None:
    light = np.stack([disc(sky_plane(128), 3.0)] * 3)
    exposure = Exposure(1.3, 0.009, np.ones((3, 1, 1), np.float32), np.full((3, 1, 1), 1e9, np.float32))
    seen = blurred(light, exposure)
    np.testing.assert_allclose(seen.sum(axis=(1, 2)), light.sum(axis=(1, 2)), rtol=2e-3)
    assert (seen.max(axis=(1, 2)) < light.max(axis=(1, 2))).all()


def test_smooth_classes_are_told_by_their_axis_ratio() -> None:
    rounds, between, cigars = (np.median([axis_ratio(i) for i in pictures(label, 30)]) for label in (2, 3, 4))
    assert rounds > 0.85 > between > 0.6 > cigars


def test_edge_on_discs_are_thinner_than_spirals() -> None:
    edge_on, spiral = (np.median([axis_ratio(i) for i in pictures(label, 30)]) for label in (8, 6))
    assert edge_on < 0.5 < spiral


def test_a_bulge_makes_an_edge_on_disc_thicker() -> None:
    without, with_bulge = (np.median([axis_ratio(i) for i in pictures(label, 60)]) for label in (8, 9))
    assert with_bulge > without + 0.05


@pytest.mark.parametrize("label", range(10))
def test_the_galaxy_stands_in_the_middle_above_the_sky(label: int) -> None:
    mean = pictures(label, 20).mean(axis=(0, 3))
    assert mean[40:56, 40:56].mean() > mean[:10].mean() + 30


def test_the_sky_is_as_dark_as_that_of_the_real_survey(real_data: object) -> None:
    """Median pixel of cutouts: thirty real ones from Galaxy10 DECaLS beside thirty drawn ones, 256 pixels."""
    from pathlib import Path

    from PIL import Image

    real = [np.asarray(Image.open(path)) for path in sorted(Path(str(real_data)).glob("images/galaxy10_decals/*.jpg"))]
    drawn = [photograph(number % 10, 256, np.random.default_rng(number)) for number in range(30)]
    real_sky, drawn_sky = (np.median([np.median(image) for image in images]) for images in (real, drawn))
    assert drawn_sky == pytest.approx(real_sky, abs=4)
    real_noise, drawn_noise = (
        np.median([np.std(image[:24, :24].astype(float)) for image in images]) for images in (real, drawn)
    )
    assert drawn_noise == pytest.approx(real_noise, rel=0.5)


def test_the_field_is_galaxy10s() -> None:
    assert pytest.approx(256 * 0.262, abs=0.1) == FIELD_ARCSEC


def test_the_nearest_pictures_by_pixels_hardly_tell_the_class() -> None:
    """A network trained on such a survey reaches three times this (docs/log.md)."""
    galaxies = list(synthesise(SynthSettings(count=700, size=32, seed=9)))
    pixels = np.stack([galaxy.image_hwc for galaxy in galaxies]).reshape(len(galaxies), -1).astype(np.float32)
    labels = np.array([galaxy.label for galaxy in galaxies])
    for neighbours in (1, 15):
        nearest = KNeighborsClassifier(neighbours).fit(pixels[:550], labels[:550])
        assert balanced_accuracy_score(labels[550:], nearest.predict(pixels[550:])) < 0.3
