"""The synthetic survey is seeded, has Galaxy10's classes, looks like the sky, and is not given away by its pixels."""

from __future__ import annotations

import math
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import map_coordinates
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from kamerton.config.surveys import SynthSettings
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.synthetic.galaxies import (
    FEWEST_OF_A_CLASS,
    FIELD_ARCSEC,
    FOOTPRINT_DEC_DEG,
    GALAXY10_COUNTS,
    Exposure,
    Spots,
    add_spots,
    blurred,
    class_counts,
    draw_labels,
    draw_positions,
    photograph,
    sky_plane,
    synthesise,
)
from kamerton.data.synthetic.shapes import disc


@cache
def pictures(label: int, count: int, size: int = 96) -> np.ndarray:
    """Galaxies of one class (count, size, size, 3) as numbers."""
    drawn = [photograph(label, size, np.random.default_rng([0, label, number])) for number in range(count)]
    return np.stack(drawn).astype(float)


def above_sky(image_hwc: np.ndarray) -> np.ndarray:
    """The middle half of a picture (h, w), grey, sky and noise taken off."""
    grey = image_hwc.mean(axis=-1)
    quarter = len(grey) // 4
    return np.clip(grey[quarter:-quarter, quarter:-quarter] - np.median(grey) - 15, 0, None)


def second_moments(light_hw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre (x, y) and covariance (2, 2) of the light, pixels."""
    y, x = np.indices(light_hw.shape)
    places = np.stack([x.ravel(), y.ravel()])
    return np.average(places, axis=1, weights=light_hw.ravel()), np.cov(places, aweights=light_hw.ravel())


def axis_ratio(image_hwc: np.ndarray) -> float:
    """Minor to major axis of the light."""
    _, covariance = second_moments(above_sky(image_hwc))
    small, large = np.linalg.eigvalsh(covariance)
    return float(np.sqrt(small / large))


def pitch_deg(image_hwc: np.ndarray) -> float:
    """Pitch of the strongest two-armed logarithmic spiral, seen face-on (Davis et al. 2012, ApJS 199, 33)."""
    light = above_sky(image_hwc)
    centre, covariance = second_moments(light)
    sizes, axes = np.linalg.eigh(covariance)
    to_sky = axes @ np.diag(np.sqrt(sizes)) @ axes.T
    log_radius, azimuth = np.linspace(math.log(0.7), math.log(2.2), 64), np.linspace(0, 2 * math.pi, 96, endpoint=False)
    radius = np.exp(log_radius)[:, None]
    x, y = np.einsum("ij,jra->ira", to_sky, [radius * np.cos(azimuth), radius * np.sin(azimuth)])
    polar = map_coordinates(light, [centre[1] + y, centre[0] + x], order=1)
    contrast = polar / np.maximum(polar.mean(axis=1, keepdims=True), 1e-9) - 1
    two_arms = np.fft.fft(contrast, axis=1)[:, 2] * np.hanning(len(log_radius))
    windings = np.arange(2, 30, 0.25)
    strengths = [abs((two_arms * np.exp(-1j * way * windings[:, None] * log_radius)).sum(axis=1)) for way in (1, -1)]
    return math.degrees(math.atan(2 / windings[np.maximum(*strengths).argmax()]))


def redness(image_hwc: np.ndarray) -> float:
    """Red minus blue in the body of the galaxy, above the sky, of 255."""
    body = above_sky(image_hwc) > 15
    quarter = len(image_hwc) // 4
    excess = image_hwc[quarter:-quarter, quarter:-quarter] - np.median(image_hwc, axis=(0, 1))
    return float((excess[body][:, 0] - excess[body][:, 2]).mean())


def galaxy10_cutouts(real_data: Path) -> list[np.ndarray]:
    """Thirty cutouts of Galaxy10 DECaLS, three of each class."""
    return [np.asarray(Image.open(path), float) for path in sorted(real_data.glob("images/galaxy10_decals/*.jpg"))]


# The catalogue


def test_the_same_settings_give_the_same_galaxies() -> None:
    survey = SynthSettings(count=12, size=32, seed=5)
    for one, again in zip(synthesise(survey), synthesise(survey), strict=True):
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


@given(st.integers(200, 20_000))
def test_the_largest_remainders_get_the_galaxies_left_over(count: int) -> None:
    """Where every class has its three by right, whole numbers say: floor, then one more to those who lost most."""
    total = sum(GALAXY10_COUNTS)
    floors = [share * count // total for share in GALAXY10_COUNTS]
    remainders = [share * count % total for share in GALAXY10_COUNTS]
    counts = class_counts(count)
    got_one_more = [bool(n - floor) for n, floor in zip(counts, floors, strict=True)]
    assert sum(got_one_more) == count - sum(floors)
    winners = [remainder for remainder, more in zip(remainders, got_one_more, strict=True) if more]
    losers = [remainder for remainder, more in zip(remainders, got_one_more, strict=True) if not more]
    assert min(winners, default=total) >= max(losers)


def test_the_labels_are_the_counts_shuffled() -> None:
    labels = draw_labels(SynthSettings(count=500))
    np.testing.assert_array_equal(np.bincount(labels), class_counts(500))


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
@settings(max_examples=60)
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


@pytest.mark.parametrize("width_arcsec", [0.0, 2.0])
def test_a_spot_brings_all_its_light(width_arcsec: float) -> None:
    """Moffat's wings leave less than 2% outside 12 arcsec."""
    flux_grz = np.array([[10.0, 20.0, 30.0]], np.float32)
    one = np.ones(1, np.float32)
    spot = Spots(flux_grz, width_arcsec * one, 0.7 * one, 0.5 * one, np.array([[3.0, -2.0]], np.float32), 12.0)
    scene = np.zeros((3, 256, 256), np.float32)
    add_spots(scene, spot, Exposure(1.3, 0.009, np.ones((3, 1, 1), np.float32), np.full((3, 1, 1), 1e9, np.float32)))
    np.testing.assert_allclose(scene.sum(axis=(1, 2)) * (FIELD_ARCSEC / 256) ** 2, flux_grz[0], rtol=0.02)
    y, x = np.unravel_index(scene[1].argmax(), (256, 256))
    np.testing.assert_allclose([(y - 127.5) * FIELD_ARCSEC / 256, (x - 127.5) * FIELD_ARCSEC / 256], [3, -2], atol=0.14)


def test_smooth_classes_are_told_by_their_axis_ratio() -> None:
    rounds, between, cigars = (np.median([axis_ratio(i) for i in pictures(label, 30)]) for label in (2, 3, 4))
    assert rounds > 0.85 > between > 0.6 > cigars


def test_edge_on_discs_are_thinner_than_spirals() -> None:
    edge_on, spiral = (np.median([axis_ratio(i) for i in pictures(label, 30)]) for label in (8, 6))
    assert edge_on < 0.5 < spiral


def test_a_bulge_makes_an_edge_on_disc_thicker_and_its_middle_brighter() -> None:
    without, with_bulge = (np.median([axis_ratio(i) for i in pictures(label, 60)]) for label in (8, 9))
    assert with_bulge > without + 0.05
    without, with_bulge = (np.median(pictures(label, 60)[:, 45:51, 45:51]) for label in (8, 9))
    assert with_bulge > without + 25


def test_tight_arms_wind_more_tightly_than_loose_ones() -> None:
    tight, loose = (np.median([pitch_deg(i) for i in pictures(label, 30, size=256)]) for label in (6, 7))
    assert tight < 18
    assert loose > 28


def test_discs_of_arms_are_bluer_than_discs_behind_their_own_dust() -> None:
    spirals, edge_on = (
        np.median([redness(i) for label in labels for i in pictures(label, 40)]) for labels in ((5, 6, 7), (8, 9))
    )
    assert edge_on > spirals + 10


@pytest.mark.parametrize("label", range(10))
def test_the_galaxy_stands_in_the_middle_above_the_sky(label: int) -> None:
    mean = pictures(label, 20).mean(axis=(0, 3))
    assert mean[40:56, 40:56].mean() > mean[:10].mean() + 30


def test_sky_and_noise_are_those_of_the_real_survey(real_data: Path) -> None:
    real, drawn = galaxy10_cutouts(real_data), [i for label in range(10) for i in pictures(label, 3, size=256)]
    real_sky, drawn_sky = (np.median([np.median(i, axis=(0, 1)) for i in images], axis=0) for images in (real, drawn))
    np.testing.assert_allclose(drawn_sky, real_sky, atol=3)
    real_noise, drawn_noise = (np.median([i[:24, :24].std() for i in images]) for images in (real, drawn))
    assert drawn_noise == pytest.approx(real_noise, rel=0.25)


def test_colours_are_those_of_the_real_survey(real_data: Path) -> None:
    """The thirty real galaxies scatter by 26, so that their median is known to about 6."""
    drawn = [i for label in range(10) for i in pictures(label, 8, size=256)]
    real_redness, drawn_redness = ([redness(i) for i in images] for images in (galaxy10_cutouts(real_data), drawn))
    assert np.median(drawn_redness) == pytest.approx(np.median(real_redness), abs=15)
    assert np.std(drawn_redness) == pytest.approx(np.std(real_redness), rel=0.4)


def test_the_sky_is_dark_grey() -> None:
    """What needs no real data: 30 to 40 of 255 in each colour, as in the DECaLS viewer."""
    sky = np.median([np.median(i, axis=(0, 1)) for label in range(10) for i in pictures(label, 3, size=256)], axis=0)
    assert ((sky >= 30) & (sky <= 40)).all()
    assert np.ptp(sky) <= 2


def test_the_field_is_galaxy10s() -> None:
    assert pytest.approx(256 * 0.262, abs=0.1) == FIELD_ARCSEC


@pytest.mark.parametrize("components", [None, 20])
@pytest.mark.parametrize("neighbours", [1, 5, 15])
def test_the_nearest_pictures_hardly_tell_the_class(components: int | None, neighbours: int) -> None:
    """Raw pixels and principal components; the largest class alone gives 0.15."""
    pixels, labels = small_survey()
    nearest = KNeighborsClassifier(neighbours)
    if components:
        nearest = make_pipeline(PCA(components, random_state=0), nearest)
    accuracy = cross_val_score(nearest, pixels, labels, cv=4).mean()
    assert accuracy < (0.42 if components else 0.33)


@cache
def small_survey() -> tuple[np.ndarray, np.ndarray]:
    """Pixels (600, 32 x 32 x 3) and labels (600,)."""
    galaxies = list(synthesise(SynthSettings(count=600, size=32, seed=9)))
    pixels = np.stack([galaxy.image_hwc.ravel() for galaxy in galaxies]).astype(np.float32)
    return pixels, np.array([galaxy.label for galaxy in galaxies])
