"""A file that is not as it was written is refused where it is passed over; one without checksums is fine."""

from __future__ import annotations

import gzip
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kamerton.data.cubes.cube import open_cube
from kamerton.data.fits.checksums import check_checksums, checksum_errors
from kamerton.data.fits.structure import check_structure
from kamerton.data.importers import import_cube
from kamerton.data.splitting import split_cube
from kamerton.errors import CubeError
from tests.conftest import toy_galaxies, write_toy_cube


def flip(path: Path, place: int) -> None:
    """Change one bit of a file."""
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def errors_of(path: Path) -> list[str]:
    with path.open("rb") as file:
        return [str(error) for error in checksum_errors(path, file, check_structure(path, file))]


def places(path: Path) -> list[dict[str, int]]:
    with fits.open(path) as hdus:
        return [hdu.fileinfo() for hdu in hdus]


@pytest.mark.parametrize("hdu", [0, 1, 2])
def test_a_bit_that_flips_in_the_data_is_found_with_hdu_and_bytes(toy_cube: Path, hdu: int) -> None:
    data = places(toy_cube)[hdu]
    flip(toy_cube, data["datLoc"] + 5)
    found = errors_of(toy_cube)
    assert len(found) == 1
    assert f"{toy_cube} HDU {hdu}: the data do not match their DATASUM" in found[0]
    assert f"bytes {data['datLoc']} to {data['datLoc'] + data['datSpan'] - 1}" in found[0]


def test_a_bit_that_flips_in_a_header_is_found(toy_cube: Path) -> None:
    content = toy_cube.read_bytes()
    flip(toy_cube, content.index(b"class of label 1"))
    assert "HDU 1: the header does not match its CHECKSUM. Received: bytes 95040 to" in errors_of(toy_cube)[0]


@settings(max_examples=60)
@given(share=st.floats(0, 1, exclude_max=True))
def test_no_flipped_bit_anywhere_is_read_as_if_nothing_were(
    tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    """Whichever bit flips, the cube is refused; only CHECKSUM= itself may change, and that changes nothing else."""
    folder = tmp_path_factory.getbasetemp()
    sound = folder / "flip-sound.fits"
    if not sound.exists():
        write_toy_cube(sound, 6, 16)
    path = Path(shutil.copy(sound, folder / "flip.fits"))
    place = int(share * path.stat().st_size)
    content = path.read_bytes()
    assume(content[place - place % 80 :][:10] != b"CHECKSUM= " or place % 80 >= 10)
    flip(path, place)
    with pytest.raises(CubeError), open_cube(path) as cube:
        cube.galaxy_fingerprints()


def test_the_pass_over_the_galaxies_verifies_and_opening_does_not(toy_cube: Path) -> None:
    flip(toy_cube, places(toy_cube)[0]["datLoc"])
    with open_cube(toy_cube) as cube:
        cube.read([0])
        with pytest.raises(CubeError, match=r"HDU 0: the data do not match their DATASUM"):
            cube.galaxy_fingerprints()


def test_a_changed_cube_is_neither_split_nor_imported(toy_cube: Path, tmp_path: Path) -> None:
    flip(toy_cube, places(toy_cube)[0]["datLoc"])
    with pytest.raises(CubeError, match="DATASUM"):
        split_cube(toy_cube, tmp_path / "splits")
    with pytest.raises(CubeError, match="DATASUM"):
        import_cube(toy_cube, tmp_path / "new.fits")
    assert not list((tmp_path / "splits").glob("*")), "nothing half-written stays behind"
    assert not (tmp_path / "new.fits").exists()


def test_a_gzipped_cube_is_verified_too(toy_cube: Path, tmp_path: Path) -> None:
    flip(toy_cube, places(toy_cube)[0]["datLoc"])
    packed = tmp_path / "a.fits.gz"
    packed.write_bytes(gzip.compress(toy_cube.read_bytes()))
    with open_cube(packed) as cube, pytest.raises(CubeError, match=r"a\.fits\.gz HDU 0: .*DATASUM"):
        cube.fingerprint()


def galaxies() -> np.ndarray:
    return toy_galaxies(6, 16, 0)[0]


WRITTEN_BY_ASTROPY: dict[str, Callable[[], list[Any]]] = {
    "bytes": lambda: [fits.PrimaryHDU(galaxies())],
    "unsigned": lambda: [fits.PrimaryHDU(galaxies().astype(np.uint16))],
    "floats": lambda: [fits.PrimaryHDU(galaxies().astype(np.float32))],
    "rice": lambda: [fits.PrimaryHDU(), fits.CompImageHDU(galaxies(), compression_type="RICE_1")],
    "gzip": lambda: [fits.PrimaryHDU(), fits.CompImageHDU(galaxies().astype(np.float32), compression_type="GZIP_2")],
}
"""Made anew for each file: Astropy leaves the sums of one writing in the header for the next."""


@pytest.mark.parametrize("checksum", [True, "datasum", False], ids=["both", "datasum", "none"])
@pytest.mark.parametrize("name", WRITTEN_BY_ASTROPY)
def test_a_file_of_astropys_passes_with_its_checksums_or_without(
    tmp_path: Path, name: str, checksum: bool | str
) -> None:
    """Astropy, which wrote the sums, is the witness that they are right."""
    path = tmp_path / "a.fits"
    table = fits.table_to_hdu(Table({"id": ["a" * row for row in range(1, 7)], "z": np.arange(6.0)}))
    table.name = "CATALOG"
    labels = fits.ImageHDU(np.arange(6, dtype=np.int16))
    fits.HDUList([*WRITTEN_BY_ASTROPY[name](), labels, table]).writeto(path, checksum=checksum)
    assert errors_of(path) == []
    with open_cube(path) as cube:
        assert len(cube.galaxy_fingerprints()) == 6
    if checksum:
        flip(path, path.stat().st_size - 2880)
        assert len(errors_of(path)) == 1


@pytest.mark.parametrize("keywords", [("CHECKSUM",), ("CHECKSUM", "DATASUM")])
def test_a_blank_sum_says_nothing(tmp_path: Path, keywords: tuple[str, ...]) -> None:
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(galaxies()).writeto(path, checksum=True)
    content = path.read_bytes()
    for keyword in keywords:
        start = content.index(keyword.encode())
        content = content[:start] + f"{keyword:8}= ''".ljust(80).encode() + content[start + 80 :]
    path.write_bytes(content)
    assert errors_of(path) == []


def test_a_checksum_without_datasum_covers_the_data(tmp_path: Path) -> None:
    """Astropy passes such a file, whatever its data."""
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(galaxies()).writeto(path, checksum=True)
    content = path.read_bytes()
    start = content.index(b"DATASUM")
    path.write_bytes(content[:start] + b"COMMENT".ljust(80) + content[start + 80 :])
    assert "header and data do not match their CHECKSUM" in errors_of(path)[0]


def test_a_datasum_that_is_no_number_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(galaxies()).writeto(path, checksum=True)
    content = bytearray(path.read_bytes())
    place = content.index(b"DATASUM = '") + 11
    content[place : place + 3] = b"abc"
    path.write_bytes(content)
    assert "HDU 0: DATASUM is no number" in errors_of(path)[0]


def test_verifying_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(np.zeros((1000, 256, 256), np.uint8)).writeto(path, checksum=True)
    tracemalloc.start()
    with path.open("rb") as file:
        check_checksums(path, file)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
