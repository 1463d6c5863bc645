"""Pictures and FITS cutouts as a stream."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kamerton.config import PictureSettings, PixelOrigin
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.pictures.picture import read_picture
from kamerton.errors import KamertonWarning
from tests.data.importers.sources import imported, refusal, save_pictures, write_list, write_rows
from tests.data.pictures.picture_files import cutout, galaxy_bands


def write_cutouts(folder: Path, *cards: dict[str, Any], **columns: Sequence[object]) -> Path:
    """Write cutouts 0.fits... with these header cards and their list."""
    for row, header in enumerate(cards):
        cutout(folder, galaxy_bands(side=32), f"{row}.fits", **header)
    names = list(columns)
    rows = [[f"{row}.fits", "ab"[row % 2], *(columns[name][row] for name in names)] for row in range(len(cards))]
    return write_rows(folder / "list.csv", [["path", "label", *names], *rows])


def test_stretches_of_fits_cutouts_are_in_the_catalogue(real_data: Path, tmp_path: Path) -> None:
    cutouts = [real_data / f"fits/PGC0000{number}_gri.fits" for number in (548, 212)]
    source = write_rows(tmp_path / "list.csv", [["path", "label"], [cutouts[0], "a"], [cutouts[1], "b"]])
    with imported(source, size=32) as cube:
        table = cube.catalogue
        for row, path in enumerate(cutouts):
            stretch = read_picture(path, PictureSettings(size=32)).stretch
            assert stretch is not None
            assert table["asinh_stretch"][row] == stretch.stretch
            assert tuple(table[f"sky_{colour}"][row] for colour in ("red", "green", "blue")) == stretch.sky_rgb


def test_the_cube_says_how_its_pixels_came_to_be(tmp_path: Path) -> None:
    source = write_cutouts(tmp_path, {"BANDS": "zrg"}, {"BANDS": "grz"})
    with imported(source, q=6.0, stretch=20.0) as cube:
        assert cube.origin == PixelOrigin("asinh", ("g", "r", "z"), 6.0, 20.0)
        assert cube.history[-1] == "bands g, r, z, asinh stretch with Q 6 and scale 20"


def test_pictures_are_said_to_have_come_as_bytes(tmp_path: Path) -> None:
    with imported(write_list(tmp_path, ["a", "b"])) as cube:
        assert cube.origin == PixelOrigin("none")


@pytest.mark.parametrize("second", [{"BANDS": "gri"}, {}])
def test_cutouts_of_other_bands_do_not_mix(tmp_path: Path, second: dict[str, Any]) -> None:
    message = refusal(write_cutouts(tmp_path, {"BANDS": "grz"}, second))
    assert "list.csv row 2: " in message
    assert "1.fits: its pixels come to be in another way than those of the first, " in message
    assert "0.fits. " in message


def test_cutouts_without_names_go_with_others_once_they_are_named(tmp_path: Path) -> None:
    with imported(write_cutouts(tmp_path, {"BANDS": "grz"}, {}), bands="grz") as cube:
        assert cube.origin is not None
        assert cube.origin.bands == ("g", "r", "z")


def test_pictures_and_cutouts_do_not_mix(tmp_path: Path) -> None:
    cutout(tmp_path, galaxy_bands(side=8), BANDS="grz")
    save_pictures(tmp_path, ["0.png"])
    source = write_rows(tmp_path / "list.csv", [["path", "label"], ["0.png", "a"], ["cutout.fits", "b"]])
    assert "bands g, r, z, asinh stretch" in refusal(source)


def test_planes_that_nobody_named_are_said(tmp_path: Path) -> None:
    source = write_cutouts(tmp_path, {}, {})
    with pytest.warns(KamertonWarning, match=r"0\.fits: nothing says which bands.*from blue to red.*--bands grz"):
        imported(source).close()


@pytest.mark.parametrize("options", [{"bands": "grz"}, {}])
def test_planes_that_are_named_need_no_word(tmp_path: Path, options: dict[str, Any]) -> None:
    cards = {} if options else {"BANDS": "grz"}
    source = write_cutouts(tmp_path, *[cards] * 6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        imported(source, **options).close()


WCS_CARDS = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 16.5, "CRPIX2": 16.5,
    "CD1_1": -1e-4, "CD2_2": 1e-4,
}  # fmt: skip


def test_positions_come_from_the_headers(tmp_path: Path) -> None:
    with imported(write_cutouts(tmp_path, WCS_CARDS, {})) as cube:
        np.testing.assert_allclose(np.asarray(cube.catalogue["ra"]), [150.0, np.nan], atol=1e-9)
        np.testing.assert_allclose(np.asarray(cube.catalogue["dec"]), [2.0, np.nan], atol=1e-9)


def test_positions_of_the_list_come_first(tmp_path: Path) -> None:
    with imported(write_cutouts(tmp_path, WCS_CARDS, {}, ra=[1.5, 2.5], dec=[3, 4])) as cube:
        assert cube.catalogue["ra"].tolist() == [1.5, 2.5]
        assert cube.catalogue["dec"].tolist() == [3, 4]


def test_without_any_wcs_there_are_no_positions(tmp_path: Path) -> None:
    with imported(write_cutouts(tmp_path, {}, {})) as cube:
        assert not {"ra", "dec"} & set(cube.catalogue.colnames)


def test_plain_pictures_have_no_columns_of_a_stretch(tmp_path: Path) -> None:
    with imported(write_list(tmp_path, ["a"])) as cube:
        assert cube.catalogue.colnames == ["id"]


def test_real_list_with_names_of_galaxy10(real_data: Path, tmp_path: Path) -> None:
    rows = csv.DictReader((real_data / "labels.csv").read_text(encoding="utf-8").splitlines())
    wanted = [row | {"path": str(real_data / row["path"])} for row in rows if row["source"] == "galaxy10_decals"]
    table = [list(wanted[0]), *(list(row.values()) for row in wanted)]
    source = write_rows(tmp_path / "list.csv", table)
    with imported(source, size=64, label_column="galaxy10_name") as cube:
        assert cube.class_names == CLASS_NAMES
        np.testing.assert_array_equal(cube.labels, np.asarray(cube.catalogue["galaxy10"]))
