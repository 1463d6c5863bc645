"""The rows of a catalogue that are wanted, found in one pass over a few of its columns.

Kept is a number a galaxy, and while they are sorted another one: a million galaxies take 4 MB, whatever the catalogue.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from kamerton.arrays import Rows, ValuesN
from kamerton.browsing.orders import MARGIN, NEXT, PROBABILITY, SET_SIZE
from kamerton.catalogue.columns import FLAGS_COLUMN, ID, PREDICTED_CLASS, STATUS
from kamerton.catalogue.readers.opened import OpenedCatalogue, strings, values
from kamerton.certainty.judging import FAR, UNCLEAR
from kamerton.config.browsing import NO_CLASS, Wanted
from kamerton.neighbours.asking import margins

if TYPE_CHECKING:
    import pyarrow as pa


def select(catalogue: OpenedCatalogue, wanted: Wanted, decided: Collection[str] = ()) -> Rows:
    """Find the rows that are wanted, in their order; those without a value of the sorted column come last.

    ``decided`` are the ids that ``wanted.decided`` is about. DataError where a part of the catalogue is damaged.
    """
    import pyarrow as pa

    columns = _columns(catalogue, wanted)
    is_sorted = bool(wanted.order) and wanted.order != NEXT
    ids = pa.array(sorted(decided), pa.string())
    rows, keys, done = [], [], 0
    for table in catalogue.tables(columns):
        kept = np.flatnonzero(_mask(table, catalogue, wanted, ids))
        rows.append((done + kept).astype(np.int32))
        if is_sorted:
            keys.append(_keys(table, catalogue, wanted).take(pa.array(kept)))
        done += len(table)
    found = np.concatenate([np.empty(0, np.int32), *rows])
    if is_sorted and len(found):
        found = found[_sorted(pa.chunked_array(keys), wanted.descending)]
    elif wanted.descending and not wanted.order:
        found = found[::-1]
    return found.astype(np.int64)


def _columns(catalogue: OpenedCatalogue, wanted: Wanted) -> list[str]:
    """Name the columns that must be read; at least one, which tells how many rows there are."""
    needed = {
        PREDICTED_CLASS.name: wanted.predicted not in {"", NO_CLASS},
        STATUS.name: wanted.predicted == NO_CLASS,
        SET_SIZE: wanted.smallest_set is not None or wanted.largest_set is not None,
        FLAGS_COLUMN: bool(wanted.unlike),
        ID.name: bool(wanted.decided),
    }
    read = {wanted.order, *(name for name, is_needed in needed.items() if is_needed)} | _probabilities(
        catalogue, wanted
    )
    return [name for name in catalogue.columns if name in read] or [ID.name]


def _probabilities(catalogue: OpenedCatalogue, wanted: Wanted) -> set[str]:
    """Name the probabilities that must be read: all, or that of the one class whose galaxies are wanted."""
    named = {f"p_{slug}": name for slug, name in catalogue.class_names.items()}
    if wanted.order in {PROBABILITY, MARGIN}:
        return set(named)
    if wanted.at_least is None and wanted.at_most is None:
        return set()
    return {column for column, name in named.items() if name == wanted.predicted} or set(named)


def _mask(table: pa.Table, catalogue: OpenedCatalogue, wanted: Wanted, ids: pa.Array) -> np.ndarray:
    """Tell which rows pass all that was asked for; what is not known passes nothing."""
    from pyarrow import compute

    kept = np.ones(len(table), bool)
    if wanted.predicted == NO_CLASS:
        kept &= _is(compute.not_equal(strings(table[STATUS.name]), ""))
    elif wanted.predicted:
        kept &= _is(compute.equal(strings(table[PREDICTED_CLASS.name]), wanted.predicted))
    if wanted.at_least is not None or wanted.at_most is not None:
        kept &= _within(_likeliest(table, catalogue, wanted), wanted.at_least, wanted.at_most)
    if wanted.smallest_set is not None or wanted.largest_set is not None:
        kept &= _within(values(table, SET_SIZE), wanted.smallest_set, wanted.largest_set)
    if wanted.unlike:
        flags = values(table, FLAGS_COLUMN)
        is_unlike = (np.nan_to_num(flags).astype(np.int64) & (FAR | UNCLEAR)) != 0
        kept &= ~np.isnan(flags) & (is_unlike == (wanted.unlike == "yes"))
    if wanted.decided:
        kept &= _is(compute.is_in(strings(table[ID.name]), ids)) == (wanted.decided != "no")
    return kept


def _is(found: pa.ChunkedArray) -> np.ndarray:
    from pyarrow import compute

    return np.asarray(compute.fill_null(found, False))


def _within(found: ValuesN, low: float | None, high: float | None) -> np.ndarray:
    # What is not known, NaN, is within nothing.
    return np.asarray((found >= (-np.inf if low is None else low)) & (found <= (np.inf if high is None else high)))


def _likeliest(table: pa.Table, catalogue: OpenedCatalogue, wanted: Wanted) -> ValuesN:
    """Give the largest of the probabilities, float32 as they are kept; NaN where there is none."""
    read = [values(table, name) for name in table.column_names if name in _probabilities(catalogue, wanted)]
    return np.asarray(np.fmax.reduce(read) if read else np.full(len(table), np.nan))


def _keys(table: pa.Table, catalogue: OpenedCatalogue, wanted: Wanted) -> pa.Array:
    """Give what the rows are sorted by, null where it is not known."""
    import pyarrow as pa

    if wanted.order == PROBABILITY:
        return pa.array(_likeliest(table, catalogue, wanted), from_pandas=True)
    if wanted.order == MARGIN:
        read = [values(table, name) for name in table.column_names if name in _probabilities(catalogue, wanted)]
        return pa.array(margins(np.column_stack(read)), from_pandas=True)
    column = table[wanted.order].combine_chunks()
    if pa.types.is_floating(column.type):
        return pa.array(column.to_numpy(zero_copy_only=False), from_pandas=True)
    return column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column


def _sorted(keys: pa.ChunkedArray, descending: bool) -> Rows:
    """Give the places in their order; equal ones stay as they were."""
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_string(keys.type):
        # A catalogue in CSV has its numbers as texts.
        with suppress(pa.ArrowInvalid):
            keys = compute.cast(keys, pa.float64())
    order = "descending" if descending else "ascending"
    return np.asarray(compute.sort_indices(keys, sort_keys=[("", order)])).astype(np.int64)
