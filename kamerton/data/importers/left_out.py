"""The list of the galaxies that an import left out, beside the cube that lacks them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kamerton.arrays import Mask
from kamerton.data.importers.source import LabelledSource
from kamerton.files import require_new, whole_file
from kamerton.opening import open_plain

COLUMNS = ("row", "id", "path", "reason")
"""Rows count from 0, as in messages about a list."""


def left_out_path(cube: Path) -> Path:
    """Name the list that belongs to a cube."""
    return cube.with_name(f"{cube.stem}.left-out.csv")


def kept(galaxies: LabelledSource) -> Mask:
    """Mark the galaxies that are in the stream, once it has ended."""
    are_kept = np.ones(len(galaxies.labels), bool)
    are_kept[list(galaxies.found.left_out)] = False
    return are_kept


def require_list_place(cube: Path, *, overwrite: bool) -> None:
    """Refuse a place of the list that is taken (OutputError); with ``overwrite``, by anything but such a list."""
    path = left_out_path(cube)
    if not (overwrite and _is_own(path)):
        require_new(path, next_step="choose another name or move it away; nothing was changed")


def _is_own(path: Path) -> bool:
    """Tell whether a file begins as our lists do."""
    head = ",".join(COLUMNS).encode("ascii")
    try:
        with open_plain(path) as file:
            return not path.is_symlink() and file.readline(len(head) + 2).rstrip() == head
    except OSError:
        return False


@contextmanager
def listed_beside(cube: Path, galaxies: LabelledSource, *, overwrite: bool) -> Iterator[None]:
    """List what was left out and why, if anything was, once the block has written the cube without error.

    With ``overwrite`` the list of an earlier cube goes where nothing was left out of this one.
    """
    if not galaxies.found.left_out:
        yield
        if overwrite and _is_own(left_out_path(cube)):
            left_out_path(cube).unlink()
        return
    with whole_file(left_out_path(cube)) as partial:
        # Names of files may be no text at all.
        with partial.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for row, galaxy in galaxies.found.left_out.items():
                rows.writerow([row, galaxies.catalogue["id"][row], galaxy.path, galaxy.reason])
        yield
