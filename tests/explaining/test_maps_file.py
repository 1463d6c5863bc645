"""Maps as FITS files that lie over their galaxies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from kamerton.config.pictures import PictureSettings
from kamerton.data.cubes.cube import open_cube
from kamerton.data.pictures.picture import read_picture
from kamerton.explaining.maps_file import BOTTOM_UP, TOP_DOWN, framed, write_map
from tests.conftest import write_toy_cube

STAR_XY = (41, 12)
"""Of the cutout, in pixels counted from 0, the bottom row first."""


@pytest.fixture
def cutout(tmp_path: Path) -> Path:
    """A cutout of 60 x 72 pixels with a WCS and a star away from its middle."""
    rng = np.random.default_rng(0)
    band = rng.normal(0, 0.01, (60, 72))
    x, y = np.meshgrid(np.arange(72), np.arange(60))
    band += 5 * np.exp(-((x - STAR_XY[0]) ** 2 + (y - STAR_XY[1]) ** 2) / 8)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150.0, 2.0], [36.5, 30.5]
    wcs.wcs.cdelt = [-0.262 / 3600, 0.262 / 3600]
    path = tmp_path / "cutout.fits"
    fits.PrimaryHDU(band.astype(np.float32), wcs.to_header()).writeto(path)
    return path


@pytest.mark.parametrize("settings", [PictureSettings(), PictureSettings(size=30), PictureSettings(crop=50, size=25)])
def test_a_map_has_the_star_where_the_cutout_has_it(cutout: Path, tmp_path: Path, settings: PictureSettings) -> None:
    image_hwc = read_picture(cutout, settings).image_hwc
    # The network looks at what is there; its map is the picture itself.
    map_hw = image_hwc.mean(-1).astype(np.float32)
    frame = framed(map_hw, len(image_hwc), cutout, settings, is_cube=False)
    write_map(tmp_path / "map.fits", frame, {"OBJECT": ("star", "identifier")})
    band, header = fits.getdata(cutout, header=True)
    found, written = fits.getdata(tmp_path / "map.fits", header=True)
    assert (found.shape, found.dtype) == (band.shape, np.dtype(">f4"))
    y, x = np.unravel_index(np.nanargmax(found), found.shape)
    assert np.hypot(x - STAR_XY[0], y - STAR_XY[1]) <= 2.5
    places = [WCS(one).pixel_to_world(*STAR_XY) for one in (header, written)]
    assert places[0].separation(places[1]).arcsec < 1e-6
    assert written["ROWORDER"] == BOTTOM_UP


def test_what_the_network_was_not_given_is_nan(cutout: Path) -> None:
    frame = framed(np.ones((25, 25), np.float32), 25, cutout, PictureSettings(crop=50, size=25), is_cube=False)
    assert np.isfinite(frame.map_hw).sum() == 50 * 50
    assert np.isfinite(frame.map_hw[5:55, 11:61]).all()


def test_a_map_of_a_cube_has_the_cubes_order_of_rows(tmp_path: Path) -> None:
    path = write_toy_cube(tmp_path / "cube.fits", 3)
    with open_cube(path) as cube:
        image_hw = cube.read(slice(0, 1))[0, ..., 0].astype(np.float32)
    frame = framed(image_hw, 32, None, PictureSettings(), is_cube=True)
    write_map(tmp_path / "map.fits", frame, {})
    np.testing.assert_array_equal(fits.getdata(tmp_path / "map.fits"), fits.getdata(path, 0)[0, ..., 0])
    assert fits.getheader(tmp_path / "map.fits")["ROWORDER"] == TOP_DOWN


def test_other_letters_are_escapes_and_the_sums_are_right(tmp_path: Path) -> None:
    frame = framed(np.zeros((4, 4), np.float32), 4, None, PictureSettings(), is_cube=True)
    write_map(tmp_path / "map.fits", frame, {"CLASS": ("późne \\ i nieregularne", "explained")})
    with fits.open(tmp_path / "map.fits", checksum=True) as hdus:
        assert hdus[0].header["CLASS"].encode().decode("unicode_escape") == "późne \\ i nieregularne"
        assert hdus[0].verify_checksum() == 1
