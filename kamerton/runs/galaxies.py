"""``galaxies.parquet``: fingerprints of the galaxies that a run was trained and validated on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kamerton.files import whole_file
from kamerton.parquet import read_parquet

GALAXY_COLUMNS = ("split", "sha256")


def write_galaxies(path: Path, galaxies: Mapping[str, Sequence[str]]) -> None:
    """Write the fingerprints of the galaxies of each split."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = [(split, digest) for split, digests in galaxies.items() for digest in digests]
    splits, digests = zip(*rows, strict=True)
    with whole_file(path) as partial:
        parquet.write_table(pa.table({"split": splits, "sha256": digests}), partial)


def read_galaxies(path: Path) -> dict[str, set[str]]:
    """Read the fingerprints of the galaxies of each split.

    Raises OSError where the file cannot be read, and ValueError where it holds anything else.
    """
    import pyarrow as pa

    table = read_parquet(path, lambda _: GALAXY_COLUMNS)
    if any(column.type != pa.string() or column.null_count for column in table.columns):
        raise ValueError("something else than text")
    columns = table.to_pydict()
    found: dict[str, set[str]] = {}
    for split, digest in zip(columns["split"], columns["sha256"], strict=True):
        found.setdefault(split, set()).add(digest)
    return found
