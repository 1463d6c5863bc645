"""A FITS cube, labelled or images alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from kamerton.config.pictures import PixelOrigin
from kamerton.data.sources import open_source
from kamerton.errors import CubeError, KamertonWarning, PictureError, heard
from tests.conftest import write_cube
from tests.data.importers.sources import noise_images
from tests.data.sources.opened import read_source, refusal, request, same_images


def test_the_catalogue_passes_through(tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "id": ["x", "ł", "z"],
        "ra": [0.5, 350.0, np.nan],
        "dec": [-1.0, 2.0, np.nan],
        "plate": [7, 8, 9],
        "redshift": [0.01, np.nan, 0.5],
        "zażółć": ["pył", "", "x"],
    }
    found = read_source(write_cube(tmp_path / "a.fits", noise_images(3), [0, 1, 2], **columns))
    assert found.source.columns == {"plate": "int64", "redshift": "float64", "zażółć": "text"}
    assert found.column("place") == ["0", "1", "2"]
    expected = columns | {"ra": [0.5, 350.0, None], "dec": [-1.0, 2.0, None], "redshift": [0.01, None, 0.5]}
    assert found.table.drop_columns("place").to_pydict() == expected | {"zażółć": ["pył", None, "x"]}


def test_images_alone_are_a_cube(tmp_path: Path) -> None:
    images_nhwc = noise_images(5)
    fits.PrimaryHDU(images_nhwc).writeto(tmp_path / "a.fits")
    found = read_source(tmp_path / "a.fits")
    assert same_images(found.images, images_nhwc)
    assert (found.source.has_own_ids, found.source.has_positions) == (False, False)
    assert found.column("id") == [f"a#{row}" for row in range(5)]


def test_images_with_a_catalogue_alone_are_a_cube_with_ids(tmp_path: Path) -> None:
    table = Table({"id": ["a", "b"], "n": MaskedColumn([1, 2], mask=[False, True])})
    hdus = [fits.PrimaryHDU(noise_images(2)), fits.table_to_hdu(table)]
    hdus[1].name = "CATALOG"
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    found = read_source(tmp_path / "a.fits")
    assert found.source.has_own_ids
    assert (found.column("id"), found.column("n")) == (["a", "b"], [1, None])


def test_id_ra_dec_and_group_are_known_in_any_case_of_letters(tmp_path: Path) -> None:
    """FITS does not tell upper from lower case in names of columns."""
    table = Table({"ID": ["a", "b"], "RA": [10.0, 20.0], "Dec": [1.0, 2.0], "GROUP": ["x", "y"]})
    hdus = [fits.PrimaryHDU(noise_images(2)), fits.table_to_hdu(table)]
    hdus[1].name = "CATALOG"
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    found = read_source(tmp_path / "a.fits")
    assert found.source.has_own_ids
    known = {name: found.column(name) for name in ("id", "ra", "dec")}
    assert known == {"id": ["a", "b"], "ra": [10.0, 20.0], "dec": [1.0, 2.0]}
    assert list(found.source.columns) == ["group"]


@pytest.mark.parametrize(
    ("unit", "said"),
    [("deg", None), (None, "RAJ2000 and DEJ2000 are taken as ra and dec"), ("rad", "no positions, for RAJ2000")],
    ids=["degrees", "no unit", "radians"],
)
def test_positions_are_known_by_their_names_in_vizier_and_aloud_where_they_may_be_no_degrees(
    tmp_path: Path, unit: str | None, said: str | None
) -> None:
    table = Table({"RAJ2000": [10.0, 20.0], "DEJ2000": [1.0, 2.0]})
    for name in table.colnames:
        table[name].unit = unit
    hdus = [fits.PrimaryHDU(noise_images(2)), fits.table_to_hdu(table)]
    hdus[1].name = "CATALOG"
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    with heard() as lines:
        found = read_source(tmp_path / "a.fits")
    are_known = unit != "rad"
    assert len(found.source.columns) == (0 if are_known else 2)
    assert not are_known or (found.column("ra"), found.column("dec")) == ([10.0, 20.0], [1.0, 2.0])
    assert [said in line for line in lines] == [True] if said else lines == []


def test_a_catalogue_of_other_rows_is_refused(tmp_path: Path) -> None:
    hdus = [fits.PrimaryHDU(noise_images(2)), fits.table_to_hdu(Table({"id": ["a"]}))]
    hdus[1].name = "CATALOG"
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    assert "the catalogue does not have one row an image" in refusal(tmp_path / "a.fits")


def test_how_the_pixels_came_to_be_is_told(tmp_path: Path) -> None:
    origin = PixelOrigin("asinh", ("g", "r", "z"), 8.0, 0.5)
    path = write_cube(tmp_path / "a.fits", noise_images(2), [0, 1], ("a", "b"), origin=origin)
    assert read_source(path).source.origin == origin


def test_pixels_of_0_to_1_are_refused(tmp_path: Path) -> None:
    fits.PrimaryHDU((noise_images(4) / 255).astype(np.float32)).writeto(tmp_path / "a.fits")
    assert "pixels of 0 to 1" in refusal(tmp_path / "a.fits")


def test_one_bright_galaxy_at_the_end_shows_what_the_pixels_are(tmp_path: Path) -> None:
    images_nhwc = (noise_images(100) / 255).astype(np.float32)
    images_nhwc[99] *= 255
    fits.PrimaryHDU(images_nhwc).writeto(tmp_path / "a.fits")
    assert same_images(read_source(tmp_path / "a.fits", rows=50).images, images_nhwc)


def test_a_cube_that_shows_nothing_is_refused(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.full((4, 8, 8, 3), 7, np.uint8)).writeto(tmp_path / "a.fits")
    assert "every image is blank" in refusal(tmp_path / "a.fits")


@pytest.mark.parametrize("value", [np.nan, -1.0, 256.0])
def test_bad_pixels_are_the_error_of_their_own_galaxy(value: float, tmp_path: Path) -> None:
    images_nhwc = noise_images(4).astype(np.float32)
    images_nhwc[2, 1, 1, 0] = value
    fits.PrimaryHDU(images_nhwc).writeto(tmp_path / "a.fits")
    images = read_source(tmp_path / "a.fits").images
    assert [isinstance(image, PictureError) for image in images] == [False, False, True, False]
    assert "HDU 0: image 2 has " in str(images[2])


def test_a_truncated_cube_is_refused(tmp_path: Path, break_primary: Callable[[Path, int], None]) -> None:
    path = write_cube(tmp_path / "a.fits", noise_images(40), np.arange(40) % 3)
    break_primary(path, 5000)
    assert "truncated" in refusal(path)


def test_a_cube_that_has_changed_since_its_checksums_is_refused(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.fits", noise_images(3), [0, 1, 2])
    content = bytearray(path.read_bytes())
    content[content.index(noise_images(3).tobytes()[:50])] ^= 1
    path.write_bytes(content)
    assert "DATASUM" in refusal(path)


def test_odd_positions_are_unknown_aloud(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"id": ["a", "b", "c"], "ra": [10.0, np.nan, 400.0], "dec": [5.0, 5.0, 5.0]}
    path = write_cube(tmp_path / "a.fits", noise_images(3), [0, 1, 2], **columns)
    with pytest.warns(KamertonWarning, match="2 positions half known or not on the sky"):
        assert read_source(path).column("dec") == [5.0, None, None]


def test_positions_that_are_text_are_refused(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"id": ["a"], "ra": ["10h"], "dec": ["5d"]}
    path = write_cube(tmp_path / "a.fits", noise_images(1), [0], ("a",), **columns)
    assert "column 'ra' is not in degrees" in refusal(path)


def test_positions_in_another_unit_are_refused(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.fits", noise_images(1), [0], ("a",), id=["a"], ra=[10.0], dec=[5.0])
    names = fits.getdata(path, "CATALOG").names
    fits.setval(path, f"TUNIT{names.index('ra') + 1}", value="h", ext=2)
    assert "column 'ra' is not in degrees. Received: values in h" in refusal(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_every_layout_gives_the_same_galaxies(dtype: type, tmp_path: Path) -> None:
    images_nhwc: np.ndarray = noise_images(3).astype(dtype)
    fits.PrimaryHDU(np.moveaxis(images_nhwc, -1, 1)).writeto(tmp_path / "a.fits")
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(images_nhwc)]).writeto(tmp_path / "b.fits.gz")
    for name in ("a.fits", "b.fits.gz"):
        found = read_source(tmp_path / name)
        assert found.source.dtype == dtype
        assert same_images(found.images, images_nhwc)


def test_labels_do_not_matter(tmp_path: Path) -> None:
    hdus = [fits.PrimaryHDU(noise_images(2)), fits.ImageHDU(np.array([-1.0, np.nan, 7.0]))]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    assert same_images(read_source(tmp_path / "a.fits").images, noise_images(2))


def test_images_that_are_not_square_are_refused(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.ones((4, 8, 9, 3), np.uint8)).writeto(tmp_path / "a.fits")
    with pytest.raises(CubeError, match="wrong dimensions"), open_source(request(tmp_path / "a.fits")):
        pass


def test_blank_ids_are_told_of_once_though_a_cube_is_read_in_parts(tmp_path: Path) -> None:
    hdus = [fits.PrimaryHDU(noise_images(6)), fits.table_to_hdu(Table({"id": ["a", "", "", "d", "", "f"]}))]
    hdus[1].name = "CATALOG"
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    with heard() as lines:
        found = read_source(tmp_path / "a.fits", rows=2)
    assert found.column("id") == ["a", "a#1", "a#2", "d", "a#4", "f"]
    assert ["blank" in line for line in lines] == [True]
