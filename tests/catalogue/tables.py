"""Catalogues for tests: a header with every kind of column, and rows of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from kamerton.catalogue.columns import Column, Header, arrow_schema, catalogue_columns, class_facts

CLASSES = ("Spirala łącząca się", "Round smooth", "Round, smooth")
FLAGS = {1: "far from what the network learned", 2: "half of the picture is empty"}

COLUMNS = catalogue_columns(
    {"objID": "int64", "Długość (″)": "float64", "order": "text"}, CLASSES, positions=True, flags=FLAGS
)
HEADER = Header(
    "Shapes of galaxies & <more>", COLUMNS, {"run": "sha256:0123", "survey": "Przegląd 🌌", **class_facts(CLASSES)}
)

VALUES: dict[str, list[Any]] = {
    "bool": [True, None, False],
    "int16": [-7, None, 300],
    "int32": [-7, None, 70_000],
    "int64": [1 << 62, None, -5],
    "float32": [0.1, None, 1e-30],
    "float64": [359.999999999, None, -1e-300],
    "text": ["żółw 🌌, \"quoted\" \\ and 'so'", None, "plain"],
}
"""Three rows of each kind, the second without a value."""


def rows_of(columns: Sequence[Column], values: dict[str, list[Any]] = VALUES) -> pa.Table:
    schema = arrow_schema(columns)
    arrays = [pa.array(values[column.kind], field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


ROWS = rows_of(COLUMNS)

ONE_OF_EACH = tuple(Column(f"a_{kind}", kind, f"Of {kind}") for kind in VALUES)  # type: ignore[arg-type]
"""A column of each kind."""

PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "))
"""Letters that every format keeps; control characters are none of a catalogue."""


@st.composite
def any_rows(draw: st.DrawFn, texts: st.SearchStrategy[str] = PRINTABLE) -> pa.Table:
    """Any numbers and texts, nulls among them, in a column of each kind."""
    count = draw(st.integers(0, 7))
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "bool": st.booleans(),
        **{f"int{bits}": st.integers(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1) for bits in (16, 32, 64)},
        **{f"float{bits}": st.floats(width=bits, allow_nan=False) for bits in (32, 64)},
        "text": texts,
    }
    return rows_of(
        ONE_OF_EACH,
        {kind: draw(st.lists(st.none() | cell, min_size=count, max_size=count)) for kind, cell in kinds.items()},
    )
