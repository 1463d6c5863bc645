"""A picture file becomes square RGB pixels, with Pillow as the judge, or is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kamerton.config import PictureSettings
from kamerton.data.pictures.picture import fit_square, read_picture
from tests.data.pictures.picture_files import PLAIN, noise_image, refusal, saved


def test_rgb_png_is_read_as_it_is(tmp_path: Path) -> None:
    image_hwc = noise_image()
    picture = read_picture(saved(tmp_path, Image.fromarray(image_hwc)), PLAIN)
    np.testing.assert_array_equal(picture.image_hwc, image_hwc)


def test_a_picture_that_is_pixels_has_no_stretch(tmp_path: Path) -> None:
    assert read_picture(saved(tmp_path, Image.fromarray(noise_image())), PLAIN).stretch is None


def test_real_jpeg_is_what_pillow_decodes(real_data: Path) -> None:
    path = real_data / "images/galaxy10_decals/class_5_0.jpg"
    np.testing.assert_array_equal(read_picture(path, PLAIN).image_hwc, np.asarray(Image.open(path)))


@pytest.mark.parametrize("name", ["a.bmp", "a.webp", "a.tif"])
def test_other_lossless_formats_are_read(tmp_path: Path, name: str) -> None:
    image_hwc = noise_image()
    path = saved(tmp_path, Image.fromarray(image_hwc), name, **({"lossless": True} if "webp" in name else {}))
    np.testing.assert_array_equal(read_picture(path, PLAIN).image_hwc, image_hwc)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGBA", "LA"])
def test_every_opaque_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(noise_image()).convert(mode)
    name = "galaxy.tif" if mode == "CMYK" else "galaxy.png"
    picture = read_picture(saved(tmp_path, image, name), PLAIN)
    np.testing.assert_array_equal(picture.image_hwc, np.asarray(image.convert("RGB")))


def test_transparent_pixels_are_black_like_the_sky(tmp_path: Path) -> None:
    image_hwc = noise_image(channels=4)
    image_hwc[..., 3] = 0
    picture = read_picture(saved(tmp_path, Image.fromarray(image_hwc)), PLAIN)
    assert picture.image_hwc.max() == 0


def test_transparent_colour_of_a_palette_is_black(tmp_path: Path) -> None:
    image = Image.new("P", (12, 12), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    picture = read_picture(saved(tmp_path, image, transparency=1), PLAIN)
    assert picture.image_hwc.max() == 0


def test_sixteen_bits_are_scaled_not_cut_off(tmp_path: Path) -> None:
    grey_hw = np.full((12, 12), 257 * 100, np.uint16)
    picture = read_picture(saved(tmp_path, Image.fromarray(grey_hw)), PLAIN)
    assert np.unique(picture.image_hwc).tolist() == [100]


def test_float_tiff_without_a_scale_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(np.ones((12, 12), np.float32)), "galaxy.tif")
    assert "brightest value is unknown" in refusal(path)


def test_animation_is_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(noise_image(seed=seed)) for seed in range(2)]
    path = saved(tmp_path, frames[0], "galaxy.gif", save_all=True, append_images=frames[1:])
    assert "2 frames" in refusal(path)


def test_text_is_not_a_picture(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a galaxy")
    assert "not a picture" in refusal(tmp_path / "notes.txt")


def test_empty_file_is_not_a_picture(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    assert "0 bytes" in refusal(tmp_path / "empty.jpg")


def test_missing_file_is_named(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path / "absent.png")


def test_folder_is_not_a_picture(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["galaxy.png", "galaxy.jpg"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_truncated_picture_is_refused(tmp_path: Path, name: str, kept: float) -> None:
    path = saved(tmp_path, Image.fromarray(noise_image(64, 64)), name)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    refusal(path)


@pytest.mark.parametrize("factor", [1.5, 3.0])
def test_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    path = saved(tmp_path, Image.fromarray(noise_image()))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(144 / factor))
    assert "too large for one galaxy" in refusal(path)


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"), [(12, 20, (0, 12), (4, 16)), (21, 12, (4, 16), (0, 12))]
)
def test_largest_central_square_is_kept(
    tmp_path: Path, height: int, width: int, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    image_hwc = noise_image(height, width)
    picture = read_picture(saved(tmp_path, Image.fromarray(image_hwc)), PLAIN)
    np.testing.assert_array_equal(picture.image_hwc, image_hwc[slice(*rows), slice(*columns)])


def test_crop_keeps_the_centre(tmp_path: Path) -> None:
    image_hwc = noise_image(20, 20)
    picture = read_picture(saved(tmp_path, Image.fromarray(image_hwc)), PictureSettings(crop=8))
    np.testing.assert_array_equal(picture.image_hwc, image_hwc[6:14, 6:14])


def test_crop_larger_than_the_picture_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(noise_image(20, 16)))
    assert "16 x 20 pixels with crop 18" in refusal(path, PictureSettings(crop=18))


@pytest.mark.parametrize("size", [8, 31])
def test_resizing_is_pillows_lanczos(tmp_path: Path, size: int) -> None:
    image = Image.fromarray(noise_image(20, 20))
    picture = read_picture(saved(tmp_path, image), PictureSettings(size=size))
    np.testing.assert_array_equal(picture.image_hwc, np.asarray(image.resize((size, size), Image.Resampling.LANCZOS)))


def test_crop_comes_before_resizing(tmp_path: Path) -> None:
    image = Image.fromarray(noise_image(20, 20))
    picture = read_picture(saved(tmp_path, image), PictureSettings(crop=16, size=8))
    expected = image.crop((2, 2, 18, 18)).resize((8, 8), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(picture.image_hwc, np.asarray(expected))


def test_resized_float_pixels_stay_within_0_and_255() -> None:
    step_hwc = np.zeros((16, 16, 1), np.float32)
    step_hwc[:, 8:] = 255
    resized_hwc = fit_square(step_hwc, PictureSettings(size=11), "step")
    assert (resized_hwc.dtype, resized_hwc.min(), resized_hwc.max()) == (np.float32, 0, 255)
