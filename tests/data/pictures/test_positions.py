"""The middle of a cutout on the sky, with Astropy's WCS and the surveys' own headers as judges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from kamerton.data.pictures.picture import read_picture
from kamerton.data.pictures.positions import middle_deg
from tests.data.pictures.picture_files import PLAIN

TAN = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 10.5, "CRPIX2": 20.5,
    "CD1_1": -1e-4, "CD2_2": 1e-4,
}  # fmt: skip
SHAPE = (40, 20)
"""Its middle is the pixel (10.5, 20.5) as FITS counts, where the reference of `TAN` lies."""


def header_of(**changes: Any) -> fits.Header:
    return fits.Header({name: value for name, value in (TAN | changes).items() if value is not None})


def test_the_middle_is_that_of_the_pixels() -> None:
    assert middle_deg(header_of(), SHAPE) == pytest.approx((150.0, 2.0), abs=1e-9)


@pytest.mark.parametrize("shape", [(3, 40, 20), (1, 40, 20)])
def test_bands_before_rows_and_columns_do_not_matter(shape: tuple[int, ...]) -> None:
    assert middle_deg(header_of(CTYPE3="WAVE", CRVAL3=5e-7, CRPIX3=1), shape) == pytest.approx((150.0, 2.0), abs=1e-9)


def test_a_middle_beside_the_reference_is_astropys() -> None:
    header = header_of(CRPIX1=-300.0, CRPIX2=1000.0, CD1_2=3e-5, CD2_1=2e-5)
    sky = WCS(header).pixel_to_world(9.5, 19.5)
    assert middle_deg(header, SHAPE) == pytest.approx((sky.ra.deg, sky.dec.deg), abs=1e-9)


def test_distortions_are_followed() -> None:
    sip = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e-4, "B_0_2": 1e-4}
    header = header_of(CRPIX1=-300.0, CRPIX2=1000.0, **sip)
    sky = WCS(header).pixel_to_world(9.5, 19.5)
    assert middle_deg(header, SHAPE) == pytest.approx((sky.ra.deg, sky.dec.deg), abs=1e-9)


@pytest.mark.parametrize(
    ("cards", "frame"),
    [
        ({"RADESYS": "FK5", "EQUINOX": 1975.0}, "fk5"),
        ({"RADESYS": "FK4", "EQUINOX": 1950.0}, "fk4"),
        ({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, "galactic"),
    ],
)
def test_other_frames_become_icrs(cards: dict[str, Any], frame: str) -> None:
    equinox = {"equinox": f"{'B' if frame == 'fk4' else 'J'}{cards['EQUINOX']}"} if "EQUINOX" in cards else {}
    wanted = SkyCoord(150 * units.deg, 2 * units.deg, frame=frame, **equinox).icrs
    found = middle_deg(header_of(**cards), SHAPE)
    assert found is not None
    assert SkyCoord(*found, unit="deg").separation(wanted).arcsec < 0.5


@pytest.mark.parametrize(
    "changes",
    [
        {"CTYPE1": None},
        {"CTYPE1": "LINEAR", "CTYPE2": "LINEAR"},
        {"CTYPE1": "TLON-TAN", "CTYPE2": "TLAT-TAN"},
        {"CTYPE1": "RA---TAB", "CTYPE2": "DEC--TAB"},
        {"CTYPE1": 5},
        {"CTYPE2": "RA---TAN"},
        {"CRVAL1": "north"},
        {"CRVAL1": None},
        {"CRPIX2": None},
        {"CD1_1": "-1e-4"},
        {"CD1_1": None, "CD2_2": None},
        {"CRVAL1": 1e300, "CRPIX1": 1e300},
        {"CD1_1": 0.0, "CD2_2": 0.0},
        {"CUNIT1": "parsec"},
        {"A_ORDER": 100_000_000, "B_ORDER": 100_000_000},
        {"A_ORDER": "high"},
        {"RADESYS": "MARS"},
        {"EQUINOX": "soon"},
    ],
)
def test_a_wcs_that_cannot_be_used_is_none(changes: dict[str, Any]) -> None:
    assert middle_deg(header_of(**changes), SHAPE) is None


@pytest.mark.parametrize(
    "name", ["bayesian_cnn_example_b", "zooniverse_decals_example", "zooniverse_decals_temp_small"]
)
def test_a_real_cutout_lies_where_its_survey_says(real_data: Path, name: str) -> None:
    """The Legacy Surveys' cutouts have their reference in the middle."""
    path = real_data / f"fits/decals_{name}.fits"
    position_deg = read_picture(path, PLAIN).position_deg
    header = fits.getheader(path)
    np.testing.assert_allclose(position_deg or (), (header["CRVAL1"], header["CRVAL2"]), atol=0.3 / 3600)


def test_real_cutouts_without_a_wcs_have_no_position(real_data: Path) -> None:
    for name in ("PGC0000212_gri", "hstx3960y6527.r"):
        assert read_picture(real_data / f"fits/{name}.fits", PLAIN).position_deg is None
