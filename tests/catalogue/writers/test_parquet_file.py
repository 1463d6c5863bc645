from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from astropy import units
from astropy.table import Table
from hypothesis import given, settings
from pyarrow import parquet

from kamerton.catalogue.columns import Header
from kamerton.catalogue.votable import votable_text
from kamerton.catalogue.writers.parquet_file import parquet_rows
from tests.catalogue.tables import COLUMNS, HEADER, ONE_OF_EACH, ROWS, VALUES, any_rows
from tests.catalogue.test_votable import require_valid
from tests.catalogue.writers.test_writers import write

LETTERS = {column.name: len(VALUES["text"][0]) for column in COLUMNS if column.kind == "text"}


def footer(path: Path) -> dict[str, str]:
    return {key.decode(): text.decode() for key, text in parquet.read_metadata(path).metadata.items()}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("parquet") / "x.parquet", HEADER, ROWS)


@given(rows=any_rows())
@settings(max_examples=25)
def test_any_rows_are_read_back_as_they_were(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.parquet", Header("Any", ONE_OF_EACH), rows)
    found = parquet.read_table(path)
    assert found.to_pylist() == rows.to_pylist()
    assert found.schema.equals(rows.schema)


def test_the_footer_is_that_of_voparquet_1_0(file: Path) -> None:
    found = footer(file)
    assert found["IVOA.VOTable-Parquet.version"] == "1.0"
    assert found["IVOA.VOTable-Parquet.content"] == votable_text(HEADER, 3, LETTERS)
    require_valid(found["IVOA.VOTable-Parquet.content"])


def test_the_footer_has_every_fact_by_its_name(file: Path) -> None:
    found = footer(file)
    assert {name: found[name] for name in HEADER.prefixed_facts()} == HEADER.prefixed_facts()


def test_astropy_reads_units_descriptions_ucds_and_facts(file: Path) -> None:
    table = Table.read(file)
    assert table["ra"].unit == table["dec"].unit == units.deg
    assert [column.info.description for column in table.itercols()] == [column.description for column in COLUMNS]
    assert table["flags"].info.meta == {"ucd": "meta.code.qual"}
    assert table.meta["kamerton.survey"] == "Przegląd 🌌"
    assert table["status"][0] == ROWS["status"][0].as_py()


def test_astropys_reader_of_voparquet_reads_units_ucds_and_descriptions(tmp_path: Path) -> None:
    # It cannot read truth where a row has none, which no catalogue has.
    rows = ROWS.filter(pa.array([True, False, True]))
    table = Table.read(write(tmp_path / "x.parquet", HEADER, rows), format="parquet.votable")
    assert table["ra"].unit == units.deg
    assert [column.info.description for column in table.itercols()] == [column.description for column in COLUMNS]
    assert table["flags"].info.meta["ucd"] == "meta.code.qual"
    assert table["status"].tolist() == [VALUES["text"][0], VALUES["text"][2]]


def test_pandas_reads_the_values(file: Path) -> None:
    frame = pd.read_parquet(file)
    assert list(frame.columns) == ROWS.column_names
    assert list(frame["ra"])[::2] == [359.999999999, -1e-300]
    assert list(frame["status"].isna()) == [False, True, False]


def test_what_is_known_at_the_end_is_told_in_the_footer(tmp_path: Path) -> None:
    with parquet_rows(tmp_path / "x.parquet", HEADER, 3) as rows:
        rows.append(ROWS)
        rows.note({"digest": "sha256:42"})
    assert footer(tmp_path / "x.parquet")["kamerton.digest"] == "sha256:42"


def test_a_catalogue_without_rows_has_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", HEADER)
    assert parquet.read_table(path).equals(ROWS.slice(0, 0))
    assert len(Table.read(path)) == 0
