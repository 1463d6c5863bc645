"""Which bands a cutout shows is said by its header or by who imports it, and never guessed against either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from kamerton.config.pictures import PictureSettings
from kamerton.data.pictures.bands import bands_of, blue_to_red, weights_of
from kamerton.data.pictures.picture import read_picture
from kamerton.errors import PictureError
from tests.data.pictures.picture_files import PLAIN, cutout, galaxy_bands, refusal

GRZ = ("g", "r", "z")


@pytest.mark.parametrize(
    ("cards", "names"),
    [
        ({"BANDS": "grz"}, GRZ),
        ({"BANDS": "GRZ"}, GRZ),
        ({"BANDS": "g,r,z"}, GRZ),
        ({"BANDS": "g r z"}, GRZ),
        ({"BAND0": "g", "BAND1": "r", "BAND2": "z"}, GRZ),
        ({"BAND1": "g", "BAND2": "r", "BAND3": "z"}, GRZ),
        ({"BANDS": "grz", "BAND0": "g", "BAND1": "r", "BAND2": "z", "FILTER": "many"}, GRZ),
        ({"FILTER1": "g", "FILTER2": "r", "FILTER3": "z"}, GRZ),
        ({"FILTER": "grz"}, GRZ),
        ({"FILTER1": "F435W", "FILTER2": "F606W", "FILTER3": "F814W"}, ("F435W", "F606W", "F814W")),
        ({}, None),
        ({"BANDS": "DECaLS DR10"}, None),
        ({"BAND0": "g", "BAND1": "r"}, None),
        ({"BAND0": "g", "BAND1": "r", "BAND2": "i", "BAND3": "z"}, None),
        ({"FILTER": "r"}, None),
        ({"BANDS": 3}, None),
    ],
)
def test_three_planes_are_named_in_every_usual_way(cards: dict[str, object], names: tuple[str, ...] | None) -> None:
    assert bands_of("x", [fits.Header(cards)], None, 3) == names


@pytest.mark.parametrize(
    ("cards", "names"),
    [
        ({"FILTER": "r"}, ("r",)),
        ({"FILTER": "g DECam SDSS c0001 4720.0 1520.0"}, ("g",)),
        ({"FILTER": "HSC-I2"}, ("i",)),
        ({"FILTER": "r.00000"}, ("r",)),
        ({"FILTER": "F814W"}, ("F814W",)),
        ({"FILTER1": "CLEAR1L", "FILTER2": "F814W"}, ("F814W",)),
        ({"FILTER1": "F606W", "FILTER2": "CLEAR2S"}, ("F606W",)),
        ({"FILTER1": "F606W", "FILTER2": "POL0V"}, None),
        ({"BANDS": "z"}, ("z",)),
    ],
)
def test_a_single_plane_has_its_filter(cards: dict[str, object], names: tuple[str, ...] | None) -> None:
    assert bands_of("x", [fits.Header(cards)], None, 1) == names


def test_the_primary_header_names_what_the_images_own_does_not() -> None:
    headers = [fits.Header(), fits.Header({"BANDS": "grz"})]
    assert bands_of("x", headers, None, 3) == GRZ
    assert bands_of("x", [fits.Header({"BANDS": "gri"}), headers[1]], None, 3) == ("g", "r", "i")


def test_who_imports_may_name_what_no_header_does() -> None:
    assert bands_of("x", [fits.Header()], "g,r,z", 3) == bands_of("x", [fits.Header()], "grz", 3) == GRZ
    assert bands_of("x", [fits.Header({"BANDS": "zrg"})], "zrg", 3) == ("z", "r", "g")


@pytest.mark.parametrize(
    ("cards", "given", "says"),
    [
        ({"BANDS": "grz"}, "gri", r"its header says g, r, z, and --bands g, r, i"),
        ({"BANDS": "grz"}, "zrg", r"its header says g, r, z, and --bands z, r, g"),
        ({"BANDS": "grz", "BAND0": "z", "BAND1": "r", "BAND2": "g"}, None, "says g, r, z and z, r, g"),
        ({"BANDS": "gr"}, None, "names g, r for 3 planes"),
        ({"BANDS": "ggr"}, None, "names g, g, r for 3 planes"),
        ({}, "r", "1 band named, r, for 3 planes"),
    ],
)
def test_names_that_do_not_agree_are_refused(cards: dict[str, object], given: str | None, says: str) -> None:
    with pytest.raises(PictureError, match=says):
        bands_of("x", [fits.Header(cards)], given, 3)


def test_known_bands_are_ordered_by_wavelength_and_others_as_they_stand() -> None:
    assert blue_to_red(("z", "g", "r"), 3) == [1, 2, 0]
    assert blue_to_red(("F814W", "F435W", "F606W"), 3) == blue_to_red(None, 3) == [0, 1, 2]


def test_bands_without_known_weights_weigh_the_same() -> None:
    assert weights_of(("F435W", "F606W", "F814W"), 3) == weights_of(None, 3) == (1.0, 1.0, 1.0)
    assert weights_of(GRZ, 3) == pytest.approx((6.0 / 3.4, 1.0, 2.2 / 3.4))


def test_bands_that_are_named_are_read_as_those_of_a_header(tmp_path: Path) -> None:
    in_header = read_picture(cutout(tmp_path, galaxy_bands(), "a.fits", BANDS="zrg"), PLAIN)
    named = read_picture(cutout(tmp_path, galaxy_bands(), "b.fits"), PictureSettings(bands="zrg"))
    np.testing.assert_array_equal(named.image_hwc, in_header.image_hwc)
    assert in_header.origin == named.origin
    assert in_header.origin.bands == GRZ


def test_a_cutout_of_other_bands_than_named_is_refused_with_its_file(tmp_path: Path) -> None:
    path = cutout(tmp_path, galaxy_bands(), BANDS="gri")
    assert "HDU 0: the names of its bands do not agree" in refusal(path, PictureSettings(bands="grz"))
