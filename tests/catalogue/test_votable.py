from __future__ import annotations

import io
from pathlib import Path

import astropy.io.votable
import pytest
from astropy.io.votable import parse
from astropy.io.votable.tree import TableElement
from hypothesis import given
from hypothesis import strategies as st

from kamerton.catalogue.columns import Column, Header
from kamerton.catalogue.votable import votable_text
from tests.catalogue.tables import COLUMNS, HEADER

SCHEMA = Path(astropy.io.votable.__file__).parent / "data/VOTable.v1.4.xsd"


def read(text: str) -> TableElement:
    return parse(io.BytesIO(text.encode()), verify="exception").get_first_table()


def require_valid(text: str) -> None:
    etree = pytest.importorskip("lxml.etree", reason="lxml is not installed")
    etree.XMLSchema(etree.parse(str(SCHEMA))).assertValid(etree.fromstring(text.encode()))


def test_the_head_is_valid_by_the_schema() -> None:
    require_valid(votable_text(HEADER, 3))


def test_astropy_reads_a_field_a_column_with_all_that_it_means() -> None:
    fields = read(votable_text(HEADER, 3)).fields
    assert [(field.name, field.ucd, field.description) for field in fields] == [
        (column.name, column.ucd, column.description) for column in COLUMNS
    ]
    assert [(field.name, field.unit) for field in fields if field.unit is not None] == [("ra", "deg"), ("dec", "deg")]


def test_astropy_reads_the_facts() -> None:
    facts = {param.name: str(param.value) for param in read(votable_text(HEADER, 3)).params}
    assert facts == HEADER.prefixed_facts()


def test_positions_name_their_system_and_a_catalogue_without_them_names_none() -> None:
    assert [field.ref for field in read(votable_text(HEADER, 3)).fields[:4]] == [None, "icrs", "icrs", None]
    assert "COOSYS" not in votable_text(Header("No positions", COLUMNS[:1]), 3)


@given(st.text(), st.text())
def test_any_text_leaves_the_head_whole(description: str, fact: str) -> None:
    header = Header(description, (Column("id", "text", description),), {"fact": fact})
    text = votable_text(header, 0)
    require_valid(text)
    assert read(text).fields[0].name == "id"
