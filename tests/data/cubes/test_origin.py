"""How pixels came to be stands in the cube's header, and goes from cube to cube to run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from kamerton.config import MAX_BAND_NAME, PixelOrigin
from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.importers import import_cube
from kamerton.data.splitting import split_cube
from kamerton.errors import CubeError
from tests.conftest import CLASS_NAMES, toy_galaxies, write_toy_cube

ASINH = PixelOrigin("asinh", ("g", "r", "z"), 8.0, 0.0123456789012345)
ORIGINS = [
    PixelOrigin("none"),
    ASINH,
    PixelOrigin("asinh", None, 1e-7),
    PixelOrigin("asinh", ("F814W",), 8.0, 1e30),
    PixelOrigin("asinh", ("a" * MAX_BAND_NAME, "b" * MAX_BAND_NAME, "c" * MAX_BAND_NAME), 8.0),
    None,
]


def write_of(path: Path, origin: PixelOrigin | None, count: int = 30) -> Path:
    images_nhwc, labels = toy_galaxies(count, 16, 0)
    with CubeWriter(path, image_shape=(16, 16, 3), dtype=np.uint8, class_names=CLASS_NAMES) as cube:
        cube.append(images_nhwc)
        cube.finish(labels, origin=origin)
    return path


def origin_of(path: Path) -> PixelOrigin | None:
    with open_cube(path) as cube:
        return cube.origin


@pytest.mark.parametrize("origin", ORIGINS, ids=str)
def test_what_is_written_is_read_back(tmp_path: Path, origin: PixelOrigin | None) -> None:
    path = write_of(tmp_path / "a.fits", origin)
    assert origin_of(path) == origin
    with fits.open(path, checksum=True) as hdus:
        hdus.verify("exception")


def test_a_split_and_an_import_carry_it_on(tmp_path: Path) -> None:
    split_cube(write_of(tmp_path / "a.fits", ASINH), tmp_path / "data")
    import_cube(tmp_path / "data/test.fits", tmp_path / "again.fits")
    for name in ("data/train", "data/valid", "data/test", "again"):
        assert origin_of(tmp_path / f"{name}.fits") == ASINH


def test_packing_keeps_it(tmp_path: Path) -> None:
    with fits.open(write_of(tmp_path / "a.fits", ASINH)) as hdus:
        packed = fits.CompImageHDU(hdus[0].data, hdus[0].header, tile_shape=(1, 16, 16, 3))
        fits.HDUList([fits.PrimaryHDU(), packed, hdus[1]]).writeto(tmp_path / "b.fits")
    assert origin_of(tmp_path / "b.fits") == ASINH


def test_the_same_keywords_of_another_program_say_nothing(toy_cube: Path) -> None:
    fits.setval(toy_cube, "ORIGIN", value="somebody")
    fits.setval(toy_cube, "STRETCH", value="histogram equalisation")
    assert origin_of(toy_cube) is None


@pytest.mark.parametrize(
    "cards",
    [
        {"STRETCH": "log"},
        {"STRETCHQ": -1.0},
        {"STRETCHQ": "eight"},
        {"BANDS": "g,r"},
        {"STRETCH": 5},
        {"STRETCHS": True},
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, cards: dict[str, Any]) -> None:
    path = write_of(tmp_path / "a.fits", ASINH)
    for keyword, value in cards.items():
        fits.setval(path, keyword, value=value)
    with pytest.raises(CubeError, match=r"a\.fits HDU 0: the header's STRETCH.*remove STRETCH"):
        origin_of(path)


def test_an_origin_survives_json() -> None:
    for origin in (origin for origin in ORIGINS if origin is not None):
        assert PixelOrigin(**json.loads(json.dumps(dataclasses.asdict(origin)))) == origin


def test_old_cubes_do_not_say(tmp_path: Path) -> None:
    assert origin_of(write_toy_cube(tmp_path / "old.fits", 3)) is None
