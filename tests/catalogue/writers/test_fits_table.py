from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings

from kamerton.catalogue.columns import Column, Header
from kamerton.catalogue.votable import votable_text
from kamerton.catalogue.writers.fits_table import cell_text
from kamerton.data.fits.checksums import check_checksums
from kamerton.data.fits.letters import unescape_table, unescaped
from kamerton.errors import DataError
from tests.catalogue.tables import COLUMNS, HEADER, ONE_OF_EACH, PRINTABLE, ROWS, any_rows
from tests.catalogue.test_votable import require_valid
from tests.catalogue.writers.test_writers import write

NUMBER = Header("Numbers", (Column("a", "int16", "A number"),))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("fits") / "x.fits", HEADER, ROWS)


def read(path: Path) -> Table:
    """Read the table, with its letters, and logical cells as bytes, which may be null."""
    with fits.open(path, logical_as_bytes=True) as hdus:
        table = Table.read(hdus[1], character_as_bytes=False)
        has_escapes = "ESCAPES" in hdus[1].header
    if has_escapes:
        unescape_table(table)
    return table


@given(rows=any_rows())
@settings(max_examples=25)
def test_astropy_reads_any_rows_back_as_they_were(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.fits", Header("Any", ONE_OF_EACH), rows)
    table = read(path)
    letters = {"T": True, "F": False, "": None, None: None}
    for name in rows.column_names:
        found, expected = table[name].tolist(), rows[name].to_pylist()
        if name == "a_bool":
            found = [letters[cell] for cell in found]
        if name == "a_text":
            found, expected = [cell or "" for cell in found], [cell or "" for cell in expected]
        assert found == expected, name


@given(PRINTABLE)
def test_a_cell_is_ascii_and_its_text_is_found_in_it(text: str) -> None:
    assert cell_text(text).isascii()
    assert not cell_text(text).endswith(" ")
    assert unescaped(cell_text(text)) == text


def test_texts_of_ascii_stand_as_they_are_and_no_card_says_otherwise(tmp_path: Path) -> None:
    rows = pa.table({"a": pa.array(["C:\\galaxies", " so'it "[:-1], None])})
    path = write(tmp_path / "x.fits", Header("Texts", (Column("a", "text", "A text"),)), rows)
    assert "ESCAPES" not in fits.getheader(path, 1)
    # Astropy 7.0 masks an empty text.
    read = Table.read(path, character_as_bytes=False).filled("")
    assert read["a"].tolist() == ["C:\\galaxies", " so'it", ""]


def test_cards_tell_units_ucds_descriptions_and_facts(file: Path) -> None:
    header = fits.getheader(file, 1)
    assert (header["TTYPE2"], header["TUNIT2"]) == ("ra", "deg")
    assert [header.get(f"TUCD{number}") for number in range(1, len(COLUMNS) + 1)] == [column.ucd for column in COLUMNS]
    assert header["TCOMM3"] == "Declination (ICRS)"
    assert "kamerton.run: sha256:0123" in list(header["COMMENT"])
    assert read(file)["dec"].unit == units.deg


def test_the_first_hdu_is_the_head_as_votable(file: Path) -> None:
    # TOPCAT knows it by the place of this card.
    assert list(fits.getheader(file))[:5] == ["SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "VOTMETA"]
    xml = fits.getdata(file).tobytes().decode()
    require_valid(xml)
    assert xml == votable_text(HEADER, 3)


def test_checksums_hold_and_astropy_finds_nothing_wrong(file: Path) -> None:
    with file.open("rb") as opened:
        check_checksums(file, opened)
    with fits.open(file, checksum=True) as hdus:
        hdus.verify("exception")


def test_a_number_that_no_row_has_stands_for_null(tmp_path: Path) -> None:
    for lowest, null in ((-5, -32768), (-32768, 32767)):
        rows = pa.table({"a": pa.array([lowest, None, 7], pa.int16())})
        path = write(tmp_path / f"{null}.fits", NUMBER, rows)
        assert fits.getheader(path, 1)["TNULL1"] == null
        assert Table.read(path)["a"].tolist() == [lowest, None, 7]


def test_a_column_without_nulls_has_no_number_for_them(tmp_path: Path) -> None:
    path = write(tmp_path / "x.fits", NUMBER, pa.table({"a": pa.array([1, 2], pa.int16())}))
    assert "TNULL1" not in fits.getheader(path, 1)


def test_a_column_that_leaves_no_number_for_null_is_refused(tmp_path: Path) -> None:
    rows = pa.table({"a": pa.array([-32768, None, 32767], pa.int16())})
    with pytest.raises(DataError, match=r"Column a cannot be written to FITS.*another format"):
        write(tmp_path / "x.fits", NUMBER, rows)
    assert list(tmp_path.iterdir()) == []


def test_a_catalogue_without_rows_has_its_columns(tmp_path: Path) -> None:
    table = Table.read(write(tmp_path / "x.fits", HEADER))
    assert table.colnames == ROWS.column_names
    assert len(table) == 0
