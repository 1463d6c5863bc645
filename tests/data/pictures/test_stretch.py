"""Bands of light get the colours and brightness that their survey's own pictures have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from astropy.visualization import make_lupton_rgb

from kamerton.config.pictures import PictureSettings
from kamerton.data.pictures.picture import read_picture
from kamerton.data.pictures.stretch import apply_stretch, resolve_stretch
from tests.conftest import REAL_DATA
from tests.data.pictures.picture_files import BAD_BAND, PLAIN, cutout, galaxy_bands

GOOD_CUTOUTS = [path for path in sorted((REAL_DATA / "fits").glob("*.fits")) if path.name != BAD_BAND]


def test_given_stretch_is_astropys_lupton_rgb(tmp_path: Path) -> None:
    bands_chw = galaxy_bands()
    path = cutout(tmp_path, bands_chw)
    picture = read_picture(path, PictureSettings(q=6.0, stretch=20.0))
    assert picture.stretch is not None
    sky = picture.stretch.sky_rgb
    red, green, blue = (bands_chw[band].astype(float) - sky[2 - band] for band in (2, 1, 0))
    expected = make_lupton_rgb(red, green, blue, stretch=20.0, Q=6.0)
    np.testing.assert_array_equal(picture.image_hwc, expected[::-1])


def test_legacy_bands_are_weighted_as_in_their_viewer(tmp_path: Path) -> None:
    picture = read_picture(cutout(tmp_path, galaxy_bands(), BANDS="grz"), PLAIN)
    assert picture.stretch is not None
    assert picture.stretch.weight_rgb == pytest.approx((2.2 / 3.4, 1.0, 6.0 / 3.4))


def test_unnamed_bands_have_equal_weights(tmp_path: Path) -> None:
    picture = read_picture(cutout(tmp_path, galaxy_bands()), PLAIN)
    assert picture.stretch is not None
    assert picture.stretch.weight_rgb == (1.0, 1.0, 1.0)


def test_sky_is_found_beside_a_bright_neighbour() -> None:
    bands_chw = galaxy_bands(side=60).astype(float)
    bands_chw[:, :5, :5] += 5000
    stretch = resolve_stretch(bands_chw, (1.0, 1.0, 1.0), PLAIN)
    assert stretch.sky_rgb == pytest.approx((5.0, 5.0, 5.0), abs=0.2)


def test_stretch_follows_the_units_of_the_image() -> None:
    bands_chw = galaxy_bands().astype(float)
    weights = (1.0, 1.0, 1.0)
    counts, flux = (resolve_stretch(bands_chw * unit, weights, PLAIN) for unit in (1.0, 1e-3))
    assert flux.stretch == pytest.approx(counts.stretch * 1e-3)


def test_what_was_recorded_gives_the_same_pixels_again(tmp_path: Path) -> None:
    bands_chw = galaxy_bands()
    picture = read_picture(cutout(tmp_path, bands_chw), PLAIN)
    assert picture.stretch is not None
    np.testing.assert_array_equal(apply_stretch(bands_chw.astype(float), picture.stretch), picture.image_hwc)


def test_noiseless_sky_is_black(tmp_path: Path) -> None:
    bands_chw = np.maximum(galaxy_bands(noise=0.0) - 6, 0)
    image_hwc = read_picture(cutout(tmp_path, bands_chw), PLAIN).image_hwc
    assert (np.median(image_hwc), image_hwc.max() > 150) == (0, True)


@pytest.mark.parametrize("path", GOOD_CUTOUTS, ids=lambda path: path.stem)
def test_real_sky_is_dark(path: Path) -> None:
    image_hwc = read_picture(path, PLAIN).image_hwc
    assert np.median(image_hwc) < 30


@pytest.mark.parametrize("path", GOOD_CUTOUTS, ids=lambda path: path.stem)
def test_real_galaxy_stands_out_and_is_not_burnt_out(path: Path) -> None:
    image_hwc = read_picture(path, PLAIN).image_hwc
    side = len(image_hwc)
    centre_hwc = image_hwc[3 * side // 8 : 5 * side // 8, 3 * side // 8 : 5 * side // 8]
    assert np.percentile(centre_hwc, 99) > 80
    assert (centre_hwc == 255).mean() < 0.01


def centre_colour(image_hwc: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Red and blue relative to green."""
    red, green, blue = image_hwc.mean(axis=(0, 1))
    return np.array([red, blue]) / green


@pytest.mark.parametrize("name", ["PGC0000212", "PGC0000218", "PGC0000243", "PGC0000255"])
def test_efigi_cutout_has_the_colours_of_efigis_own_picture(real_data: Path, name: str) -> None:
    ours, theirs = (
        centre_colour(read_picture(real_data / place, PictureSettings(crop=crop)).image_hwc)
        for place, crop in ((f"fits/{name}_gri.fits", 36), (f"images/efigi/{name}.jpg", 20))
    )
    np.testing.assert_allclose(ours, theirs, rtol=0.15)
