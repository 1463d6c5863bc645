"""A written cube is sound FITS by Astropy's own judgement, and is whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.errors import OutputError
from tests.conftest import CLASS_NAMES, toy_galaxies, write_toy_cube


def test_astropy_finds_nothing_wrong_and_every_checksum_right(toy_cube: Path) -> None:
    with fits.open(toy_cube, checksum=True) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "LABELS", "CATALOG"]
        assert all("CHECKSUM" in hdu.header and "DATASUM" in hdu.header for hdu in hdus)


def test_astropy_reads_back_what_was_written(toy_cube: Path) -> None:
    images_nhwc, labels = toy_galaxies(30, 32, 0)
    with fits.open(toy_cube) as hdus:
        np.testing.assert_array_equal(hdus[0].data, images_nhwc)
        np.testing.assert_array_equal(hdus[1].data, labels)
        assert [hdus[1].header[f"CLASS{index}"] for index in range(3)] == list(CLASS_NAMES)
        assert hdus[2].header["RADESYS"] == "ICRS"


@pytest.mark.parametrize("at_once", [1, 7, 30])
def test_the_bytes_do_not_depend_on_how_images_were_handed_over(tmp_path: Path, toy_cube: Path, at_once: int) -> None:
    images_nhwc, labels = toy_galaxies(30, 32, 0)
    with open_cube(toy_cube) as cube:
        catalogue = cube.catalogue
    path = tmp_path / "again.fits"
    with CubeWriter(path, image_shape=(32, 32, 3), dtype=np.uint8, class_names=CLASS_NAMES) as writer:
        for start in range(0, 30, at_once):
            writer.append(images_nhwc[start : start + at_once])
        writer.finish(labels, catalogue)
    assert path.read_bytes() == toy_cube.read_bytes()


def test_float_pixels_survive_to_the_bit(tmp_path: Path) -> None:
    images_nhwc = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 2)).astype(np.float32)
    with CubeWriter(tmp_path / "a.fits", image_shape=(16, 16, 2), dtype=np.float32, class_names=("a", "b")) as writer:
        writer.append(images_nhwc)
        writer.finish(np.array([0, 1, 0, 1]))
    with open_cube(tmp_path / "a.fits") as cube:
        np.testing.assert_array_equal(cube.read(slice(None)), images_nhwc)


def test_the_history_tells_where_images_come_from(tmp_path: Path) -> None:
    with CubeWriter(tmp_path / "a.fits", image_shape=(8, 8, 1), dtype=np.uint8, class_names=("a",)) as writer:
        writer.append(np.zeros((1, 8, 8, 1), np.uint8))
        writer.finish(np.array([0]), history=["from a survey"])
    assert "from a survey" in fits.getheader(tmp_path / "a.fits")["HISTORY"]


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    shape = (8, 8, 1)
    with (
        pytest.raises(RuntimeError),
        CubeWriter(tmp_path / "a.fits", image_shape=shape, dtype=np.uint8, class_names=("a",)) as writer,
    ):
        writer.append(np.zeros((1, *shape), np.uint8))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_not_touched(toy_cube: Path) -> None:
    before = toy_cube.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        write_toy_cube(toy_cube, 3)
    assert toy_cube.read_bytes() == before


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot be written.*No such file"):
        write_toy_cube(tmp_path / "no" / "a.fits", 3)
