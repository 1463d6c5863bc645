"""Pictures and FITS cutouts as a stream."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from kamerton.config import PictureSettings
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.pictures.picture import read_picture
from tests.data.importers.sources import imported, save_pictures, write_list, write_rows


def test_stretches_of_fits_cutouts_are_in_the_catalogue(real_data: Path, tmp_path: Path) -> None:
    cutout = real_data / "fits/PGC0000548_gri.fits"
    save_pictures(tmp_path, ["0.png"], side=32)
    source = write_rows(tmp_path / "list.csv", [["path", "label"], [cutout, "a"], ["0.png", "b"]])
    stretch = read_picture(cutout, PictureSettings(size=32)).stretch
    assert stretch is not None
    with imported(source, size=32) as cube:
        table = cube.catalogue
        assert table["asinh_stretch"][0] == stretch.stretch
        assert tuple(table[f"sky_{colour}"][0] for colour in ("red", "green", "blue")) == stretch.sky_rgb
        assert np.isnan(np.asarray(table["asinh_stretch"])[1])


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
