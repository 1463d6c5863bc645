"""What a catalogue says of itself beside a CSV file, which has room for names only: CSV on the Web, of the W3C.

Readers look for it under the name of the file and ``-metadata.json`` (Model for Tabular Data, section 5.3).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kamerton.catalogue.columns import Column, Header, KindName

DATATYPES: dict[KindName, Any] = {
    "bool": {"base": "boolean", "format": "True|False"},
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "float32": "float",
    "float64": "double",
    "text": "string",
}


def csv_head_path(path: Path) -> Path:
    """Name the file beside a CSV file."""
    return path.with_name(f"{path.name}-metadata.json")


def csv_head(header: Header, name: str) -> dict[str, Any]:
    """Describe the columns of a CSV file of that name, and how it was made."""
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"language": "en"}],
        "url": name,
        "dc:description": header.description,
        "tableSchema": {"columns": [_column(column) for column in header.columns]},
        "notes": [header.prefixed_facts()],
    }


def _column(column: Column) -> dict[str, Any]:
    told = {"schema:unitText": column.unit, "schema:propertyID": column.ucd}
    return {
        "name": column.name,
        "datatype": DATATYPES[column.kind],
        "null": "",
        "dc:description": column.description,
        **{name: text for name, text in told.items() if text is not None},
    }
