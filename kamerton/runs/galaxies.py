"""``galaxies.parquet``: fingerprints of the galaxies that a run was trained and validated on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kamerton.files import whole_file

DIGEST_BYTES = 32
"""What a SHA-256 takes at least, however it is written."""


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
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            # A few bytes of Parquet can promise any number of rows; digests do not shrink below their half.
            if file.metadata.num_rows * DIGEST_BYTES > path.stat().st_size:
                raise ValueError(f"{file.metadata.num_rows} digests cannot be in a file so short")
            table = file.read(columns=["split", "sha256"])
        if table.column_names != ["split", "sha256"]:
            raise ValueError(f"columns {table.column_names}")
        if any(column.type != pa.string() or column.null_count for column in table.columns):
            raise ValueError("something else than text")
        columns = table.to_pydict()
    except (LookupError, pa.ArrowException) as error:
        raise ValueError(str(error)) from error
    found: dict[str, set[str]] = {}
    for split, digest in zip(columns["split"], columns["sha256"], strict=True):
        found.setdefault(split, set()).add(digest)
    return found
