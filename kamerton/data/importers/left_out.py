"""The list of the galaxies that an import left out, beside the cube that lacks them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kamerton.arrays import Mask
from kamerton.data.importers.source import LabelledSource
from kamerton.files import whole_file

COLUMNS = ("row", "id", "path", "reason")
"""Rows count from 1, as in messages about a list."""


def left_out_path(cube: Path) -> Path:
    """Name the list that belongs to a cube."""
    return cube.with_name(f"{cube.stem}.left-out.csv")


def kept(galaxies: LabelledSource) -> Mask:
    """Mark the galaxies that are in the stream, once it has ended."""
    are_kept = np.ones(len(galaxies.labels), bool)
    are_kept[list(galaxies.found.left_out)] = False
    return are_kept


@contextmanager
def listed_beside(cube: Path, galaxies: LabelledSource) -> Iterator[None]:
    """List what was left out and why, if anything was, once the block has written the cube without error."""
    if not galaxies.found.left_out:
        yield
        return
    with whole_file(left_out_path(cube)) as partial:
        # Names of files may be no text at all.
        with partial.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for row, galaxy in galaxies.found.left_out.items():
                rows.writerow([row + 1, galaxies.catalogue["id"][row], galaxy.path, galaxy.reason])
        yield
