"""A FITS cutout becomes a picture the right way up and in its own colours, or is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from kamerton.config.pictures import MAX_SIDE, PictureSettings
from kamerton.data.fits.unpacking import SMALL_BYTES
from kamerton.data.pictures.picture import Picture, read_picture
from tests.data.pictures.picture_files import BAD_BAND, PLAIN, cutout, galaxy_bands, noise_image, refusal


def test_first_row_of_fits_is_the_bottom_of_the_picture(tmp_path: Path) -> None:
    image_hwc = read_picture(cutout(tmp_path, galaxy_bands(1)[0]), PLAIN).image_hwc
    assert image_hwc[:20].sum() > 2 * image_hwc[20:].sum()


def test_last_band_is_red(tmp_path: Path) -> None:
    image_hwc = read_picture(cutout(tmp_path, galaxy_bands()), PLAIN).image_hwc
    red, green, blue = image_hwc[12, 20]
    assert red > green > blue


def test_single_band_is_grey(tmp_path: Path) -> None:
    image_hwc = read_picture(cutout(tmp_path, galaxy_bands(1)[0]), PLAIN).image_hwc
    np.testing.assert_array_equal(image_hwc, np.repeat(image_hwc[..., :1], 3, axis=-1))


def test_one_band_with_its_axis_is_the_same_as_without(tmp_path: Path) -> None:
    with_axis = read_picture(cutout(tmp_path, galaxy_bands(1), "a.fits"), PLAIN)
    without = read_picture(cutout(tmp_path, galaxy_bands(1)[0], "b.fits"), PLAIN)
    np.testing.assert_array_equal(with_axis.image_hwc, without.image_hwc)


def test_bands_are_put_in_order_by_their_names(tmp_path: Path) -> None:
    bands_chw = galaxy_bands()
    blue_first = read_picture(cutout(tmp_path, bands_chw, "a.fits", BANDS="grz"), PLAIN)
    red_first = read_picture(cutout(tmp_path, bands_chw[::-1], "b.fits", BANDS="zrg"), PLAIN)
    np.testing.assert_array_equal(red_first.image_hwc, blue_first.image_hwc)


@pytest.mark.parametrize("dtype", [">i2", ">i4", ">f8", ">u2"])
def test_number_type_of_the_file_does_not_matter(tmp_path: Path, dtype: str) -> None:
    whole = np.rint(galaxy_bands() * 10).clip(0)
    expected = read_picture(cutout(tmp_path, whole, "float.fits"), PLAIN)
    other = read_picture(cutout(tmp_path, whole.astype(dtype), "other.fits"), PLAIN)
    np.testing.assert_array_equal(other.image_hwc, expected.image_hwc)


def test_gzipped_cutout_is_read(tmp_path: Path) -> None:
    plain = cutout(tmp_path, galaxy_bands())
    packed = tmp_path / "cutout.fits.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_array_equal(read_picture(packed, PLAIN).image_hwc, read_picture(plain, PLAIN).image_hwc)


def test_tile_compressed_cutout_behind_an_empty_hdu_is_read(tmp_path: Path) -> None:
    bands_chw = np.rint(galaxy_bands() * 10).astype(np.int32)
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(bands_chw, compression_type="RICE_1")])
    hdus.writeto(tmp_path / "packed.fits")
    expected = read_picture(cutout(tmp_path, bands_chw), PLAIN)
    np.testing.assert_array_equal(read_picture(tmp_path / "packed.fits", PLAIN).image_hwc, expected.image_hwc)


def test_values_so_small_that_their_squares_vanish_are_no_noise(tmp_path: Path) -> None:
    """NumPy would warn of the mean of nothing, and a warning is an error here."""
    hot_hw = np.random.default_rng(0).normal(size=(30, 40)) * 3e-310
    assert "a blank cutout" in refusal(cutout(tmp_path, hot_hw, "a.fits"))
    hot_hw[10:20, 15:25] = 1.0
    expected = read_picture(cutout(tmp_path, np.where(hot_hw == 1, 1.0, 0.0), "b.fits"), PLAIN)
    shown = read_picture(cutout(tmp_path, hot_hw, "c.fits"), PLAIN)
    np.testing.assert_array_equal(shown.image_hwc, expected.image_hwc)


def test_a_cutout_of_one_value_in_each_band_is_blank(tmp_path: Path) -> None:
    flat_chw = np.ones((3, 30, 40)) * np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    assert "1 and 2 and 3 in every pixel" in refusal(cutout(tmp_path, flat_chw))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e300])
def test_pixels_that_are_not_numbers_are_counted(tmp_path: Path, value: float) -> None:
    bands_chw = galaxy_bands().astype(np.float64)
    bands_chw[1, 3, 4:6] = value
    message = refusal(cutout(tmp_path, bands_chw))
    assert "HDU 0" in message
    assert "2 NaN, infinite or beyond 3e+38 of 4800 pixels" in message


def test_band_missing_in_much_of_the_cutout_is_refused(tmp_path: Path) -> None:
    bands_chw = galaxy_bands()
    bands_chw[0, :10] = 0
    assert "25% of one band" in refusal(cutout(tmp_path, bands_chw))


def test_masked_sky_is_no_missing_band(tmp_path: Path) -> None:
    bands_chw = galaxy_bands()
    bands_chw[:, :10] = 0
    assert isinstance(read_picture(cutout(tmp_path, bands_chw), PLAIN), Picture)


def test_blank_cutout_is_refused(tmp_path: Path) -> None:
    assert "blank" in refusal(cutout(tmp_path, np.full((3, 20, 20), 7, np.float32)))


@pytest.mark.parametrize("shape", [(20,), (2, 20, 20), (4, 20, 20), (20, 20, 3), (5, 3, 20, 20)])
def test_other_shapes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    assert f"shape {shape}" in refusal(cutout(tmp_path, np.ones(shape, np.float32)))


def test_bytes_in_fits_are_not_stretched_a_second_time(tmp_path: Path) -> None:
    assert "BITPIX 8" in refusal(cutout(tmp_path, noise_image()[..., 0]))


def test_table_is_no_cutout(tmp_path: Path) -> None:
    column = fits.Column("ra", "D", array=np.zeros(3))
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column])]).writeto(tmp_path / "table.fits")
    assert "no image" in refusal(tmp_path / "table.fits")


def test_mosaic_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A sparse file: what it promises is there, and takes no room on the disk."""
    path = cutout(tmp_path, galaxy_bands(1)[0])
    side = f"{MAX_SIDE + 1:>20}".encode()
    content = path.read_bytes().replace(b"NAXIS1  = " + b" " * 18 + b"40", b"NAXIS1  = " + side)
    path.write_bytes(content.replace(b"NAXIS2  = " + b" " * 18 + b"40", b"NAXIS2  = " + side))
    with path.open("r+b") as file:
        file.truncate(2880 + -(-4 * (MAX_SIDE + 1) ** 2 // 2880) * 2880)
    assert "too large for one galaxy" in refusal(path)


def test_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    sound = cutout(tmp_path, galaxy_bands(side=40)).read_bytes()
    bomb = tmp_path / "bomb.fits.gz"
    bomb.write_bytes(gzip.compress(sound + bytes(SMALL_BYTES), 1))
    message = refusal(bomb)
    assert f"more than {SMALL_BYTES} bytes from {bomb.stat().st_size}" in message


@pytest.mark.parametrize("kept", [20, 2000, 10_000])
def test_truncated_cutout_is_refused(tmp_path: Path, kept: int) -> None:
    path = cutout(tmp_path, galaxy_bands())
    path.write_bytes(path.read_bytes()[:kept])
    refusal(path)


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    plain = cutout(tmp_path, galaxy_bands())
    (tmp_path / "cutout.fits.gz").write_bytes(gzip.compress(plain.read_bytes())[:5000])
    refusal(tmp_path / "cutout.fits.gz")


def test_efigi_cutout_is_the_right_way_up(real_data: Path) -> None:
    ours, theirs = (
        read_picture(real_data / place, PictureSettings(size=88)).image_hwc.mean(axis=-1)
        for place in ("fits/PGC0000218_gri.fits", "images/efigi/PGC0000218.jpg")
    )
    upright, flipped = (np.corrcoef(image.ravel(), theirs.ravel())[0, 1] for image in (ours, ours[::-1]))
    assert upright > flipped


def test_real_cutout_with_a_missing_band_is_refused(real_data: Path) -> None:
    assert "a band is missing" in refusal(real_data / "fits" / BAD_BAND)
