"""A few labelled galaxies, as a small table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table as Shown

from kamerton.catalogue.columns import class_slugs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from astropy.table import Table

AT_EACH_END = 20
"""Galaxies that are shown of a longer table."""


def catalogue_table(table: Table, class_names: Sequence[str]) -> Shown:
    """Show each galaxy with its two likeliest classes, or where the run is calibrated with its set of classes."""
    has_sets = "set_size" in table.colnames
    shown = Shown(box=SIMPLE_HEAD)
    for title in ("galaxy", "class", "probability", *(["likely classes"] if has_sets else ["next", "probability"])):
        # A cut name would be another one.
        shown.add_column(title, justify="right" if title == "probability" else "left", overflow="fold")
    rows = list(_rows(table, class_names, has_sets=has_sets))
    ends = rows if len(rows) <= 2 * AT_EACH_END else [*rows[:AT_EACH_END], ["..."], *rows[-AT_EACH_END:]]
    for cells in ends:
        shown.add_row(*map(escape, cells))
    return shown


def failures(table: Table) -> list[str]:
    """Say of each galaxy that could not be read why, of the first of many."""
    found = [f"{row['id']} is not readable: {row['status']}" for row in table if _has_failed(row)]
    return found if len(found) <= AT_EACH_END else [*found[:AT_EACH_END], "..."]


def _rows(table: Table, class_names: Sequence[str], *, has_sets: bool) -> Iterator[list[str]]:
    slugs = class_slugs(class_names)
    for row in table:
        if _has_failed(row):
            yield [str(row["id"]), "not readable"]
            continue
        probabilities = [float(row[f"p_{slug}"]) for slug in slugs]
        first, second = np.argsort(probabilities)[::-1][:2] if len(slugs) > 1 else (0, 0)
        cells = [str(row["id"]), class_names[first], f"{probabilities[first]:.3f}"]
        if has_sets:
            yield [*cells, _set(row, slugs, class_names)]
        else:
            yield [*cells, class_names[second], f"{probabilities[second]:.3f}"]


def _has_failed(row: Any) -> bool:
    return row["status"] is not np.ma.masked and bool(row["status"])


def _set(row: Any, slugs: Sequence[str], class_names: Sequence[str]) -> str:
    return "; ".join(name for slug, name in zip(slugs, class_names, strict=True) if row[f"set_{slug}"]) or "none"
