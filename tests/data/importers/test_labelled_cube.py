"""A labelled cube, rewritten."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from kamerton.data.cubes.cube import open_cube
from kamerton.data.importers import import_cube
from kamerton.errors import KamertonError
from tests.data.importers.sources import imported, noise_images, refusal, write_cube, write_galaxy10


@pytest.mark.parametrize("dtype", [">u1", ">i2", ">i4", ">i8", ">f4", ">f8", ">u2"])
def test_whole_numbers_of_any_type_become_bytes(tmp_path: Path, dtype: str) -> None:
    with imported(write_cube(tmp_path / "c.fits", noise_images(3).astype(dtype))) as cube:
        assert cube.dtype == np.uint8
        np.testing.assert_array_equal(cube.read(slice(None)), noise_images(3))


def test_channels_first_become_channels_last(tmp_path: Path) -> None:
    with imported(write_cube(tmp_path / "c.fits", np.moveaxis(noise_images(3), -1, 1))) as cube:
        np.testing.assert_array_equal(cube.read(slice(None)), noise_images(3))


def test_fractions_stay_float(tmp_path: Path) -> None:
    images_nhwc = (noise_images(3) * 0.9).astype(np.float32)
    with imported(write_cube(tmp_path / "c.fits", images_nhwc)) as cube:
        assert cube.dtype == np.float32
        np.testing.assert_array_equal(cube.read(slice(None)), images_nhwc)


@pytest.mark.parametrize("value", [-1.0, 255.5, np.nan, np.inf])
def test_pixels_out_of_range_are_refused_with_their_image(tmp_path: Path, value: float) -> None:
    images_nhwc = noise_images(3).astype(np.float32)
    images_nhwc[1, 2, 3, 0] = value
    assert "image 1 has" in refusal(write_cube(tmp_path / "c.fits", images_nhwc))


def test_gzipped_cube_is_imported(tmp_path: Path) -> None:
    plain = write_cube(tmp_path / "c.fits", noise_images(3))
    (tmp_path / "c.fits.gz").write_bytes(gzip.compress(plain.read_bytes()))
    with imported(tmp_path / "c.fits.gz") as cube:
        np.testing.assert_array_equal(cube.read(slice(None)), noise_images(3))


def test_import_of_an_import_is_the_same_cube(tmp_path: Path) -> None:
    first = write_galaxy10(tmp_path / "g.h5")
    import_cube(first, tmp_path / "one.fits")
    import_cube(tmp_path / "one.fits", tmp_path / "two.fits")
    with open_cube(tmp_path / "one.fits") as one, open_cube(tmp_path / "two.fits") as two:
        assert (one.fingerprint(), one.class_names) == (two.fingerprint(), two.class_names)
        assert one.catalogue.pformat() == two.catalogue.pformat()


def test_cutout_given_as_a_cube_is_refused(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.ones((3, 8, 8), np.float32)).writeto(tmp_path / "c.fits")
    with pytest.raises(KamertonError, match=r"c\.fits"):
        import_cube(tmp_path / "c.fits", tmp_path / "out.fits")
