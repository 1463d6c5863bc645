"""Pictures and FITS cutouts as a stream."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kamerton.config.pictures import Framing, PictureSettings, PixelOrigin
from kamerton.data.cubes.cube import open_cube
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.importers import import_cube
from kamerton.data.pictures.picture import read_picture
from kamerton.errors import DataError, KamertonWarning, OutputError
from tests.data.importers.sources import imported, noise_images, refusal, save_pictures, write_list, write_rows
from tests.data.importers.test_importers import small_source
from tests.data.pictures.picture_files import cutout, galaxy_bands


def write_cutouts(folder: Path, *cards: dict[str, Any], **columns: Sequence[object]) -> Path:
    """Write cutouts 0.fits... with these header cards and their list."""
    for row, header in enumerate(cards):
        cutout(folder, galaxy_bands(side=32), f"{row}.fits", **header)
    names = list(columns)
    rows = [[f"{row}.fits", "ab"[row % 2], *(columns[name][row] for name in names)] for row in range(len(cards))]
    return write_rows(folder / "list.csv", [["path", "label", *names], *rows])


def test_stretches_of_fits_cutouts_are_in_the_catalogue(real_data: Path, tmp_path: Path) -> None:
    cutouts = [real_data / f"fits/PGC0000{number}_gri.fits" for number in (548, 212)]
    source = write_rows(tmp_path / "list.csv", [["path", "label"], [cutouts[0], "a"], [cutouts[1], "b"]])
    with imported(source, size=32) as cube:
        table = cube.catalogue
        for row, path in enumerate(cutouts):
            stretch = read_picture(path, PictureSettings(size=32)).stretch
            assert stretch is not None
            assert table["asinh_stretch"][row] == stretch.stretch
            assert tuple(table[f"sky_{colour}"][row] for colour in ("red", "green", "blue")) == stretch.sky_rgb


def test_the_cube_says_how_its_pixels_came_to_be(tmp_path: Path) -> None:
    source = write_cutouts(tmp_path, {"BANDS": "zrg"}, {"BANDS": "grz"})
    with imported(source, q=6.0, stretch=20.0) as cube:
        assert cube.origin == PixelOrigin("asinh", ("g", "r", "z"), 6.0, 20.0, Framing((32, 32), (32, 32), 32))
        assert cube.history[-1] == "bands g, r, z, asinh stretch with Q 6 and scale 20"


def test_pictures_are_said_to_have_come_as_bytes(tmp_path: Path) -> None:
    with imported(write_list(tmp_path, ["a", "b"])) as cube:
        assert cube.origin == PixelOrigin("none", framing=Framing((8, 8), (8, 8), 8))


def test_the_cube_says_what_was_cropped_and_resized(tmp_path: Path) -> None:
    for row, (width, height) in enumerate([(40, 32), (24, 60)]):
        Image.fromarray(noise_images(1, max(width, height))[0][:height, :width]).save(tmp_path / f"{row}.png")
    source = write_rows(tmp_path / "list.csv", [["path", "label"], ["0.png", "a"], ["1.png", "b"]])
    with imported(source, size=16) as cube:
        assert cube.origin == PixelOrigin("none", framing=Framing((24, 32), (24, 32), 16))
    with imported(source, out="cropped.fits", size=16, crop=20) as cube:
        assert cube.origin == PixelOrigin("none", framing=Framing((24, 32), (20, 20), 16))


@pytest.mark.parametrize("second", [{"BANDS": "gri"}, {}])
def test_cutouts_of_other_bands_do_not_mix(tmp_path: Path, second: dict[str, Any]) -> None:
    message = refusal(write_cutouts(tmp_path, {"BANDS": "grz"}, second))
    assert "list.csv row 1, counted from 0: " in message
    assert "1.fits: its pixels come to be in another way than those of the first, " in message
    assert "0.fits. " in message


def test_cutouts_without_names_go_with_others_once_they_are_named(tmp_path: Path) -> None:
    with imported(write_cutouts(tmp_path, {"BANDS": "grz"}, {}), bands="grz") as cube:
        assert cube.origin is not None
        assert cube.origin.bands == ("g", "r", "z")


def test_pictures_and_cutouts_do_not_mix(tmp_path: Path) -> None:
    cutout(tmp_path, galaxy_bands(side=8), BANDS="grz")
    save_pictures(tmp_path, ["0.png"])
    source = write_rows(tmp_path / "list.csv", [["path", "label"], ["0.png", "a"], ["cutout.fits", "b"]])
    assert "bands g, r, z, asinh stretch" in refusal(source)


def test_planes_that_nobody_named_are_said(tmp_path: Path) -> None:
    source = write_cutouts(tmp_path, {}, {})
    with pytest.warns(KamertonWarning, match=r"0\.fits: nothing says which bands.*from blue to red.*--bands grz"):
        imported(source).close()


def test_one_plane_that_nobody_named_is_said(tmp_path: Path) -> None:
    cutout(tmp_path, galaxy_bands(side=32)[:1], "0.fits")
    source = write_rows(tmp_path / "list.csv", [["path", "label"], ["0.fits", "a"]])
    with pytest.warns(KamertonWarning, match=r"0\.fits: nothing says which band it is of.*shown in grey.*--bands r"):
        imported(source).close()


def test_bands_of_unknown_wavelengths_are_said_with_their_order(tmp_path: Path) -> None:
    cards = {"BAND1": "F814W", "BAND2": "F606W", "BAND3": "F435W"}
    source = write_cutouts(tmp_path, cards, cards)
    with pytest.warns(KamertonWarning, match=r"F814W, F606W, F435W, taken in this order from blue to red"):
        imported(source).close()
    with warnings.catch_warnings():
        warnings.simplefilter("error", KamertonWarning)
        warnings.filterwarnings("ignore", "classes with fewer|.*galax")
        imported(source, out="named.fits", bands="F814W,F606W,F435W").close()


def test_a_missing_picture_is_named_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path / "list.csv", [["path", "label"], ["0.png", "a"]])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"{re.escape(str(tmp_path))}/0\.png: cannot be opened"):
        import_cube("list.csv", "out.fits")


@pytest.mark.parametrize("options", [{"bands": "grz"}, {}])
def test_planes_that_are_named_need_no_word(tmp_path: Path, options: dict[str, Any]) -> None:
    cards = {} if options else {"BANDS": "grz"}
    source = write_cutouts(tmp_path, *[cards] * 6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        imported(source, **options).close()


@pytest.mark.parametrize("kind", ["list", "galaxy10", "cube"])
def test_settings_of_the_stretch_that_change_nothing_are_said(tmp_path: Path, kind: str) -> None:
    source = small_source(kind, tmp_path)
    with pytest.warns(KamertonWarning, match="--bands and --q changed nothing"):
        imported(source, bands="grz", q=9.0).close()


WCS_CARDS = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 16.5, "CRPIX2": 16.5,
    "CD1_1": -1e-4, "CD2_2": 1e-4,
}  # fmt: skip


def test_positions_come_from_the_headers(tmp_path: Path) -> None:
    with imported(write_cutouts(tmp_path, WCS_CARDS, {})) as cube:
        np.testing.assert_allclose(np.asarray(cube.catalogue["ra"]), [150.0, np.nan], atol=1e-9)
        np.testing.assert_allclose(np.asarray(cube.catalogue["dec"]), [2.0, np.nan], atol=1e-9)


def test_positions_of_the_list_come_first(tmp_path: Path) -> None:
    with imported(write_cutouts(tmp_path, WCS_CARDS, {}, ra=[1.5, 2.5], dec=[3, 4])) as cube:
        assert cube.catalogue["ra"].tolist() == [1.5, 2.5]
        assert cube.catalogue["dec"].tolist() == [3, 4]


def test_without_any_wcs_there_are_no_positions(tmp_path: Path) -> None:
    with imported(write_cutouts(tmp_path, {}, {})) as cube:
        assert not {"ra", "dec"} & set(cube.catalogue.colnames)


@pytest.fixture
def with_bad(tmp_path: Path) -> Path:
    """A list of four galaxies, of which the first is damaged and the third is missing."""
    source = write_list(tmp_path, ["a", "b", "c", "b"], id=["ł-0", "g-1", "g-2", "g-3"], z=[0.1, 0.2, 0.3, 0.4])
    (tmp_path / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "2.png").unlink()
    return source


def test_galaxies_that_cannot_be_read_are_left_out_and_listed(with_bad: Path, tmp_path: Path) -> None:
    summary = import_cube(with_bad, tmp_path / "out.fits", skip_bad=True)
    with open_cube(tmp_path / "out.fits") as cube:
        assert (cube.ids, cube.labels.tolist(), cube.class_names) == (["g-1", "g-3"], [1, 1], ("a", "b", "c"))
        assert cube.catalogue["z"].tolist() == [0.2, 0.4]
        np.testing.assert_array_equal(cube.read(slice(None)), noise_images(4)[[1, 3]])
    rows = list(csv.reader((tmp_path / "out.left-out.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["row", "id", "path", "reason"]
    assert [row[:3] for row in rows[1:]] == [
        ["0", "ł-0", str(tmp_path / "0.png")],
        ["2", "g-2", str(tmp_path / "2.png")],
    ]
    assert "not a picture" in rows[1][3]
    assert "cannot be opened" in rows[2][3]
    assert (summary.count, summary.left_out, summary.left_out_path) == (2, 2, tmp_path / "out.left-out.csv")
    assert summary.describe().endswith(f"a 0; b 2; c 0; 2 left out, listed in {tmp_path / 'out.left-out.csv'}")


def test_a_cutout_that_cannot_be_read_has_no_position_or_stretch_of_another(tmp_path: Path) -> None:
    source = write_cutouts(tmp_path, {}, WCS_CARDS, {})
    (tmp_path / "0.fits").unlink()
    with imported(source, skip_bad=True) as cube:
        np.testing.assert_allclose(np.asarray(cube.catalogue["ra"]), [150.0, np.nan])
        assert np.isfinite(np.asarray(cube.catalogue["asinh_stretch"])).all()


def test_pictures_of_class_folders_are_left_out_too(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["a/1.png", "a/2.png", "b/1.png"])
    (tmp_path / "set/a/1.png").write_bytes(b"no picture")
    with imported(tmp_path / "set", skip_bad=True) as cube:
        assert cube.ids == ["a/2.png", "b/1.png"]


def test_without_the_option_the_first_bad_galaxy_stops_the_import(with_bad: Path) -> None:
    assert "row 0, counted from 0: " in refusal(with_bad)


def test_nothing_is_listed_where_nothing_is_left_out(tmp_path: Path) -> None:
    imported(write_list(tmp_path, ["a", "b"]), skip_bad=True).close()
    assert not list(tmp_path.glob("*left-out*"))


def test_where_not_one_galaxy_can_be_read_nothing_is_written(with_bad: Path, tmp_path: Path) -> None:
    for row in (1, 3):
        (tmp_path / f"{row}.png").write_bytes(b"")
    assert "not one galaxy can be read. Received: 4 that cannot, the first: " in refusal(with_bad, skip_bad=True)


def test_a_list_of_an_earlier_import_is_not_overwritten(with_bad: Path, tmp_path: Path) -> None:
    (tmp_path / "out.left-out.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"out\.left-out\.csv exists already"):
        import_cube(with_bad, tmp_path / "out.fits", skip_bad=True)
    assert (tmp_path / "out.left-out.csv").read_text() == "mine"


def test_after_a_failure_neither_cube_nor_list_is_there(
    with_bad: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kamerton.data.importers.CubeWriter.finish", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match="No space left"):
        import_cube(with_bad, tmp_path / "out.fits", skip_bad=True)
    assert sorted(tmp_path.iterdir()) == before


def test_plain_pictures_have_no_columns_of_a_stretch(tmp_path: Path) -> None:
    with imported(write_list(tmp_path, ["a"])) as cube:
        assert cube.catalogue.colnames == ["id"]


def test_real_list_with_names_of_galaxy10(real_data: Path, tmp_path: Path) -> None:
    rows = csv.DictReader((real_data / "labels.csv").read_text(encoding="utf-8").splitlines())
    wanted = [row | {"path": str(real_data / row["path"])} for row in rows if row["source"] == "galaxy10_decals"]
    table = [list(wanted[0]), *(list(row.values()) for row in wanted)]
    source = write_rows(tmp_path / "list.csv", table)
    with imported(source, size=64, label_column="galaxy10_name") as cube:
        assert cube.class_names == CLASS_NAMES
        np.testing.assert_array_equal(cube.labels, np.asarray(cube.catalogue["galaxy10"]))
