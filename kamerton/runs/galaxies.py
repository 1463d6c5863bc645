"""``galaxies.parquet``: what the galaxies that a run was trained and validated on are known again by."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamerton.data.marks import FEATURE_BYTES, GalaxyMarks
from kamerton.files import json_sha256, whole_file
from kamerton.parquet import read_parquet
from kamerton.plurals import counted

if TYPE_CHECKING:
    import pyarrow as pa

PIXELS_ONLY = ("split", "sha256")
"""All that was kept before galaxies were known by anything but their pixels; such files are still read."""

COLUMNS = (*PIXELS_ONLY, "id", "ra", "dec", "likeness")


def write_galaxies(path: Path, galaxies: Mapping[str, GalaxyMarks]) -> None:
    """Write what the galaxies of each split are known again by."""
    import pyarrow as pa
    from pyarrow import parquet

    tables = [_table(split, marks) for split, marks in galaxies.items()]
    with whole_file(path) as partial:
        parquet.write_table(pa.concat_tables(tables), partial)


def _table(split: str, marks: GalaxyMarks) -> pa.Table:
    import pyarrow as pa

    assert marks.ids is not None
    assert marks.positions_deg is not None
    assert marks.features is not None
    features = pa.array([feature.tobytes() for feature in marks.features], pa.binary(FEATURE_BYTES))
    ra_deg, dec_deg = marks.positions_deg.T
    return pa.table(
        {
            "split": pa.array([split] * len(marks), pa.string()),
            "sha256": pa.array(marks.digests, pa.string()),
            "id": pa.array(marks.ids, pa.string()),
            "ra": pa.array(ra_deg),
            "dec": pa.array(dec_deg),
            "likeness": features,
        }
    )


def read_galaxies(path: Path, counts: Mapping[str, int]) -> dict[str, GalaxyMarks]:
    """Read what the galaxies of each split are known again by; ``counts`` says how many each split must have.

    Raises OSError where the file cannot be read, and ValueError where it holds anything else.
    """
    import pyarrow as pa

    table = read_parquet(path, _columns)
    empty = [name for name in table.column_names if table[name].null_count]
    if empty:
        raise ValueError(f"{empty[0]}: some rows are empty")
    splits = np.array(table["split"].to_pylist(), object)
    found = Counter(splits.tolist())
    if found != Counter(counts):
        here = {split: found[split] for split in counts}
        raise ValueError(f"{_counted(here)} of {len(table)} in all, where run.json has {_counted(counts)}")
    return {split: _marks(table.filter(pa.array(splits == split))) for split in counts}


def marks_sha256(galaxies: Mapping[str, GalaxyMarks]) -> str:
    """SHA-256 of what is kept of the galaxies of each split, in whatever order."""
    return json_sha256({split: sorted(_lines(marks)) for split, marks in galaxies.items()})


def _lines(marks: GalaxyMarks) -> list[str]:
    """One line a galaxy; the digest alone where no more was kept, as older runs were fingerprinted."""
    if marks.ids is None or marks.positions_deg is None or marks.features is None:
        return list(set(marks.digests))
    rows = zip(marks.digests, marks.ids, marks.positions_deg.tolist(), marks.features, strict=True)
    return [
        f"{digest} {name!r} {ra!r} {dec!r} {hashlib.sha256(feature.tobytes()).hexdigest()}"
        for digest, name, (ra, dec), feature in rows
    ]


def _columns(schema: pa.Schema) -> tuple[str, ...]:
    """Name the columns to read, which must be those that are written, of their types."""
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    types = dict(zip(COLUMNS, (text, text, text, number, number, pa.binary(FEATURE_BYTES)), strict=True))
    if tuple(schema.names) not in {PIXELS_ONLY, COLUMNS}:
        raise ValueError(f"columns {', '.join(schema.names)}")
    for name in schema.names:
        if schema.field(name).type != types[name]:
            raise ValueError(f"{name}: {schema.field(name).type} instead of {types[name]}")
    return tuple(schema.names)


def _marks(table: pa.Table) -> GalaxyMarks:
    from kamerton.data.sky import impossible_positions

    digests = tuple(table["sha256"].to_pylist())
    if "likeness" not in table.column_names:
        return GalaxyMarks(digests)
    positions_deg = np.column_stack([table[name].to_numpy() for name in ("ra", "dec")]).reshape(-1, 2)
    unknown = np.isnan(positions_deg)
    if (unknown[:, 0] != unknown[:, 1]).any() or impossible_positions(positions_deg).any():
        raise ValueError("ra, dec: not on the sky")
    features = np.frombuffer(b"".join(table["likeness"].to_pylist()), np.int8).reshape(-1, FEATURE_BYTES)
    return GalaxyMarks(digests, tuple(table["id"].to_pylist()), positions_deg, features)


def _counted(counts: Mapping[str, int]) -> str:
    return " and ".join(f"{counted(count, 'galaxy')} in {split}" for split, count in counts.items()) or "no galaxies"
