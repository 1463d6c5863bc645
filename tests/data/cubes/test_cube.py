"""A labelled cube is read whatever its layout, number type or packing, and a bad one is refused in one line."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.cubes.images import image_digest
from kamerton.errors import CubeError, KamertonWarning
from tests.conftest import CLASS_NAMES, toy_galaxies, write_toy_cube


def write_hdus(path: Path, images: np.ndarray, labels: np.ndarray | None, *, names: int = 0) -> Path:
    """Write a cube as anybody would with Astropy alone."""
    hdus = fits.HDUList([fits.PrimaryHDU(images)])
    if labels is not None:
        hdus.append(fits.ImageHDU(labels))
        for index in range(names):
            hdus[1].header[f"CLASS{index}"] = f"name {index}"
    hdus.writeto(path)
    return path


def read_all(path: Path) -> np.ndarray:
    with open_cube(path) as cube:
        return cube.read(slice(None))


@pytest.mark.parametrize("number_type", [">u1", ">i2", ">i4", ">i8", ">f4", ">f8", "u2", "u4"])
def test_every_bitpix_gives_the_same_pixels(tmp_path: Path, number_type: str) -> None:
    images_nhwc, labels = toy_galaxies(5, 16, 0)
    path = write_hdus(tmp_path / "a.fits", images_nhwc.astype(number_type), labels)
    np.testing.assert_array_equal(read_all(path), images_nhwc)


def test_scaling_keywords_are_applied(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(4, 16, 0)
    hdu = fits.PrimaryHDU(images_nhwc / 2.0)
    hdu.scale("int16", bscale=0.5, bzero=10)
    fits.HDUList([hdu, fits.ImageHDU(labels)]).writeto(tmp_path / "a.fits")
    np.testing.assert_allclose(read_all(tmp_path / "a.fits"), images_nhwc / 2.0)


@pytest.mark.parametrize(
    ("layout", "shape"),
    [("nhwc", (16, 16, 3)), ("nchw", (16, 16, 3)), ("nhw", (16, 16, 1))],
)
def test_every_layout_becomes_channels_last(tmp_path: Path, layout: str, shape: tuple[int, ...]) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    stored = {"nhwc": images_nhwc, "nchw": np.moveaxis(images_nhwc, -1, 1), "nhw": images_nhwc[..., 0]}[layout]
    with open_cube(write_hdus(tmp_path / "a.fits", stored, labels)) as cube:
        assert cube.image_shape == shape
        np.testing.assert_array_equal(cube.read([4, 1]), images_nhwc[[4, 1]][..., : shape[2]])


@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_1", "GZIP_2"])
def test_a_tile_compressed_cube_is_read(tmp_path: Path, compression: str) -> None:
    images_nhwc, labels = toy_galaxies(5, 16, 0)
    packed = fits.CompImageHDU(images_nhwc, compression_type=compression)
    fits.HDUList([fits.PrimaryHDU(), packed, fits.ImageHDU(labels)]).writeto(tmp_path / "a.fits.fz")
    with open_cube(tmp_path / "a.fits.fz") as cube:
        np.testing.assert_array_equal(cube.read([3, 0]), images_nhwc[[3, 0]])
        np.testing.assert_array_equal(cube.labels, labels)


def test_a_gzipped_cube_is_read(tmp_path: Path, toy_cube: Path) -> None:
    with toy_cube.open("rb") as plain, gzip.open(tmp_path / "a.fits.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    np.testing.assert_array_equal(read_all(tmp_path / "a.fits.gz"), read_all(toy_cube))


def test_a_cube_without_names_or_catalogue_gets_plain_ones(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(5, 16, 0)
    with open_cube(write_hdus(tmp_path / "a.fits", images_nhwc, labels)) as cube:
        assert cube.class_names == ("class 0", "class 1", "class 2")
        assert not cube.has_class_names
        assert cube.ids == [f"a#{row}" for row in range(5)]


def test_blank_ids_are_those_of_the_rows_aloud(tmp_path: Path) -> None:
    """Two blank ones would be one galaxy, and a label for it would find none."""
    path = write_hdus(
        tmp_path / "survey.fits", np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 0, 1, 1], np.uint8), names=2
    )
    catalogue = fits.table_to_hdu(Table({"id": ["a", "", "  ", "d"]}))
    catalogue.name = "CATALOG"
    fits.append(path, catalogue.data, catalogue.header)
    with (
        pytest.warns(KamertonWarning, match="galaxies whose id is blank are called by their rows.*'survey#0'"),
        open_cube(path) as cube,
    ):
        assert cube.ids == ["a", "survey#1", "survey#2", "d"]


def test_names_and_catalogue_come_from_the_file(toy_cube: Path) -> None:
    with open_cube(toy_cube) as cube:
        assert cube.class_names == CLASS_NAMES
        assert cube.ids[:2] == ["toy-0-0", "toy-0-1"]
        assert cube.catalogue["ra"].unit == "deg"
        assert list(cube.catalogue["source"][:2]) == ["south", "north"]


@given(rows=st.lists(st.integers(0, 29), max_size=40))
def test_any_rows_in_any_order_are_those_of_the_file(tmp_path_factory: pytest.TempPathFactory, rows: list[int]) -> None:
    path = tmp_path_factory.getbasetemp() / "any-rows.fits"
    if not path.exists():
        write_toy_cube(path, 30, 16)
    with open_cube(path) as cube:
        np.testing.assert_array_equal(cube.read(rows), toy_galaxies(30, 16, 0)[0][rows])


def test_the_fingerprint_does_not_depend_on_how_the_file_stores_the_galaxies(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(5, 16, 0)
    first = write_hdus(tmp_path / "a.fits", images_nhwc, labels)
    second = write_hdus(tmp_path / "b.fits", np.moveaxis(images_nhwc, -1, 1).astype(">i4"), labels.astype(np.uint8))
    with open_cube(first) as a, open_cube(second) as b:
        assert a.fingerprint() == b.fingerprint()


@pytest.mark.parametrize("change", ["pixel", "label", "order", "name"])
def test_the_fingerprint_changes_with_the_galaxies(tmp_path: Path, change: str) -> None:
    images_nhwc, labels = toy_galaxies(5, 16, 0)
    with open_cube(write_hdus(tmp_path / "a.fits", images_nhwc, labels, names=3)) as cube:
        before = cube.fingerprint()
    if change == "pixel":
        images_nhwc[2, 0, 0, 0] ^= 1
    elif change == "label":
        labels[2] = 0
    elif change == "order":
        images_nhwc, labels = images_nhwc[::-1].copy(), labels[::-1].copy()
    path = write_hdus(tmp_path / "b.fits", images_nhwc, labels, names=4 if change == "name" else 3)
    with open_cube(path) as cube:
        assert cube.fingerprint() != before


def test_memory_does_not_grow_with_the_cube(tmp_path: Path) -> None:
    """Reading every galaxy of a 100 MB cube keeps less than a tenth of it in memory that is not the file's own."""
    code = (
        "import sys; from kamerton.data.cubes.cube import open_cube\n"
        "def rss(): return int(next(l for l in open('/proc/self/status') if 'RssAnon' in l).split()[1])\n"
        "cube = open_cube(sys.argv[1]); cube.read([0]); before = rss()\n"
        "for _ in cube.chunks(): peak = rss(); assert peak - before < 10_000, peak - before\n"
        "print('held')"
    )
    import subprocess
    import sys

    if not Path("/proc/self/status").exists():
        pytest.skip("needs Linux's /proc")
    path = write_hdus(tmp_path / "a.fits", np.zeros((8000, 64, 64, 3), np.uint8), np.zeros(8000, np.uint8))
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "held", done.stderr


def bad_labels(path: Path, labels: np.ndarray, names: int = 0) -> None:
    write_hdus(path, toy_galaxies(6, 16, 0)[0], labels, names=names)


def bad_images(path: Path, shape: tuple[int, ...]) -> None:
    write_hdus(path, np.zeros(shape, np.uint8), np.zeros(max(shape[0], 1), np.uint8))


def with_nan(path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    images = images_nhwc.astype(np.float32)
    images[4, 3, 2, 1] = np.nan
    write_hdus(path, images, labels)


def with_negative(path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    images = images_nhwc.astype(np.int16)
    images[1, 0, 0, 0] = -7
    write_hdus(path, images, labels)


def labels_as_table(path: Path) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("label", "J", array=np.zeros(6, int))])
    fits.HDUList([fits.PrimaryHDU(toy_galaxies(6, 16, 0)[0]), table]).writeto(path)


def short_catalogue(path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    table = fits.BinTableHDU.from_columns([fits.Column("id", "4A", array=["a", "b"])], name="CATALOG")
    fits.HDUList([fits.PrimaryHDU(images_nhwc), fits.ImageHDU(labels), table]).writeto(path)


def name_twice(path: Path) -> None:
    bad_labels(path, np.array([0, 1, 2, 0, 1, 2]), 3)
    fits.setval(path, "CLASS1", value="name 0", ext=1)


BAD_CUBES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no such file": (lambda p: None, r"cannot be opened.*No such file"),
    "a folder": (lambda p: p.mkdir(), r"cannot be opened.*Is a directory"),
    "zero bytes": (lambda p: p.write_bytes(b""), "an empty file"),
    "not FITS": (lambda p: p.write_bytes(b"hello " * 1000), r"cannot be read as FITS"),
    "no label HDU": (lambda p: write_hdus(p, np.zeros((6, 16, 16, 3), np.uint8), None), r"HDU 1: there are no labels"),
    "labels as a table": (labels_as_table, r"HDU 1: there are no labels.*a table"),
    "labels of another length": (lambda p: bad_labels(p, np.zeros(5, int)), r"HDU 1: .*length.*\(5,\) for 6 images"),
    "negative label": (lambda p: bad_labels(p, np.array([0, 1, -1, 0, 1, 0])), r"HDU 1: label of image 2 .*-1"),
    "fractional label": (lambda p: bad_labels(p, np.array([0, 0.5, 0, 0, 0, 0])), r"HDU 1: label of image 1 .*0\.5"),
    "absent label": (lambda p: bad_labels(p, np.array([0, 0, 0, np.nan, 0, 0])), r"HDU 1: label of image 3 .*nan"),
    "label beyond names": (lambda p: bad_labels(p, np.array([0, 1, 2, 5, 0, 1]), 3), r"image 3 is beyond.*label 5"),
    "one name twice": (name_twice, r"HDU 1: two classes have one name.*'name 0' for labels \[0, 1\]"),
    "one image": (lambda p: bad_images(p, (16, 16)), r"HDU 0: wrong dimensions.*\(16, 16\)"),
    "five axes": (lambda p: bad_images(p, (2, 2, 16, 16, 3)), r"HDU 0: wrong dimensions"),
    "not square": (lambda p: bad_images(p, (6, 16, 18, 3)), r"HDU 0: wrong dimensions.*\(6, 16, 18, 3\)"),
    "too many channels": (lambda p: bad_images(p, (40, 30, 30, 20)), r"HDU 0: wrong dimensions"),
    "short catalogue": (short_catalogue, r"HDU 2: .*2 rows for 6 images"),
    "NaN pixel": (with_nan, r"HDU 0: image 4 has NaN.*1 such pixels"),
    "pixel below zero": (with_negative, r"HDU 0: image 1 has pixels outside 0 to 255.*-7"),
}


def use_all(path: Path) -> None:
    """Do with a cube what training does: read labels, catalogue and every pixel."""
    with open_cube(path) as cube:
        assert isinstance(cube, LabelledCube)
        assert cube.ids
        cube.fingerprint()


@pytest.mark.parametrize("what", BAD_CUBES)
def test_a_bad_cube_is_one_line_that_names_file_and_finding(tmp_path: Path, what: str) -> None:
    make, says = BAD_CUBES[what]
    path = tmp_path / "bad.fits"
    make(path)
    with pytest.raises(CubeError, match=says) as caught:
        use_all(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Next: " in str(caught.value)


@pytest.mark.parametrize("tiled", [False, True])
def test_a_blank_byte_is_no_pixel(tmp_path: Path, tiled: bool) -> None:
    """BLANK among bytes, which no program of pictures writes, but a header may say."""
    images_nhwc, labels = toy_galaxies(6, 8, 0)
    whole = write_hdus(tmp_path / "a.fits", images_nhwc, labels)
    if tiled:
        hdus = [fits.PrimaryHDU(), fits.CompImageHDU(images_nhwc, compression_type="RICE_1"), fits.ImageHDU(labels)]
        fits.HDUList(hdus).writeto(whole, overwrite=True)
    content = whole.read_bytes()
    end = content.index(b"END".ljust(80), 2880 * tiled)
    card = f"BLANK   = {images_nhwc[3, 0, 0, 0]:20d}".encode().ljust(80)
    whole.write_bytes(content[:end] + card + content[end : end + 80] + content[end + 160 :])
    with open_cube(whole) as cube, pytest.raises(CubeError, match=r"image \d has NaN"):
        cube.fingerprint()


def test_an_empty_cube_says_so(tmp_path: Path) -> None:
    header = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 4)])
    for axis, side in enumerate((3, 16, 16, 0), start=1):
        header[f"NAXIS{axis}"] = side
    labels = fits.Header([("XTENSION", "IMAGE"), ("BITPIX", 8), ("NAXIS", 1), ("NAXIS1", 0)])
    labels["PCOUNT"], labels["GCOUNT"] = 0, 1
    (tmp_path / "a.fits").write_bytes((header.tostring() + labels.tostring()).encode())
    with pytest.raises(CubeError, match=r"HDU 0: .*(empty cube|without data)"):
        use_all(tmp_path / "a.fits")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.97])
def test_a_truncated_cube_is_refused_wherever_it_ends(
    toy_cube: Path, break_primary: Callable[[Path, int], None], share: float
) -> None:
    break_primary(toy_cube, int(toy_cube.stat().st_size * share))
    with pytest.raises(CubeError, match=r"toy\.fits"):
        use_all(toy_cube)


def test_a_damaged_gzip_is_refused(tmp_path: Path, toy_cube: Path) -> None:
    packed = gzip.compress(toy_cube.read_bytes())
    (tmp_path / "a.fits.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(CubeError, match=r"a\.fits\.gz: cannot be unpacked"):
        use_all(tmp_path / "a.fits.gz")


def test_minus_zero_is_zero_in_a_fingerprint() -> None:
    image_hwc = np.array([[[0.5], [0.0]], [[7.0], [9.0]]], np.float32)
    minus_hwc = image_hwc.copy()
    minus_hwc[0, 1, 0] = -0.0
    assert image_digest(minus_hwc) == image_digest(image_hwc) != image_digest(image_hwc + np.float32(1))
    # As it was before, of bytes and of fractions.
    assert image_digest(np.zeros((2, 2, 1), np.uint8)) == sha256(b"uint8 (2, 2, 1) " + bytes(4)).hexdigest()
    assert image_digest(image_hwc) == sha256(b"float32 (2, 2, 1) " + image_hwc.tobytes()).hexdigest()
