"""A picture file becomes square RGB pixels, with Pillow as the judge, or is refused."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kamerton.config.pictures import MAX_SIDE, PictureSettings
from kamerton.data.pictures.picture import fit_square, read_picture
from tests.data.pictures.picture_files import PLAIN, noise_image, refusal, saved

ORIENTATION = 274


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
    assert "several frames or pages" in refusal(path)


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


def png_that_promises(path: Path, width: int, height: int, bits: int = 8) -> Path:
    """Write a grey PNG whose header promises this and whose pixels are missing: reading them would be an error."""
    parts = b"\x89PNG\r\n\x1a\n"
    for kind, content in ((b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)), (b"IEND", b"")):
        parts += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    path.write_bytes(parts)
    return path


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("side", [MAX_SIDE + 1, 9400, 65535])
def test_picture_beyond_the_limit_is_refused_by_its_header(tmp_path: Path, side: int, bits: int) -> None:
    message = refusal(png_that_promises(tmp_path / "big.png", side, side, bits))
    assert "too large for one galaxy" in message
    assert f"at most {MAX_SIDE**2} pixels" in message


def test_picture_at_the_limit_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    assert "too large" not in refusal(png_that_promises(tmp_path / "big.png", MAX_SIDE, MAX_SIDE))


def tiled_tiff(path: Path, tile_side: int) -> Path:
    """Write a grey TIFF of 12 pixels a side that promises to be one tile of another side, with 256 pixels in it."""
    pixels = zlib.compress(bytes(256))
    tags = [(256, 12), (257, 12), (258, 8), (259, 8), (262, 1), (277, 1), (322, tile_side), (323, tile_side)]
    tags += [(324, 8 + 2 + 12 * 10 + 4), (325, len(pixels))]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    path.write_bytes(struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + directory + struct.pack("<I", 0) + pixels)
    return path


def test_a_compressed_tiff_is_refused_for_its_reader_speaks_for_itself(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((12, 12, 3), np.uint8)).save(tmp_path / "a.tif", compression="tiff_adobe_deflate")
    assert "compressed or tiled TIFF" in refusal(tmp_path / "a.tif")


def test_tiff_of_enormous_tiles_is_refused(tmp_path: Path) -> None:
    assert "tiled TIFF" in refusal(tiled_tiff(tmp_path / "bomb.tif", tile_side=32768))


def test_jpeg_of_very_many_scans_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(noise_image(64, 64)), "scans.jpg", progressive=True)
    content = path.read_bytes()
    last = content[content.rindex(b"\xff\xda") : -2]
    assert isinstance(read_picture(path, PLAIN).stretch, type(None))
    path.write_bytes(content[:-2] + last * 50 + b"\xff\xd9")
    assert "a JPEG of too many scans" in refusal(path)


def test_jpeg_is_the_one_that_was_opened_whatever_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, Image.fromarray(noise_image(64, 64)), "scans.jpg", progressive=True)
    harmless = path.read_bytes()
    last = harmless[harmless.rindex(b"\xff\xda") : -2]
    path.write_bytes(harmless[:-2] + last * 50 + b"\xff\xd9")

    def exchange(*_: object) -> None:
        path.unlink()
        path.write_bytes(harmless)

    monkeypatch.setattr("kamerton.data.pictures.picture.check_size", exchange)
    assert "a JPEG of too many scans" in refusal(path)


def test_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "cannot be opened. Received: not a plain file" in refusal(tmp_path / "pipe.png")


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_picture_stands_as_its_exif_says(tmp_path: Path, name: str, turn: int) -> None:
    image = Image.fromarray(noise_image())
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    path = saved(tmp_path, image, name, exif=exif, **({"lossless": True} if "webp" in name else {}))
    expected = {
        1: image,
        2: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: image.transpose(Image.Transpose.ROTATE_180),
        4: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: image.transpose(Image.Transpose.TRANSPOSE),
        6: image.transpose(Image.Transpose.ROTATE_270),
        7: image.transpose(Image.Transpose.TRANSVERSE),
        8: image.transpose(Image.Transpose.ROTATE_90),
    }[turn]
    np.testing.assert_array_equal(read_picture(path, PLAIN).image_hwc, np.asarray(expected))


def test_broken_exif_turns_nothing(tmp_path: Path) -> None:
    image = Image.fromarray(noise_image())
    path = saved(tmp_path, image, exif=b"Exif\0\0broken")
    np.testing.assert_array_equal(read_picture(path, PLAIN).image_hwc, np.asarray(image))


def test_every_value_of_sixteen_bits_is_rounded_to_the_nearest(tmp_path: Path) -> None:
    grey_hw = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    picture = read_picture(saved(tmp_path, Image.fromarray(grey_hw)), PLAIN)
    np.testing.assert_array_equal(picture.image_hwc[..., 0], np.rint(grey_hw / 257).astype(np.uint8))


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
