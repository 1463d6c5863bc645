"""What a catalogue says of itself, in the YAML of Astropy's own formats: units, UCDs, descriptions and facts."""

from __future__ import annotations

import io

import numpy as np
from astropy.table import Column as AstropyColumn
from astropy.table import Table
from astropy.table.meta import get_yaml_from_table

from kamerton.catalogue.columns import KINDS, Column, Header


def ecsv_head(header: Header) -> str:
    """Write all lines before the first row of an ECSV 1.0 file with commas."""
    text = io.StringIO()
    _empty_table(header).write(text, format="ascii.ecsv", delimiter=",")
    return text.getvalue()


def astropy_yaml(header: Header) -> str:
    """Write what Astropy keeps in the footer of a Parquet file."""
    return "\n".join(get_yaml_from_table(_empty_table(header)))


def _empty_table(header: Header) -> Table:
    table = Table(meta={"description": header.description, **header.prefixed_facts()})
    for column in header.columns:
        meta = {"ucd": column.ucd} if column.ucd else None
        empty = np.empty(0 if column.length is None else (0, column.length), _numpy_type(column))
        table[column.name] = AstropyColumn(empty, unit=column.unit, description=column.description, meta=meta)
    return table


def _numpy_type(column: Column) -> np.dtype[np.generic]:
    names = {"bool": "bool", "text": "str"}
    return np.dtype(names.get(column.kind) or KINDS[column.kind].numpy).newbyteorder("=")
