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

from kamerton.arrays import Rows, ValuesN
from kamerton.data.classes import shown
from kamerton.data.decided import WHO, is_history, kept_decisions
from kamerton.data.fits.letters import printable
from kamerton.data.hours import Extent
from kamerton.data.importers.classes import classes_from_texts
from kamerton.data.importers.picture_batches import picture_batches
from kamerton.data.importers.source import ImportRequest, LabelledSource, StreamFindings
from kamerton.data.lists import column_remedy, id_column_of, read_list, row_of, with_ids
from kamerton.data.sky import sky_positions
from kamerton.errors import DataError, PictureError, UsageError, as_typed, warn
from kamerton.plurals import counted


@contextmanager
def open_list(request: ImportRequest) -> Iterator[LabelledSource]:
    """Open a CSV or Parquet list of pictures and labels; paths are relative to the list, other columns are carried."""
    source = request.source
    if request.label_column in {request.path_column, request.id_column}:
        other = "paths" if request.label_column == request.path_column else "ids"
        raise UsageError(
            f"One column cannot hold both the {other} and the labels",
            received=f"{request.label_column!r} for both",
            allowed="two columns",
            next_step=f"name them with --{other[:-1]}-column and --label-column",
        )
    as_text = (request.label_column, request.path_column, request.id_column, WHO)
    columns = read_list(source, as_text=as_text, may_be_cut=True)
    ids = id_column_of(request.id_column, request.path_column)
    columns = dict(zip(with_ids(source, list(columns), ids), columns.values(), strict=True))
    if is_history(columns, request.label_column):
        columns = _decided(source, columns, request)
    texts = _required_column(source, columns, request.label_column)
    names = _required_column(source, columns, request.path_column)
    classes = classes_from_texts(str(source), request.label_column, texts, request.classes)
    others = {name: values for name, values in columns.items() if name != request.label_column}
    catalogue = _list_catalogue(source, others, request.path_column)
    paths = [source.parent / name for name in names]
    origins = (f"{row_of(source, row)}: " for row in count())
    found = StreamFindings()
    batches = picture_batches(paths, origins, request, catalogue, found)
    yield LabelledSource(classes.labels, classes.names, catalogue, batches, classes.numbers, found)


def _decided(source: Path, columns: Mapping[str, list[str]], request: ImportRequest) -> dict[str, list[str]]:
    """Keep the rows of a history of decisions that count; DataError where none does."""
    rows = kept_decisions(source, columns, request.label_column, request.classes or ())
    if not rows:
        raise DataError(
            f"{source}: no galaxy has a class",
            received=f"{counted(len(columns[request.label_column]), 'line')}, all of them unsure or undone",
            next_step="decide about some first",
        )
    lacking = sum(not columns[request.path_column][row].strip() for row in rows if request.path_column in columns)
    if lacking:
        raise DataError(
            f"{source}: decisions about galaxies of a cube, which are no picture files of their own",
            received=f"{lacking} of {len(rows)} without {request.path_column!r}",
            allowed="decisions about pictures",
            next_step="write these labels into a copy of the cube that the catalogue is of: "
            f"`kamerton labels CUBE --apply {as_typed(source)} --out corrected.fits`",
        )
    return {name: [cells[row] for row in rows] for name, cells in columns.items()}


def _required_column(source: Path, columns: Mapping[str, list[str]], name: str) -> list[str]:
    if name not in columns:
        raise DataError(
            f"{source}: no column {name!r}",
            received=f"columns {', '.join(columns)}",
            allowed="a column of paths and one of labels",
            next_step=column_remedy(list(columns), "name the right column with --path-column or --label-column"),
        )
    values = [value.strip() for value in columns[name]]
    if "" in values:
        raise DataError(
            f"{row_of(source, values.index(''))}: empty {name!r}",
            received=f"{values.count('')} such rows of {len(values)}",
            allowed="a value in every row",
            next_step="fill them in or filter these rows out",
        )
    return values


def _list_catalogue(source: Path, columns: Mapping[str, list[str]], path_column: str) -> Table:
    """Carry every column but the label; a list without ``id`` is identified by its paths."""
    has_ids = "id" in columns
    ids = [printable(name.strip()) for name in columns["id" if has_ids else path_column]]
    first_row: dict[str, int] = {}
    for row, name in enumerate(ids):
        if not name or first_row.setdefault(name, row) != row:
            if not has_ids:
                _require_file(source, row, name)
            kind = "id" if has_ids else "picture"
            raise DataError(
                f"{row_of(source, row)}: {f'the same {kind} as row {first_row[name]}' if name else 'an empty id'}",
                received=repr(name),
                allowed=f"one {kind} a galaxy",
                next_step="name each galaxy once" if has_ids else "list each once, or add a column 'id'",
            )
    carried = [name for name in columns if name != "id" and not (name == path_column and not has_ids)]
    if not has_ids:
        _tell_of_other_names(source, {name: columns[name] for name in carried})
    table = Table({"id": ids} | {printable(name): _typed(source, name, columns[name]) for name in carried})
    positions_deg = sky_positions(table)
    if positions_deg is not None:
        extent = Extent()
        extent.add(positions_deg)
        extent.say_if_hours(source)
    return table


def _tell_of_other_names(source: Path, columns: Mapping[str, list[str]]) -> None:
    """Warn where galaxies are named by their paths, and a column would name them too."""
    names = [
        name
        for name, values in columns.items()
        if len(set(values)) == len(values) > 1 and "" not in values and (_is_whole(values) or _numbers(values) is None)
    ]
    if names:
        warn(
            f"{source}: galaxies are named by their paths, since no column is called 'id'",
            received=f"{shown(map(repr, names))}, with another value in every row",
            next_step="name with --id-column the column that names the galaxies, if one does",
        )


def _require_file(source: Path, row: int, name: str) -> None:
    """Say that a picture is missing, where it is, before that it is listed twice."""
    if not (source.parent / name).exists():
        raise PictureError(
            f"{row_of(source, row)}: {(source.parent / name).absolute()}: cannot be opened",
            received="No such file or directory",
            next_step="check the path; paths are relative to the list",
        )


def _is_whole(values: Sequence[str]) -> bool:
    return all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", value) for value in values)


def _typed(source: Path, name: str, values: list[str]) -> Rows | ValuesN | Shaped[np.ndarray, " n"]:
    """Store a column as whole numbers, as numbers with NaN for empty cells, or as text."""
    values = [value.strip() for value in values]
    if _is_whole(values):
        return np.array(values, np.int64)
    numbers = _numbers(values)
    if numbers is not None:
        return numbers
    if name in {"ra", "dec"}:
        raise DataError(
            f"{source}: column {name!r} is not in degrees",
            received=f"among others {next(value for value in values if _numbers([value]) is None)!r}",
            allowed="decimal degrees (ICRS), or nothing where unknown",
            next_step="write numbers with a point, convert hours by Astropy's SkyCoord, or rename the column",
        )
    return np.array([printable(value) for value in values])


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
