"""A header is read in one way by everybody, or it is refused: Astropy is the other reader."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from kamerton.data.fits.hdus import open_fits
from kamerton.data.fits.structure import check_structure
from kamerton.errors import FitsError

CARDS = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    2"]
CARDS += ["NAXIS1  =                    8", "NAXIS2  =                    4"]


def header(*cards: str) -> bytes:
    content = "".join(card.ljust(80) for card in (*cards, "END")).encode("latin-1")
    return content + b" " * (-len(content) % 2880)


def check(*cards: str, blocks: int = 1) -> None:
    check_structure("a.fits", io.BytesIO(header(*cards) + bytes(2880 * blocks)))


def test_a_plain_header_passes() -> None:
    check(*CARDS, "OBJECT  = 'M 51'", "HIERARCH ESO NAXIS = 3", "HISTORY NAXIS2 = 9", "naxis of evil", "END_DATE= 1")


TWO_WAYS: dict[str, tuple[list[str], str]] = {
    "twice": ([*CARDS, "NAXIS2  =                    2"], "has NAXIS2 twice"),
    "a thousand million axes behind": ([*CARDS, "NAXIS   =            999999999"], "has NAXIS twice"),
    "twice, with the same value": ([*CARDS, "BITPIX  =                    8"], "has BITPIX twice"),
    "small letters": ([*CARDS, "naxis2  =                    2"], "has NAXIS2 in an unusual card"),
    "an early sign": ([*CARDS, "NAXIS2= 2"], "has NAXIS2 in an unusual card"),
    "a late sign": ([*CARDS, "NAXIS2   = 2"], "has NAXIS2 in an unusual card"),
    "a sign without a blank": ([*CARDS, "NAXIS2  =2"], "has NAXIS2 in an unusual card"),
    "a blank before": ([*CARDS, " NAXIS2 =                    2"], "has NAXIS2 in an unusual card"),
    "a number with zeros": ([*CARDS, "NAXIS02 =                    2"], "has NAXIS2 in an unusual card"),
    "a long keyword": ([*CARDS, "HIERARCH NAXIS2 = 2"], "has NAXIS2 in an unusual card"),
    "a long keyword in small letters": ([*CARDS, "hierarch  bzero= 2"], "has BZERO in an unusual card"),
    "an axis too many": ([*CARDS, "NAXIS3  =                    2"], "has NAXIS3 with NAXIS = 2"),
    "another order": ([*CARDS[:3], CARDS[4], CARDS[3]], "begins with cards in another order"),
    "a card between": ([*CARDS[:2], "OBJECT  = 'M 51'", *CARDS[2:]], "begins with cards in another order"),
    "a tab behind END": ([*CARDS, "END\t"], "has no END"),
    "a tab far behind END": ([*CARDS, "END      \t"], "has something behind END"),
    "words behind END": ([*CARDS, "END     of header"], "has something behind END"),
    "an exponent": ([*CARDS[:4], "NAXIS2  =                  4D0"], "has NAXIS2 = 4D0"),
    "a fraction": ([*CARDS[:4], "NAXIS2  =                  4.0"], "has NAXIS2 = 4.0"),
    "a text": ([*CARDS[:4], "NAXIS2  = '4'"], "has NAXIS2 = '4'"),
    "a text as a scale": ([*CARDS, "BSCALE  = '2'"], "has BSCALE = '2'"),
    "two zeros": ([*CARDS, "BZERO   = 1", "BZERO   = 2"], "has BZERO twice"),
    "two names of a class": ([*CARDS, "CLASS0  = 'E'", "CLASS0  = 'S'"], "has CLASS0 twice"),
    "a class in small letters": ([*CARDS, "class0  = 'E'"], "has CLASS0 in an unusual card"),
    "a record": ([*CARDS, "CLASS0  = 'E.a: 1'"], "has CLASS0 = 'E.a: 1', a record by itself"),
    "other signs": ([*CARDS, "EXTNAME = 'Kataloge\xb0'"], "has EXTNAME with other signs than text"),
    "two names with a slash": ([*CARDS, "EXTNAME = 'a/b'", "EXTNAME = 'a/c'"], "has EXTNAME twice"),
    "a text that goes on": ([*CARDS, "EXTNAME = 'CATA&'", "CONTINUE  'LOG'"], "has EXTNAME in an unusual card"),
}


@pytest.mark.parametrize("what", TWO_WAYS)
def test_a_header_that_can_be_read_in_two_ways_is_refused(what: str) -> None:
    cards, says = TWO_WAYS[what]
    with pytest.raises(FitsError, match=f"a.fits HDU 0: .*the header at byte 0 {says}"):
        check(*cards)


@pytest.mark.parametrize(
    "cards", [["EXTNAME = 'a/b'", "EXTNAME = 'a/b     '"], ["BZERO   = 0.0 / a", "BZERO   = 0.0 / b"]]
)
def test_what_surveys_write_twice_with_one_value_passes(cards: list[str]) -> None:
    check(*CARDS, *cards)


@pytest.mark.parametrize(
    ("cards", "says"),
    [
        (["XTENSION= 'IMAGE   '", *CARDS[1:], "PCOUNT  = 8", "GCOUNT  = 1"], "has parameters or groups"),
        (["XTENSION= IMAGE", *CARDS[1:], "PCOUNT  = 0", "GCOUNT  = 1"], "has XTENSION = IMAGE"),
        (["XTENSION= 'BINTABLE'", *CARDS[1:], "PCOUNT  = 0", "GCOUNT  = 2", "TFIELDS = 0"], "has GCOUNT = 2"),
        (
            ["XTENSION= 'BINTABLE'", *CARDS[1:], "PCOUNT  = 0", "GCOUNT  = 1", "TFIELDS = 1", "TFORM1  = '3E'"],
            "has columns of 12 bytes in rows of 8",
        ),
        (
            ["XTENSION= 'BINTABLE'", *CARDS[1:], "PCOUNT  = 0", "GCOUNT  = 1", "TFIELDS = 1", "TFORM1  = 'E3'"],
            None,
        ),
    ],
)
def test_extensions_are_laid_out_as_the_standard_has_them(cards: list[str], says: str | None) -> None:
    content = header(*CARDS) + bytes(2880) + header(*cards) + bytes(2880)
    with pytest.raises(FitsError, match=f"HDU 1: .*{says or 'columns of 4 bytes'}"):
        check_structure("a.fits", io.BytesIO(content))


# Whatever passes, Astropy reads in the same way

VALUES = st.sampled_from(
    ["T", "F", "0", "1", "2", "4", "8", "16", "-32", "3", "999999999", "1.0", "4D0", "'4'", "", "-1"]
)
NAMES = st.sampled_from(
    [
        *("SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT", "EXTEND", "BZERO", "BLANK"),
        *("naxis1", "Naxis", " NAXIS1", "NAXIS01", "XTENSION", "GROUPS", "HIERARCH NAXIS", "OBJECT", "END", "CONTINUE"),
    ]
)
SIGNS = st.sampled_from(["= ", "= ", "= ", "=", " ", "\t"])


@st.composite
def any_card(draw: st.DrawFn) -> str:
    name, sign, value = draw(NAMES), draw(SIGNS), draw(VALUES)
    return (name.ljust(draw(st.sampled_from([8, 8, 8, 6, 9]))) + sign + value.rjust(draw(st.sampled_from([20, 0]))))[
        :80
    ]


EXTENSION = ["XTENSION= 'IMAGE   '", *CARDS[1:], "PCOUNT  =                    0", "GCOUNT  =                    1"]


@st.composite
def any_header(draw: st.DrawFn, sound: list[str]) -> bytes:
    cards = list(sound)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(cards)))
        what = draw(st.sampled_from(["insert", "replace", "delete", "swap"]))
        if what == "insert":
            cards.insert(place, draw(any_card()))
        elif what == "replace" and place < len(cards):
            cards[place] = draw(any_card())
        elif place < len(cards):
            card = cards.pop(place)
            if what == "swap":
                cards.insert(draw(st.integers(0, len(cards))), card)
    return header(*cards)


@settings(max_examples=300)
@given(any_header(CARDS), any_header(EXTENSION), st.integers(1, 3))
def test_whatever_header_passes_astropy_reads_it_in_the_same_way(first: bytes, second: bytes, blocks: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.fits"
        path.write_bytes(first + bytes(2880 * blocks) + second + bytes(2880))
        with path.open("rb") as file:
            try:
                ours = check_structure(path, file)
            except FitsError:
                return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, hdus = open_fits(path)
        try:
            theirs = [hdu.fileinfo() for hdu in hdus]
            assert [(unit.header, unit.data) for unit in ours] == [(info["hdrLoc"], info["datLoc"]) for info in theirs]
            for unit, hdu in zip(ours, hdus, strict=True):
                assert unit.data_bytes == hdu.size
                assert int(unit.cards["BITPIX"]) == hdu.header["BITPIX"]
                sides = [int(unit.cards[f"NAXIS{axis}"]) for axis in range(1, 1 + int(unit.cards["NAXIS"]))]
                assert sides == list(hdu.shape)[::-1]
                assert all(hdu.header.count(name) == 1 for name in ("BITPIX", "NAXIS"))
        finally:
            hdus.close()


def test_real_headers_pass_and_are_read_as_astropy_reads_them(real_data: Path) -> None:
    for path in sorted((real_data / "fits").rglob("*.fits")):
        _, hdus = open_fits(path)
        with path.open("rb") as plain:
            ours = check_structure(path, plain)
        assert [unit.data for unit in ours] == [hdu.fileinfo()["datLoc"] for hdu in hdus]
        hdus.close()


def test_headers_that_astropy_writes_pass(tmp_path: Path) -> None:
    table = fits.BinTableHDU.from_columns(
        [
            *(fits.Column("id", "20A", array=["a"]), fits.Column("flag", "9X", array=np.zeros((1, 9), bool))),
            *(fits.Column("flux", "3D", array=np.ones((1, 3))), fits.Column("list", "PJ()", array=np.array([[1, 2]]))),
        ],
        name="CATALOG",
    )
    long = fits.Header({"OBJECT": "a text that is much longer than the sixty-eight letters that one card can hold" * 2})
    hdus = [fits.PrimaryHDU(np.zeros((2, 3), np.uint16), long), fits.ImageHDU(), table]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits", checksum=True)
    _, found = open_fits(tmp_path / "a.fits")
    assert len(found) == 3
    found.close()
