from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy import units
from astropy.io.votable import parse
from astropy.table import Table
from hypothesis import given, settings

from kamerton.catalogue.columns import Column, Header
from kamerton.catalogue.writers.votable_file import binary2
from tests.catalogue.tables import COLUMNS, HEADER, ONE_OF_EACH, ROWS, any_rows
from tests.catalogue.test_votable import require_valid
from tests.catalogue.writers.test_writers import write


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("votable") / "x.vot", HEADER, ROWS)


def read_cells(table: Table) -> list[dict[str, object]]:
    """Give rows as Arrow does; VOTable has no null among texts, which are empty then."""
    columns = {name: table[name].tolist() for name in table.colnames}
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


@given(rows=any_rows())
@settings(max_examples=25)
def test_astropy_reads_any_rows_back_as_they_were(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.vot", Header("Any", ONE_OF_EACH), rows)
    expected = [{**row, "a_text": row["a_text"] or ""} for row in rows.to_pylist()]
    assert read_cells(Table.read(path)) == expected


def test_the_file_is_valid_by_the_schema_and_holds_binary2(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    require_valid(text)
    assert "<BINARY2>" in text


def test_a_cell_that_is_null_has_its_flag_set_also_a_text() -> None:
    columns = (Column("a", "text", "A text"), Column("b", "int16", "A number"))
    rows = pa.table({"a": pa.array(["ż", None, ""]), "b": pa.array([1, 2, None], pa.int16())})
    expected = "00 00000001 017c 0001", "80 00000000 0002", "40 00000000 0000"
    assert binary2(columns, rows) == bytes.fromhex(" ".join(expected))


def test_astropy_reads_units_ucds_and_descriptions(file: Path) -> None:
    table = Table.read(file)
    assert table["ra"].unit == table["dec"].unit == units.deg
    assert [column.info.meta.get("ucd") for column in table.itercols()] == [column.ucd for column in COLUMNS]
    assert [column.info.description for column in table.itercols()] == [column.description for column in COLUMNS]


def test_numbers_that_are_not_finite_are_not_null(tmp_path: Path) -> None:
    rows = pa.table({"a": pa.array([np.nan, np.inf, None], pa.float64())})
    path = write(tmp_path / "x.vot", Header("Any", (Column("a", "float64", "A number"),)), rows)
    found = parse(path).get_first_table().array["a"]
    assert np.isnan(found.data[0])
    assert found[1] == np.inf
    assert found.mask.tolist()[1:] == [False, True]


def test_a_catalogue_without_rows_has_its_columns(tmp_path: Path) -> None:
    table = Table.read(write(tmp_path / "x.vot", HEADER))
    assert table.colnames == ROWS.column_names
    assert len(table) == 0
