"""The head of a catalogue as XML, read as far as Kamerton writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from kamerton.catalogue.readers.opened import damaged, facts_of
from kamerton.catalogue.votable import NAMESPACE

ITEM_BYTES = {"boolean": 1, "short": 2, "int": 4, "long": 8, "float": 4, "double": 8, "unicodeChar": 2, "char": 1}
"""Bytes of one value of each type in BINARY2 (VOTable 1.4, section 6)."""

SIZE_BYTES = 4
"""Before a value that is as long as it says."""


@dataclass(frozen=True)
class Head:
    """What the head of a VOTable says."""

    facts: dict[str, str]
    names: tuple[str, ...]
    rows: int
    row_bytes: int
    """The fewest that a row takes."""


def read_head(path: Path, text: str) -> Head:
    """Read it; DataError where it is no such head."""
    # Nothing that Kamerton writes has entities, by which a few bytes of XML become gigabytes.
    if "<!" in text:
        raise damaged(path, "XML with a declaration of its own")
    try:
        table = ElementTree.fromstring(text).find(f"{{{NAMESPACE}}}RESOURCE/{{{NAMESPACE}}}TABLE")
        if table is None:
            raise ValueError("no table in its head")
        params = {one.get("name", ""): one.get("value", "") for one in table.findall(f"{{{NAMESPACE}}}PARAM")}
        fields = table.findall(f"{{{NAMESPACE}}}FIELD")
        sizes = [_fewest_bytes(one.get("datatype", ""), one.get("arraysize", "1")) for one in fields]
        flag_bytes = -(-len(fields) // 8)
        return Head(
            facts_of(params),
            tuple(one.get("name", "") for one in fields),
            int(table.get("nrows", "-1")),
            flag_bytes + sum(sizes),
        )
    except (ElementTree.ParseError, ValueError) as error:
        raise damaged(path, error) from error


def _fewest_bytes(datatype: str, arraysize: str) -> int:
    if datatype not in ITEM_BYTES:
        raise ValueError(f"a column of {datatype or 'no type'}")
    if arraysize.endswith("*"):
        return SIZE_BYTES
    if not (arraysize.isdecimal() and len(arraysize) < 10):
        raise ValueError(f"cells of {arraysize} values")
    return ITEM_BYTES[datatype] * int(arraysize)
