from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from astropy import units
from astropy.table import Table
from hypothesis import given, settings
from pyarrow import csv

from kamerton.catalogue.columns import Header
from kamerton.errors import OutputError
from tests.catalogue.tables import COLUMNS, HEADER, ONE_OF_EACH, ROWS, any_rows
from tests.catalogue.writers.test_writers import write

ANY = Header("Any", ONE_OF_EACH)


@given(rows=any_rows())
@settings(max_examples=25)
def test_any_rows_are_read_back_from_csv_as_they_were(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.csv", ANY, rows)
    types = csv.ConvertOptions(
        column_types=rows.schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    assert csv.read_csv(path, convert_options=types).to_pylist() == rows.to_pylist()


@given(rows=any_rows())
@settings(max_examples=25)
def test_astropy_reads_any_rows_back_from_ecsv(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> None:
    table = Table.read(write(tmp_path_factory.mktemp("any") / "x.ecsv", ANY, rows))
    for name in rows.column_names:
        # Astropy's reader of ECSV takes blanks from both ends of a text, and does not tell an empty one from none.
        expected = [cell.strip() or None if isinstance(cell, str) else cell for cell in rows[name].to_pylist()]
        assert table[name].tolist() == expected


def test_beside_a_csv_file_stands_what_it_is_as_the_w3c_has_it(tmp_path: Path) -> None:
    write(tmp_path / "x.csv", HEADER, ROWS)
    head = json.loads((tmp_path / "x.csv-metadata.json").read_text(encoding="utf-8"))
    assert head["@context"][0] == "http://www.w3.org/ns/csvw"
    assert head["url"] == "x.csv"
    assert head["notes"] == [HEADER.prefixed_facts()]
    columns = head["tableSchema"]["columns"]
    told = ("name", "schema:unitText", "schema:propertyID", "dc:description")
    assert [tuple(column.get(key) for key in told) for column in columns] == [
        (column.name, column.unit, column.ucd, column.description) for column in COLUMNS
    ]


def test_what_stands_beside_a_csv_file_already_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "x.csv-metadata.json").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"x\.csv-metadata\.json exists already"):
        write(tmp_path / "x.csv", HEADER, ROWS)
    assert [place.read_text(encoding="utf-8") for place in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("ending", [".csv", ".ecsv"])
def test_pandas_reads_the_values(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"x{ending}", HEADER, ROWS)
    frame = pd.read_csv(path, comment="#" if ending == ".ecsv" else None)
    assert list(frame.columns) == ROWS.column_names
    assert list(frame["ra"])[::2] == [359.999999999, -1e-300]
    assert frame["set_size"].tolist()[::2] == [-7, 300]
    assert frame["status"][0] == ROWS["status"][0].as_py()
    assert frame["set_round_smooth"].tolist()[::2] == [True, False]


def test_ecsv_has_units_ucds_descriptions_and_facts(tmp_path: Path) -> None:
    table = Table.read(write(tmp_path / "x.ecsv", HEADER, ROWS))
    assert table["ra"].unit == table["dec"].unit == units.deg
    assert [column.info.description for column in table.itercols()] == [column.description for column in COLUMNS]
    assert table["flags"].info.meta == {"ucd": "meta.code.qual"}
    assert table.meta == {"description": HEADER.description, **HEADER.prefixed_facts()}


@pytest.mark.parametrize("ending", [".csv", ".ecsv"])
def test_a_catalogue_without_rows_has_its_columns(ending: str, tmp_path: Path) -> None:
    table = Table.read(write(tmp_path / f"x{ending}", HEADER), format="ascii.csv" if ending == ".csv" else None)
    assert table.colnames == ROWS.column_names
    assert len(table) == 0
