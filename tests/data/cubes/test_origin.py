"""How pixels came to be stands in the cube's header, and goes from cube to cube to run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from kamerton.config.pictures import MAX_BAND_NAME, Framing, PixelOrigin
from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.origin import framing_differs
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.importers import import_cube
from kamerton.data.splitting import split_cube
from kamerton.errors import CubeError
from kamerton.records import read_record
from tests.conftest import CLASS_NAMES, toy_galaxies, write_toy_cube

ASINH = PixelOrigin("asinh", ("g", "r", "z"), 8.0, 0.0123456789012345)
ORIGINS = [
    PixelOrigin("none"),
    ASINH,
    PixelOrigin("asinh", None, 1e-7),
    PixelOrigin("asinh", ("F814W",), 8.0, 1e30),
    PixelOrigin("asinh", ("a" * MAX_BAND_NAME, "b" * MAX_BAND_NAME, "c" * MAX_BAND_NAME), 8.0),
    PixelOrigin("none", framing=Framing((256, 256), (256, 256), 64)),
    PixelOrigin("asinh", ("g",), 8.0, framing=Framing((100, 424), (64, 118.72), 69)),
    PixelOrigin("unknown", framing=Framing((69, 69), (32, 32), 32)),
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
    for name in ("data/train", "data/valid", "data/test"):
        assert origin_of(tmp_path / f"{name}.fits") == ASINH
    assert origin_of(tmp_path / "again.fits") == dataclasses.replace(ASINH, framing=Framing((16, 16), (16, 16), 16))


def test_what_is_cropped_of_a_crop_is_told_in_pixels_of_the_first_pictures(tmp_path: Path) -> None:
    import_cube(write_of(tmp_path / "a.fits", None), tmp_path / "b.fits", crop=8, size=12)
    import_cube(tmp_path / "b.fits", tmp_path / "c.fits", crop=9)
    assert origin_of(tmp_path / "b.fits") == PixelOrigin("unknown", framing=Framing((16, 16), (8, 8), 12))
    assert origin_of(tmp_path / "c.fits") == PixelOrigin("unknown", framing=Framing((16, 16), (6, 6), 9))


WHOLE = Framing((256, 256), (256, 256), 64)


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (WHOLE, False),
        (dataclasses.replace(WHOLE, size=69), False),
        (Framing((256, 256), (128, 128), 64), True),
        (Framing((128, 128), (128, 128), 64), None),
        (Framing((512, 512), (256, 256), 64), None),
        (None, None),
    ],
    ids=str,
)
def test_another_crop_differs_and_another_size_does_not(other: Framing | None, differs: bool | None) -> None:
    one, two = PixelOrigin("none", framing=WHOLE), PixelOrigin("none", framing=other)
    assert framing_differs(one, two) is differs
    assert framing_differs(two, one) is differs


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (((200, 424), (128, 128)), ((256, 256), (128, 128)), False),
        (((200, 424), (128, 128)), ((256, 256), (96, 96)), None),
        (((200, 424), (200, 424)), ((190, 400), (190, 400)), False),
        (((200, 424), (200, 424)), ((200, 424), (128, 128)), True),
        (((200, 424), (200, 424)), ((69, 69), (69, 69)), None),
        (((69, 69), (69, 69)), ((256, 256), (69, 69)), None),
    ],
)
def test_pictures_of_several_sizes_are_judged_by_what_is_kept(one: Any, other: Any, differs: bool | None) -> None:
    origins = [PixelOrigin("none", framing=Framing(sides, kept, 64)) for sides, kept in (one, other)]
    assert framing_differs(*origins) is differs


def test_where_nothing_is_known_of_either_nothing_differs() -> None:
    assert framing_differs(PixelOrigin("none"), None) is False


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
        {"RESIZED": 8},
        {"RESIZED": 8, "PICMIN": 9, "PICMAX": 9, "CROPMIN": 10, "CROPMAX": 10},
        {"RESIZED": 8, "PICMIN": 9, "PICMAX": 8, "CROPMIN": 8, "CROPMAX": 8},
        {"RESIZED": "8", "PICMIN": 9, "PICMAX": 9, "CROPMIN": 9, "CROPMAX": 9},
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
        table = json.loads(json.dumps(dataclasses.asdict(origin)))
        assert read_record(PixelOrigin, table, "run.json", CubeError) == origin


def test_old_cubes_do_not_say(tmp_path: Path) -> None:
    assert origin_of(write_toy_cube(tmp_path / "old.fits", 3)) is None
