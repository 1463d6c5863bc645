"""A CSV or Parquet list of pictures and labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
from astropy.table import Table
from jaxtyping import Shaped

from kamerton.arrays import Labels, Rows, ValuesN
from kamerton.data.cubes.labels import default_class_names
from kamerton.data.importers.picture_batches import picture_batches
from kamerton.data.importers.source import MAX_CLASSES, ImportRequest, LabelledSource, classes_from_names, to_ascii
from kamerton.data.lists import read_list
from kamerton.errors import DataError


@contextmanager
def open_list(request: ImportRequest) -> Iterator[LabelledSource]:
    """Open a CSV or Parquet list of pictures and labels; paths are relative to the list, other columns are carried."""
    source = request.source
    columns = read_list(source)
    texts = _required_column(source, columns, request.label_column)
    names = _required_column(source, columns, request.path_column)
    class_names, labels = _classes_from_texts(source, request.label_column, texts)
    others = {name: values for name, values in columns.items() if name != request.label_column}
    catalogue = _list_catalogue(source, others, request.path_column)
    paths = [source.parent / name for name in names]
    origins = (f"{source} row {row}: " for row in count(1))
    yield LabelledSource(labels, class_names, catalogue, picture_batches(paths, origins, request.settings, catalogue))


def _required_column(source: Path, columns: Mapping[str, list[str]], name: str) -> list[str]:
    if name not in columns:
        raise DataError(
            f"{source}: no column {name!r}",
            received=f"columns {', '.join(columns)}",
            allowed="a column of paths and one of labels",
            next_step="name the right column with --path-column or --label-column",
        )
    values = [value.strip() for value in columns[name]]
    if "" in values:
        raise DataError(
            f"{source} row {values.index('') + 1}: empty {name!r}",
            received=f"{values.count('')} such rows of {len(values)}",
            allowed="a value in every row",
            next_step="fill them in or filter these rows out",
        )
    return values


def _classes_from_texts(source: Path, column: str, texts: Sequence[str]) -> tuple[tuple[str, ...], Labels]:
    """Take whole numbers as class indices, ``3.0`` among them since pandas writes them so, and all else as names."""
    if not all(re.fullmatch(r"-?\d+(\.0*)?", text) for text in texts):
        return classes_from_names(texts)
    indices = [int(text.split(".")[0]) for text in texts]
    for row, index in enumerate(indices, start=1):
        if not 0 <= index < MAX_CLASSES:
            raise DataError(
                f"{source} row {row}: {column!r} is not a class index",
                received=index,
                allowed=f"0 to {MAX_CLASSES - 1}, or names",
                next_step="correct it or filter these rows out",
            )
    return default_class_names(max(indices) + 1), np.array(indices, np.int64)


def _list_catalogue(source: Path, columns: Mapping[str, list[str]], path_column: str) -> Table:
    """Carry every column but the label; a list without ``id`` is identified by its paths."""
    ids = [to_ascii(name.strip()) for name in columns.get("id", columns[path_column])]
    first_row: dict[str, int] = {}
    for row, name in enumerate(ids, start=1):
        if not name or first_row.setdefault(name, row) != row:
            raise DataError(
                f"{source} row {row}: {'the same id as row ' + str(first_row[name]) if name else 'an empty id'}",
                received=repr(name),
                allowed="one id a galaxy",
                next_step="name each galaxy once",
            )
    carried = [name for name in columns if name != "id" and not (name == path_column and "id" not in columns)]
    return Table({"id": ids} | {to_ascii(name): _typed(source, name, columns[name]) for name in carried})


def _typed(source: Path, name: str, values: list[str]) -> Rows | ValuesN | Shaped[np.ndarray, " n"]:
    """Store a column as whole numbers, as numbers with NaN for empty cells, or as text."""
    values = [value.strip() for value in values]
    if all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", value) for value in values):
        return np.array(values, np.int64)
    numbers = _numbers(values)
    if numbers is not None:
        return numbers
    if name in {"ra", "dec"}:
        raise DataError(
            f"{source}: column {name!r} is not in degrees",
            received=f"among others {next(value for value in values if _numbers([value]) is None)!r}",
            allowed="decimal degrees (ICRS), or nothing where unknown",
            next_step="convert the column, or rename it",
        )
    return np.array([to_ascii(value) for value in values])


def _numbers(values: Sequence[str]) -> ValuesN | None:
    """Numbers with NaN for empty cells; None where the column is text, or holds identifiers that would be rounded."""
    # Python reads 12_34, a plate and a fibre, as 1234.
    if not any(values) or any("_" in value or re.match(r"-?0\d", value) for value in values):
        return None
    try:
        numbers = np.array([float(value or "nan") for value in values])
    except ValueError:
        return None
    return None if (np.abs(numbers[np.isfinite(numbers)]) >= 2**53).any() else numbers
