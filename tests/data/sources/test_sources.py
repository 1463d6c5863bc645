"""What holds for every kind of source: one made of the same six galaxies gives them, in their order."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from kamerton.config.pictures import Framing, PictureSettings, PixelOrigin
from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.origin import framing_within
from kamerton.data.importers import import_cube
from kamerton.data.pictures.picture import fit_square
from kamerton.data.sources import SOURCES, open_source
from kamerton.data.sources.source import settings_of
from kamerton.errors import DataError, UsageError
from tests.conftest import write_cube
from tests.data.importers.sources import noise_images, save_pictures, write_galaxy10, write_rows
from tests.data.sources.opened import read_source, request, same_images

COUNT = 6
NAMES = [f"galaktyka ż{row}.png" for row in range(COUNT)]


def write_hdf5(folder: Path) -> Path:
    return write_galaxy10(folder / "galaxies.h5", COUNT)


def write_folder(folder: Path) -> Path:
    save_pictures(folder / "zdjęcia", NAMES)
    return folder / "zdjęcia"


def write_list(folder: Path) -> Path:
    save_pictures(folder, NAMES)
    return write_rows(folder / "lista.csv", [["path"], *([name] for name in NAMES)])


def write_labelled(folder: Path) -> Path:
    return write_cube(folder / "cube.fits", noise_images(COUNT), np.zeros(COUNT, int), ("any",))


def write_one(folder: Path) -> Path:
    save_pictures(folder, NAMES[:1])
    return folder / NAMES[0]


WRITERS: dict[str, Callable[[Path], Path]] = {
    "hdf5": write_hdf5,
    "folder": write_folder,
    "list": write_list,
    "cube": write_labelled,
    "picture": write_one,
}


@pytest.fixture(params=SOURCES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_kind_gives_all_galaxies_in_order(kind: str, tmp_path: Path) -> None:
    found = read_source(WRITERS[kind](tmp_path))
    count = 1 if kind == "picture" else COUNT
    assert found.source.kind == kind
    assert (found.source.side_px, found.source.channels) == (8, 3)
    assert same_images(found.images, noise_images(COUNT)[:1] if kind == "picture" else noise_images(COUNT))
    assert len(set(found.column("place"))) == len(set(found.column("id"))) == count


def test_every_kind_gives_images_in_the_order_that_is_asked_for(kind: str, tmp_path: Path) -> None:
    path = WRITERS[kind](tmp_path)
    places = read_source(path).column("place")
    order = np.random.default_rng(0).integers(0, len(places), 9)
    found = read_source(path, places=[places[row] for row in order])
    assert same_images(found.images, noise_images(COUNT)[order])


def test_every_kind_is_known_again_and_told_from_another(kind: str, tmp_path: Path) -> None:
    path = WRITERS[kind](tmp_path)
    before = read_source(path).source.identity
    assert read_source(path).source.identity == before
    place = path / NAMES[-1] if kind == "folder" else path
    content = place.read_bytes()
    place.write_bytes(content[:-1] + b"\1" if kind == "cube" else content + b"\n")
    with open_source(request(path)) as source:
        assert source.identity != before


@pytest.mark.parametrize("what", ["nothing", "pipe", "loop"])
def test_what_is_no_source_is_refused(what: str, tmp_path: Path) -> None:
    path = tmp_path / "galaxies"
    if what == "pipe":
        os.mkfifo(path)
    if what == "loop":
        path.symlink_to(path)
    with pytest.raises((UsageError, DataError), match="galaxies: "), open_source(request(path)):
        pass


def test_a_run_tells_how_pictures_become_pixels() -> None:
    origin = PixelOrigin("asinh", ("g", "r", "z"), 5.0, 0.25)
    settings = settings_of(origin)
    assert (settings.bands, settings.q, settings.stretch) == ("g,r,z", 5.0, 0.25)
    assert (settings.crop, settings.size) == (None, None)
    assert settings_of(None) == settings_of(PixelOrigin("none")) == settings_of(PixelOrigin("unknown"))


@pytest.mark.parametrize(("crop", "size"), [(None, None), (16, None), (None, 12), (16, 12)])
def test_a_run_tells_what_its_images_show_of_their_pictures(crop: int | None, size: int | None) -> None:
    framing = framing_within(None, 24, crop, size)
    settings = settings_of(PixelOrigin("none", framing=framing))
    picture_hwc = noise_images(1, 24)[0]
    expected = fit_square(picture_hwc, PictureSettings(size, crop), "")
    np.testing.assert_array_equal(fit_square(picture_hwc, settings, ""), expected)


def test_pictures_of_several_sizes_are_shown_whole_as_those_of_the_run() -> None:
    settings = settings_of(PixelOrigin("none", framing=Framing((20, 30), (20, 30), 16)))
    assert (settings.crop, settings.size) == (None, 16)


# Cube or cutout


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((8, 8), "picture"),
        ((3, 8, 8), "picture"),
        ((1, 8, 8), "picture"),
        ((2, 8, 8), "cube"),
        ((5, 8, 8), "cube"),
        ((3, 3, 8, 8), "cube"),
        ((1, 8, 8, 3), "cube"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_axes_tell_a_cube_from_a_cutout(shape: tuple[int, ...], kind: str, compressed: bool, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(1, 255, shape).astype(np.int16)
    hdus = [fits.PrimaryHDU(), fits.CompImageHDU(pixels)] if compressed else [fits.PrimaryHDU(pixels)]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    with open_source(request(tmp_path / "a.fits")) as source:
        assert source.kind == kind


@pytest.mark.parametrize("after", ["labels", "CATALOG"])
@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
def test_three_grey_galaxies_are_a_cube_where_labels_or_a_catalogue_say_so(
    after: str, name: str, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(1, 255, (3, 8, 8)).astype(np.uint8)
    table = fits.BinTableHDU.from_columns([fits.Column("id", "2A", array=["a", "b", "c"])], name="CATALOG")
    hdu = fits.ImageHDU(np.arange(3)) if after == "labels" else table
    fits.HDUList([fits.PrimaryHDU(pixels), hdu]).writeto(tmp_path / name)
    with open_source(request(tmp_path / name)) as source:
        assert (source.kind, source.channels) == ("cube", 1)


@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
def test_a_cutout_with_its_errors_in_another_hdu_is_a_cutout(name: str, tmp_path: Path) -> None:
    bands_chw = np.random.default_rng(0).normal(5, 1, (3, 16, 16)).astype(np.float32)
    hdus = [fits.PrimaryHDU(bands_chw), fits.ImageHDU(1 / bands_chw**2, name="INVVAR")]
    fits.HDUList(hdus).writeto(tmp_path / name)
    with open_source(request(tmp_path / name)) as source:
        assert source.kind == "picture"


@pytest.mark.parametrize("cut", [5, 100, 3000])
def test_a_damaged_gzip_is_refused_in_one_line(cut: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3)).astype(np.uint8)
    fits.PrimaryHDU(pixels).writeto(tmp_path / "a.fits.gz")
    content = (tmp_path / "a.fits.gz").read_bytes()
    (tmp_path / "a.fits.gz").write_bytes(content[:-cut])
    with pytest.raises(DataError, match=r"a.fits.gz: cannot be unpacked"), open_source(request(tmp_path / "a.fits.gz")):
        pass


# Real galaxies


@pytest.mark.parametrize(
    ("place", "kind", "count"),
    [
        ("labels.csv", "list", 5238),
        ("images/galaxy10_decals", "folder", 30),
        ("fits", "folder", 13),
        ("fits/PGC0000212_gri.fits", "picture", 1),
    ],
)
def test_real_galaxies_are_read(place: str, kind: str, count: int, real_data: Path) -> None:
    with open_source(request(real_data / place)) as source:
        batches = list(source.batches(1000))
        assert source.kind == kind
        assert sum(batch.num_rows for batch in batches) == count
        images = list(source.images(batches[0]["place"].to_pylist()[:2]))
        assert all(isinstance(image, np.ndarray) for image in images)


# What a run learned from


def import_list(folder: Path) -> tuple[Path, Path]:
    save_pictures(folder, NAMES, side=24)
    rows = [[name, f"c{row % 3}"] for row, name in enumerate(NAMES)]
    return write_rows(folder / "lista.csv", [["path", "label"], *rows]), folder / "lista.csv"


def import_folders(folder: Path) -> tuple[Path, Path]:
    save_pictures(folder / "in", [f"c{row % 3}/{row}.png" for row in range(COUNT)], side=24)
    return folder / "in", folder / "in"


def import_hdf5(folder: Path) -> tuple[Path, Path]:
    path = write_galaxy10(folder / "galaxies.h5", COUNT, side=24)
    return path, path


def import_cutouts(folder: Path) -> tuple[Path, Path]:
    """Write cutouts whose planes stand from red to blue, and import them with the bands in their headers."""
    rows: list[list[str]] = [["path", "label"]]
    y, x = np.mgrid[:24, :24]
    for row in range(COUNT):
        bands_chw = np.random.default_rng(row).normal(5, 1, (3, 24, 24)) + 300 * np.exp(-np.hypot(x - 12, y - 14) / 3)
        fits.PrimaryHDU(bands_chw.astype(np.float32), fits.Header({"BANDS": "zrg"})).writeto(folder / f"{row}.fits")
        rows.append([f"{row}.fits", f"c{row % 3}"])
    return write_rows(folder / "list.csv", rows), folder / "list.csv"


@pytest.mark.parametrize("make", [import_list, import_folders, import_hdf5, import_cutouts])
@pytest.mark.parametrize(("crop", "size"), [(None, None), (16, 12)])
def test_galaxies_are_read_as_the_run_that_learned_from_them_saw_them(
    make: Callable[[Path], tuple[Path, Path]], crop: int | None, size: int | None, tmp_path: Path
) -> None:
    imported, looked_at = make(tmp_path)
    import_cube(imported, tmp_path / "cube.fits", crop=crop, size=size, q=5.0)
    with open_cube(tmp_path / "cube.fits") as cube:
        settings, images_nhwc = settings_of(cube.origin), cube.read(slice(None))
    found = read_source(looked_at, **vars(settings))
    # A cube of class folders is sorted by class, as paths are.
    assert same_images(found.images, images_nhwc)
    assert same_images(read_source(tmp_path / "cube.fits", **vars(settings)).images, images_nhwc)
