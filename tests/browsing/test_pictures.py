"""The pictures of a catalogue's galaxies."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kamerton.browsing.pictures import Pictures
from kamerton.catalogue.predict import predict
from kamerton.catalogue.readers import open_catalogue
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import DataError, PictureError
from kamerton.runs.folder import Run
from tests.browsing.conftest import COUNT, FORMS
from tests.conftest import write_toy_cube


@pytest.mark.parametrize("form", FORMS)
def test_each_galaxy_has_its_own_picture(catalogues: Path, form: str) -> None:
    with ExitStack() as held:
        pictures = Pictures(held.enter_context(open_catalogue(catalogues / form)), held)
        for row in (0, 15, 16, COUNT - 1):
            name = f"łuk {row:02d}.png"
            np.testing.assert_array_equal(pictures.image(row, name), Image.open(catalogues / "new" / name))
            assert pictures.path(row, name) == str(catalogues / "new" / name)


@pytest.mark.parametrize("form", ["night", "one.parquet"])
def test_the_id_decides_and_not_the_row(catalogues: Path, form: str) -> None:
    with ExitStack() as held:
        pictures = Pictures(held.enter_context(open_catalogue(catalogues / form)), held)
        np.testing.assert_array_equal(pictures.image(3, "łuk 40.png"), Image.open(catalogues / "new" / "łuk 40.png"))


@pytest.mark.parametrize("name", ["../new/łuk 03.png", "/etc/passwd", "łuk 99.png", ""])
def test_an_id_that_no_galaxy_has_is_no_picture(catalogues: Path, name: str) -> None:
    with ExitStack() as held:
        pictures = Pictures(held.enter_context(open_catalogue(catalogues / "night")), held)
        with pytest.raises(DataError, match="not where the catalogue found it"):
            pictures.image(3, name)
        assert pictures.path(3, name) == ""


def test_a_picture_that_cannot_be_read_says_why(catalogues: Path) -> None:
    with ExitStack() as held:
        pictures = Pictures(held.enter_context(open_catalogue(catalogues / "night")), held)
        with pytest.raises(PictureError, match=r"łuk 07\.png"):
            pictures.image(7, "łuk 07.png")


def test_rows_in_the_order_of_the_sky_find_theirs(tiles: Path) -> None:
    with ExitStack() as held, open_cube(tiles.parent.parent / "sky.fits") as cube:
        catalogue = held.enter_context(open_catalogue(tiles))
        ids = [name for table in catalogue.tables(["id"]) for name in table["id"].to_pylist()]
        assert ids != list(cube.ids)
        pictures = Pictures(catalogue, held)
        for row, name in enumerate(ids):
            image = cube.read(slice(None))[list(cube.ids).index(name)]
            np.testing.assert_array_equal(pictures.image(row, name), image)
        assert pictures.path(0, ids[0]) == ""


def test_images_that_are_gone_or_other_ones_are_said(calibrated: Run, tmp_path: Path) -> None:
    cube = write_toy_cube(tmp_path / "new.fits", 12, seed=3)
    predict(calibrated, cube, out=tmp_path / "one.parquet")
    shutil.move(cube, tmp_path / "away.fits")
    with ExitStack() as held:
        catalogue = held.enter_context(open_catalogue(tmp_path / "one.parquet"))
        with pytest.raises(DataError, match="is not there"):
            Pictures(catalogue, held)
        write_toy_cube(tmp_path / "new.fits", 12, seed=4)
        with pytest.raises(DataError, match="was changed since"):
            Pictures(catalogue, held)
