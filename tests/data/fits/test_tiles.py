"""Compressed tiles are unpacked elsewhere: what they do there is one line here, and sound ones give the same pixels."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from astropy.io import fits
from jaxtyping import Num

from kamerton.data.fits import tiles
from kamerton.data.fits.hdus import open_fits
from kamerton.errors import FitsError

RNG = np.random.default_rng(0)
GALAXY_HW = RNG.integers(0, 200, (40, 33)).astype(np.int16)
COMPRESSIONS = ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS")


def write(path: Path, pixels: Num[np.ndarray, "..."], compression: str, **options: object) -> Path:
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels, compression_type=compression, **options)]).writeto(path)
    return path


MASKS = {"PLIO_1": (np.uint8, np.int16, np.int32)}
"""PLIO is for masks of small whole numbers."""
KINDS = [
    (name, dtype)
    for name in COMPRESSIONS
    for dtype in MASKS.get(name, (np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64))
]


@pytest.mark.parametrize(("compression", "dtype"), KINDS)
def test_every_compression_gives_the_pixels_that_astropy_gives(
    compression: str, dtype: type[np.generic], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.fits", GALAXY_HW.astype(dtype), compression)
    with fits.open(path, do_not_scale_image_data=True) as hdus:
        theirs, scale = hdus[1].data, {name: hdus[1].header.get(name) for name in ("BZERO", "BSCALE", "BLANK")}
    _, hdus = open_fits(path)
    with closing(hdus):
        np.testing.assert_array_equal(hdus[1].data, theirs)
        assert hdus[1].data.dtype.newbyteorder("=") == theirs.dtype.newbyteorder("=")
        assert {name: hdus[1].header.get(name) for name in scale} == scale


@pytest.mark.parametrize("compression", [name for name in COMPRESSIONS if name != "HCOMPRESS_1"])
def test_a_cube_of_any_tiles_keeps_its_axes(compression: str, tmp_path: Path) -> None:
    images_nhwc = RNG.integers(0, 256, (5, 7, 9, 3), np.uint8)
    path = write(tmp_path / "a.fits", images_nhwc, compression, tile_shape=(2, 4, 9, 3))
    _, hdus = open_fits(path)
    with closing(hdus):
        np.testing.assert_array_equal(hdus[1].data, images_nhwc)


def test_the_rest_of_the_file_stays_as_it_is(tmp_path: Path) -> None:
    header = fits.Header([("BANDS", "grz", "from blue to red"), ("HIERARCH long keyword", 1), ("HISTORY", "kept")])
    packed, labels = fits.CompImageHDU(GALAXY_HW, header, name="SCI"), fits.ImageHDU(np.arange(3, dtype=np.int16))
    fits.HDUList([fits.PrimaryHDU(), packed, labels]).writeto(tmp_path / "a.fits")
    _, hdus = open_fits(tmp_path / "a.fits")
    with closing(hdus):
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI", ""]
        assert hdus[1].header["BANDS"] == "grz"
        assert hdus[1].header["long keyword"] == 1
        assert str(hdus[1].header["HISTORY"]) == "kept"
        np.testing.assert_array_equal(hdus[2].data, np.arange(3))


def test_the_unpacked_file_has_no_name_left_and_closes_with_its_hdus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.fits", GALAXY_HW, "RICE_1")
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    file, hdus = open_fits(path)
    with closing(hdus):
        assert list((tmp_path / "scratch").iterdir()) == []
        assert not file.closed
    assert file.closed


def test_an_unpacked_file_that_astropy_cannot_open_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.fits", GALAXY_HW, "RICE_1")
    unpacked: list[IO[bytes]] = []

    def refuse(file: IO[bytes], **_: object) -> None:
        unpacked.append(file)
        raise OSError("Header missing END card.")

    monkeypatch.setattr(fits, "open", refuse)
    with pytest.raises(FitsError, match="Header missing END card"):
        open_fits(path)
    assert unpacked[0].closed


# Tiles that lie


def heap_of(content: bytes) -> tuple[int, int]:
    """Find the first tile of the first table: where its descriptor is, and where its bytes are."""
    table = content.index(b"XTENSION= 'BINTABLE'")
    data = table + next(
        at for at in range(0, len(content), 2880) if b"END".ljust(80) in content[table:][at : at + 2880]
    )
    data += 2880
    header = fits.Header.fromstring(content[table:data].decode("ascii"))
    return data, data + header["NAXIS1"] * header["NAXIS2"]


def changed(path: Path, place: int, new: bytes) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[:place] + new + content[place + len(new) :])
    return path


@pytest.mark.parametrize("sides", [(400, 330), (33, 40), (4, 4), (-1, -1), (2**31 - 1, 2**31 - 1), (40, 34)])
def test_an_hcompress_tile_of_other_sides_is_refused_before_it_is_unpacked(
    sides: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Astropy 8.0 writes beyond its memory: "malloc(): invalid size", and the whole process is gone.
    path = write(tmp_path / "a.fits", GALAXY_HW, "HCOMPRESS_1", tile_shape=GALAXY_HW.shape)
    _, tile = heap_of(path.read_bytes())
    assert path.read_bytes()[tile : tile + 2] == b"\xdd\x99"
    changed(path, tile + 2, struct.pack(">ii", *sides))
    monkeypatch.setattr(tiles, "_helper", None)
    with pytest.raises(FitsError, match=r"HDU 1: tile 0 is none of HCOMPRESS_1. Received: mark dd99, sides \["):
        open_fits(path)


@pytest.mark.parametrize("descriptor", [(-1, 0), (100, -4), (2**31 - 1, 0), (10, 2**31 - 1), (1, 10**9)])
def test_a_tile_outside_the_heap_is_refused(descriptor: tuple[int, int], tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", GALAXY_HW, "RICE_1")
    place, _ = heap_of(path.read_bytes())
    with pytest.raises(FitsError, match=r"HDU 1: tile 3 is not in the heap"):
        open_fits(changed(path, place + 3 * 8, struct.pack(">ii", *descriptor)))


def test_a_list_of_plio_that_says_another_length_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", GALAXY_HW, "PLIO_1")
    _, tile = heap_of(path.read_bytes())
    with pytest.raises(FitsError, match=r"HDU 1: tile 0 is none of PLIO_1"):
        open_fits(changed(path, tile + 6, struct.pack(">hh", 32_767, 32_767)))


def test_a_tile_that_unpacks_to_gigabytes_is_stopped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", np.zeros((1000, 4000), np.uint8), "GZIP_1", tile_shape=(1000, 4000))
    content = path.read_bytes()
    place, _ = heap_of(content)
    bomb = gzip.compress(bytes(1 << 20), 9) * 4000
    with fits.open(path, disable_image_compression=True) as hdus:
        heap_bytes = hdus[1].header["PCOUNT"]
    content = content.replace(f"PCOUNT  = {heap_bytes:>20}".encode(), f"PCOUNT  = {len(bomb):>20}".encode())
    content = content[:place] + struct.pack(">ii", len(bomb), 0) + bomb
    path.write_bytes(content + bytes(-len(content) % 2880))
    with pytest.raises(FitsError, match=r"cannot be unpacked. Received: .*HDU 1.*MemoryError"):
        open_fits(path)


@pytest.mark.parametrize(
    ("keyword", "value", "says"),
    [
        ("ZTILE1", "0", "has ZTILE1 = 0"),
        ("ZTILE1", "1", "has 40 rows for 1320 tiles"),
        ("ZCMPTYPE", "'MAGIC_1'", "has ZCMPTYPE = 'MAGIC_1'.*RICE_1"),
        ("ZVAL2", "8", "has ZVAL2 = 8"),
        ("ZVAL2", "3", "has ZVAL2 = 3 bytes a pixel"),
        ("ZVAL1", "-32", "has ZVAL1 = -32"),
        ("ZIMAGE", "F", "has ZIMAGE = F"),
        ("THEAP", "0", "has THEAP = 0"),
        ("TFORM1", "'1E'", "columns of 4 bytes in rows of 8"),
        ("TTYPE1", "'PIXELS'", "has the columns of no image"),
    ],
)
def test_a_header_that_no_tiles_can_have_is_refused(keyword: str, value: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", GALAXY_HW, "RICE_1")
    content = path.read_bytes()
    card = f"{keyword:8}= {value:>20}".ljust(80).encode()
    table = content.index(b"XTENSION")
    place = content.find(f"{keyword:8}= ".encode(), table)
    if place < 0:
        place = content.index(b"END".ljust(80), table)
        card += b"END".ljust(80)
    with pytest.raises(FitsError, match=says):
        open_fits(changed(path, place, card))


def test_a_million_tiles_of_a_pixel_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.fits", GALAXY_HW, "RICE_1", tile_shape=(1, 1))
    monkeypatch.setattr("kamerton.data.fits.compressed.MAX_TILES", 1000)
    with pytest.raises(FitsError, match=r"has 1320 tiles. Allowed: at most 1000, with a tile a galaxy"):
        open_fits(path)


def test_a_compressed_image_inside_a_gzipped_file_counts_from_the_gzipped_one(tmp_path: Path) -> None:
    # Each alone is within 200 times its own size.
    write(tmp_path / "a.fits", np.zeros((4096, 4096), np.int64), "GZIP_1", tile_shape=(1024, 4096))
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress((tmp_path / "a.fits").read_bytes(), 9))
    assert (tmp_path / "a.fits.gz").stat().st_size < 20_000
    with pytest.raises(FitsError, match=r"unpacks to too much|promises \d+ bytes"):
        open_fits(tmp_path / "a.fits.gz")


# The process that unpacks


def test_a_death_while_unpacking_is_one_line_and_the_next_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.fits", GALAXY_HW, "RICE_1")
    program, fatal = tmp_path / "program.py", tmp_path / "fatal"
    dies = f"def unpack(*given):\n    os.path.exists({str(fatal)!r}) and os.abort()\n    plain(*given)\n\n\ndef plain("
    program.write_text(tiles.PROGRAM.read_text().replace("def unpack(", dies))
    monkeypatch.setattr(tiles, "PROGRAM", program)
    helper = tiles.Helper()
    monkeypatch.setattr(tiles, "_helper", lambda _: helper)
    fatal.touch()
    with pytest.raises(FitsError, match=r"image cannot be unpacked.*break the decompressor \(SIGABRT"):
        open_fits(path)
    fatal.unlink()
    open_fits(path)[1].close()
    helper.close()


def test_a_helper_that_was_killed_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.fits", GALAXY_HW, "RICE_1")
    helper = tiles.Helper()
    monkeypatch.setattr(tiles, "_helper", lambda _: helper)
    for _ in range(2):
        open_fits(path)[1].close()
        assert helper.process is not None
        helper.process.kill()
        helper.process.wait()
    helper.close()


def test_a_program_ends_quietly_after_unpacking(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", GALAXY_HW, "RICE_1")
    script = (
        "import sys, pathlib\n"
        "from kamerton.data.fits.hdus import open_fits\n"
        "_, hdus = open_fits(pathlib.Path(sys.argv[1]))\n"
        "print(hdus[1].data.sum())\n"
        "hdus.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(path)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, str(GALAXY_HW.sum()), "")
