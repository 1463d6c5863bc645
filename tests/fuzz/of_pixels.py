"""Targets with pixels: FITS cubes and cutouts, pictures."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from kamerton.config.pictures import PictureSettings
from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.pictures.picture import read_picture
from tests.fuzz.cases import Files

# FITS cubes


def cube_seeds(folder: Path) -> dict[str, Files]:
    """Cubes of each layout, number type, scaling and compression."""
    rng = np.random.default_rng(0)
    images_nhwc = rng.integers(0, 256, (6, 8, 8, 3), np.uint8)
    labels = np.arange(6) % 3
    catalogue = Table({"id": [f"g{row}" for row in range(6)], "ra": np.linspace(0, 359, 6), "dec": np.zeros(6)})
    for dtype in (np.uint8, np.float32):
        path = folder / f"{np.dtype(dtype).name}.fits"
        with CubeWriter(path, image_shape=(8, 8, 3), dtype=dtype, class_names=("bright", "dim", "striped")) as writer:
            writer.append(images_nhwc.astype(dtype))
            writer.finish(labels, catalogue, ["from nowhere"])
    plain = {
        "int16": [fits.PrimaryHDU(images_nhwc.astype(np.int16))],
        "uint16": [fits.PrimaryHDU(images_nhwc.astype(np.uint16))],
        "channels-first": [fits.PrimaryHDU(np.moveaxis(images_nhwc, -1, 1).astype(np.float64))],
        "grey": [fits.PrimaryHDU(images_nhwc[..., 0].astype(np.int32))],
        "rice": [fits.PrimaryHDU(), fits.CompImageHDU(images_nhwc, compression_type="RICE_1")],
        "gzip": [fits.PrimaryHDU(), fits.CompImageHDU(images_nhwc.astype(np.float32), compression_type="GZIP_2")],
    }
    found = {}
    for name, hdus in plain.items():
        path = folder / f"{name}.fits"
        fits.HDUList([*hdus, fits.ImageHDU(labels.astype(np.int16))]).writeto(path)
    for path in sorted(folder.glob("*.fits")):
        found[path.stem] = {"cube.fits": path.read_bytes()}
    found["packed"] = {"cube.fits.gz": gzip.compress(found["int16"]["cube.fits"], mtime=0)}
    return found


def read_cube(folder: Path) -> None:
    """Read everything that a cube has."""
    with open_cube(next(folder.iterdir())) as cube:
        height, width, channels = cube.image_shape
        assert len(cube) > 0
        assert height == width > 0
        assert 1 <= channels <= 16
        assert cube.dtype in (np.uint8, np.float32)
        assert cube.labels.dtype == np.int64
        assert cube.labels.shape == (len(cube),)
        assert cube.labels.min() >= 0
        assert cube.labels.max() < len(cube.class_names) == len(set(cube.class_names))
        rows = 0
        for place, images_nhwc in cube.chunks():
            assert images_nhwc.shape == (place.stop - place.start, *cube.image_shape)
            assert images_nhwc.dtype == cube.dtype
            rows += len(images_nhwc)
        assert rows == len(cube)
        assert len(cube.ids) == len(cube.catalogue) == len(cube)
        assert all(isinstance(line, str) for line in cube.history)
        # This promises finite pixels from 0 to 255, or the error.
        assert len(cube.galaxy_fingerprints()) == len(cube)
        pixels = cube.read(slice(0, len(cube)))
        assert np.isfinite(pixels).all()
        assert pixels.min() >= 0
        assert pixels.max() <= 255
        assert len(cube.fingerprint()) == 64


# FITS cutouts


def cutout_seeds(folder: Path) -> dict[str, Files]:
    """One galaxy in each number of bands, number type, scaling and compression."""
    y, x = np.mgrid[:24, :24]
    sky_chw = np.random.default_rng(0).normal(5, 1, (3, 24, 24))
    bands_chw = sky_chw + 300 * np.exp(-np.hypot(x - 12, y - 16) / 3)
    whole_chw = np.rint(10 * bands_chw)
    scaled = fits.PrimaryHDU(bands_chw[0].astype(np.float32))
    scaled.scale("int16", bscale=0.1, bzero=100)
    kinds = {
        "float32": [fits.PrimaryHDU(bands_chw.astype(np.float32), fits.Header({"BANDS": "grz"}))],
        "one-band": [fits.PrimaryHDU(bands_chw[0])],
        "uint16": [fits.PrimaryHDU(whole_chw.clip(0).astype(np.uint16))],
        "scaled": [scaled],
        "second": [fits.PrimaryHDU(), fits.ImageHDU(whole_chw.astype(np.int32))],
        "rice": [fits.PrimaryHDU(), fits.CompImageHDU(whole_chw.astype(np.int32), compression_type="RICE_1")],
        "gzip": [fits.PrimaryHDU(), fits.CompImageHDU(bands_chw.astype(np.float32), compression_type="GZIP_2")],
        "hcompress": [
            fits.PrimaryHDU(),
            fits.CompImageHDU(whole_chw.astype(np.int32), compression_type="HCOMPRESS_1", tile_shape=(1, 24, 24)),
        ],
        "plio": [fits.PrimaryHDU(), fits.CompImageHDU(whole_chw[0].astype(np.int16), compression_type="PLIO_1")],
    }
    found = {}
    for name, hdus in kinds.items():
        fits.HDUList(hdus).writeto(folder / f"{name}.fits")
        found[name] = {"cutout.fits": (folder / f"{name}.fits").read_bytes()}
    found["packed"] = {"cutout.fits.gz": gzip.compress(found["float32"]["cutout.fits"], mtime=0)}
    return found


def read_cutout(folder: Path) -> None:
    """Read a cutout as the pixels of a cube."""
    picture = read_picture(next(folder.iterdir()), PictureSettings(size=16))
    assert picture.image_hwc.shape == (16, 16, 3)
    assert picture.image_hwc.dtype == np.uint8
    if picture.stretch is not None:
        assert np.isfinite(dataclasses.astuple(picture.stretch)[:2]).all()


# Pictures


def picture_seeds(folder: Path) -> dict[str, Files]:
    """One galaxy in each format and number of bits that is read."""
    y, x = np.mgrid[:24, :28]
    light_hw = 250 * np.exp(-np.hypot(x - 14, y - 12) / 6)
    rgb = Image.fromarray(np.stack([light_hw, light_hw / 2, light_hw / 3], axis=-1).astype(np.uint8))
    deep = Image.fromarray((light_hw * 250).astype(np.uint16))
    kinds: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "rgb.png": (rgb, {}),
        "palette.png": (rgb.quantize(16), {}),
        "clear.png": (rgb.convert("RGBA"), {}),
        "deep.png": (deep, {}),
        "noted.png": (rgb, {"icc_profile": b"profile" * 20, "dpi": (72, 72)}),
        "plain.jpg": (rgb, {"quality": 70}),
        "grey.jpg": (rgb.convert("L"), {"progressive": True}),
        "print.jpg": (rgb.convert("CMYK"), {}),
        "plain.tif": (rgb, {}),
        "plain.webp": (rgb, {}),
        "plain.bmp": (rgb, {}),
        "plain.gif": (rgb.quantize(16), {}),
    }
    for name, (image, options) in kinds.items():
        image.save(folder / name, **options)
    return {name: {f"picture{Path(name).suffix}": (folder / name).read_bytes()} for name in kinds}
