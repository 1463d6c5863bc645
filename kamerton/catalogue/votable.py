"""What a catalogue says of itself, as a VOTable 1.4 without rows: the head of every format that can hold one.

It is valid by the schema, so every FIELD and PARAM has its type, and ``ra`` and ``dec`` name their system.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

from kamerton.catalogue.columns import KINDS, Column, Header
from kamerton.data.fits.letters import printable

VERSION = "1.4"
NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"
"""Of 1.3 and all later ones so far."""

TABLE_END = "</TABLE>"
"""Before it the rows stand, in a file that has them."""

ICRS = "icrs"


def votable_text(header: Header, rows: int, letters: Mapping[str, int] | None = None) -> str:
    """Write the head of a catalogue of so many rows, with an XML declaration that says UTF-8.

    ``letters`` says how many the longest text of a column has; others are of any length.
    """
    root = ElementTree.Element("VOTABLE", {"version": VERSION, "xmlns": NAMESPACE})
    resource = ElementTree.SubElement(root, "RESOURCE", {"type": "results"})
    has_position = any(column.ucd and column.ucd.startswith("pos.eq.") for column in header.columns)
    if has_position:
        ElementTree.SubElement(resource, "COOSYS", {"ID": ICRS, "system": "ICRS"})
    table = ElementTree.SubElement(resource, "TABLE", {"name": "catalogue", "nrows": str(rows)})
    _describe(table, header.description)
    for name, value in header.prefixed_facts().items():
        _add_param(table, name, value)
    for column in header.columns:
        _add_field(table, column, (letters or {}).get(column.name))
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_param(table: ElementTree.Element, name: str, value: str) -> None:
    kind = "char" if value.isascii() else KINDS["text"].votable
    text = {"datatype": kind, "arraysize": "*", "value": printable(value)}
    ElementTree.SubElement(table, "PARAM", {"name": name, **text})


def _add_field(table: ElementTree.Element, column: Column, letters: int | None) -> None:
    attributes = {"name": column.name, "datatype": KINDS[column.kind].votable}
    if column.kind == "text":
        attributes["arraysize"] = str(letters or "*")
    if column.length is not None:
        attributes["arraysize"] = str(column.length)
    if column.unit is not None:
        attributes["unit"] = column.unit
    if column.ucd is not None:
        attributes["ucd"] = column.ucd
        if column.ucd.startswith("pos.eq."):
            attributes["ref"] = ICRS
    _describe(ElementTree.SubElement(table, "FIELD", attributes), column.description)


def _describe(element: ElementTree.Element, text: str) -> None:
    ElementTree.SubElement(element, "DESCRIPTION").text = printable(text)
