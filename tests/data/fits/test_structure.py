"""The skeleton of a FITS file is walked before anything in it is believed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from kamerton.data.fits.structure import MAX_HDUS, check_structure
from kamerton.errors import CubeError


def test_the_units_are_those_that_astropy_finds(toy_cube: Path) -> None:
    with fits.open(toy_cube) as hdus, toy_cube.open("rb") as file:
        theirs = [hdu.fileinfo() for hdu in hdus]
        ours = check_structure(toy_cube, file)
    assert [(unit.header, unit.data) for unit in ours] == [(info["hdrLoc"], info["datLoc"]) for info in theirs]
    assert all(0 <= info["datSpan"] - unit.data_bytes < 2880 for unit, info in zip(ours, theirs, strict=True))


def test_real_cutouts_are_sound(real_data: Path) -> None:
    paths = sorted((real_data / "fits").rglob("*.fits"))
    assert paths
    for path in paths:
        with path.open("rb") as file:
            assert check_structure(path, file)


def plain(*hdus: fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU) -> bytes:
    content = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(content)
    return content.getvalue()


def card(keyword: str, value: str) -> Callable[[bytes], bytes]:
    """Give the first card of that name another value."""

    def changed(content: bytes) -> bytes:
        start = content.index(keyword.ljust(8).encode() + b"=")
        return content[:start] + f"{keyword:8}= {value:>20}".ljust(80).encode() + content[start + 80 :]

    return changed


def without_end(content: bytes, start: int) -> bytes:
    """Blank the END of the header that begins there."""
    place = content.index(b"END".ljust(80), start)
    return content[:place] + b" " * 80 + content[place + 80 :]


CUBE = plain(fits.PrimaryHDU(np.zeros((2, 8, 8, 3), np.uint8)), fits.ImageHDU(np.zeros(2, np.int16)))
EMPTY = plain(fits.PrimaryHDU(), fits.ImageHDU())
PACKED = plain(fits.PrimaryHDU(), fits.CompImageHDU(np.zeros((2, 8, 8, 3), np.uint8)))

FAULTS: dict[str, tuple[bytes, str]] = {
    "text": (b"hello, galaxy".ljust(2880), "HDU 0: .*byte 0 holds no FITS header"),
    "no END": (CUBE[:2880].replace(b"END", b"   "), "HDU 0: .*has no END"),
    "no END of the images": (without_end(CUBE, 0), "HDU 0: .*header at byte 0 has no END"),
    "no END of the labels": (without_end(CUBE, 5760), "HDU 1: .*header at byte 5760 has no END"),
    "no END of an empty HDU": (without_end(EMPTY, 0), "HDU 0: .*header at byte 0 has no END"),
    "half a header": (CUBE[:1000], "HDU 0: .*has no END"),
    "a header without end": (b"SIMPLE  =                    T".ljust(80) + bytes(8 << 20), "HDU 0: .*has no END"),
    "terabytes": (card("NAXIS4", "999999999999")(CUBE), r"HDU 0: the file is truncated.*192000000002688 bytes"),
    "beyond every number": (card("NAXIS4", "9" * 20)(CUBE), "HDU 0: .*NAXIS4 = 99999999999999999999"),
    "a thousand million axes": (card("NAXIS", "1000000000")(CUBE), "HDU 0: .*has NAXIS = 1000000000.*999"),
    "an axis too many": (card("NAXIS", "5")(CUBE), "HDU 0: .*has no NAXIS5"),
    "a negative axis": (card("NAXIS4", "-2")(CUBE), "HDU 0: .*has NAXIS4 = -2"),
    "an unknown BITPIX": (card("BITPIX", "12")(CUBE), "HDU 0: .*has BITPIX = 12.*8, 16, 32, 64, -32, -64"),
    "text for a number": (card("BITPIX", "'8'")(CUBE), "HDU 0: .*has BITPIX = '8'"),
    "no standard": (card("SIMPLE", "F")(CUBE), "HDU 0: .*does not follow the standard"),
    "groups of terabytes": (card("GCOUNT", "99999999999")(CUBE), "HDU 1: the file is truncated"),
    "a cut end": (CUBE[:-2880], "HDU 1: the file is truncated"),
    "noise behind": (CUBE + bytes(100), "HDU 2: .*bytes after the last HDU that are no header"),
    "columns without end": (card("TFIELDS", "9" * 19)(PACKED), "HDU 1: .*has TFIELDS"),
    "a packed image of terabytes": (card("ZNAXIS4", "99999999999")(PACKED), "HDU 1: .*promises .*bytes of image"),
    "packed axes without end": (card("ZNAXIS", "99999999")(PACKED), "HDU 1: .*has ZNAXIS"),
    "too many HDUs": (EMPTY + EMPTY[2880:] * MAX_HDUS, "is one too many"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_told_with_its_hdu(what: str) -> None:
    content, says = FAULTS[what]
    with pytest.raises(CubeError, match=says) as caught:
        check_structure("a.fits", io.BytesIO(content))
    assert str(caught.value).startswith("a.fits HDU ")


def test_a_sound_file_is_let_through() -> None:
    assert len(check_structure("a.fits", io.BytesIO(CUBE))) == len(check_structure("a.fits", io.BytesIO(PACKED))) == 2
