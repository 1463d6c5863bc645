"""The shards of a catalogue: whole files, whose names and footers say what they hold: the folder is the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamerton.arrays import Probabilities
from kamerton.catalogue.columns import DOUBTFUL, FLAGS_COLUMN, PREDICTED_CLASS, STATUS, class_slugs
from kamerton.catalogue.footers import is_whole
from kamerton.catalogue.record import MANIFEST_FILE, RECORD_FILE, CatalogueRecord
from kamerton.catalogue.writers.parquet_file import ROWS
from kamerton.opening import open_plain
from kamerton.parquet import read_parquet

if TYPE_CHECKING:
    import pyarrow as pa

FINGERPRINT = "fingerprint"
"""Fact in the footer of a shard: the fingerprint of its catalogue."""


def shard_path(out: Path, number: int, record: CatalogueRecord) -> Path:
    """Name a shard, counted from 0; one of another fingerprint has another name."""
    return out / f"part-{number:06d}-{record.fingerprint[:12]}.parquet"


def is_made(out: Path, number: int, record: CatalogueRecord, rows: int) -> bool:
    """Tell whether a shard is there with all its bytes; one that is damaged counts as not there."""
    path = shard_path(out, number, record)
    with suppress(OSError, ValueError):
        if is_whole(path, {FINGERPRINT: record.fingerprint, ROWS: str(rows)}):
            # The footer itself is in no digest.
            return len(read_parquet(path, lambda schema: schema.names)) == rows
    return False


@dataclass
class Tally:
    """What is in shards."""

    galaxies: int = 0
    failed: int = 0
    doubtful: int = 0
    """Galaxies whose pictures may show more or less of the sky than those learned from."""
    class_counts: Counter[str] = field(default_factory=Counter)

    def add(self, shard: pa.Table) -> None:
        """Count the rows of a shard."""
        self.galaxies += len(shard)
        self.failed += len(shard) - shard[STATUS.name].null_count
        flags = shard[FLAGS_COLUMN].drop_null().to_numpy()
        self.doubtful += int(np.count_nonzero(flags & DOUBTFUL))
        for pair in shard[PREDICTED_CLASS.name].drop_null().value_counts().to_pylist():
            self.class_counts[pair["values"]] += pair["counts"]


def tally(out: Path, record: CatalogueRecord) -> Tally:
    """Count the rows of all shards."""
    found = Tally()
    for shard in read_shards(out, record, [PREDICTED_CLASS.name, FLAGS_COLUMN, STATUS.name]):
        found.add(shard)
    return found


def some_probabilities(out: Path, record: CatalogueRecord, most: int) -> Probabilities:
    """Give the probabilities (n, classes) of at most ``most`` galaxies, evenly from all that have any."""
    columns = [f"p_{slug}" for slug in class_slugs(record.model.class_names)]
    every = -(-record.manifest.galaxies // most)
    found, seen = [np.empty((0, len(columns)), np.float32)], 0
    for shard in read_shards(out, record, columns):
        known = shard.take(np.arange(-seen % every, len(shard), every)).drop_null()
        seen += len(shard)
        found.append(np.column_stack([known[name].to_numpy() for name in columns]))
    return np.concatenate(found)


def remove_shards(out: Path, record: CatalogueRecord) -> None:
    """Remove a folder of shards that has become a file; what is not the catalogue's stays there."""
    for number in range(record.manifest.shards):
        shard_path(out, number, record).unlink()
    for name in (MANIFEST_FILE, RECORD_FILE):
        (out / name).unlink()
    with suppress(OSError):
        out.rmdir()


def read_shards(out: Path, record: CatalogueRecord, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Read the shards in their order, one at a time."""
    return (read_shard_file(out, number, record, columns) for number in range(record.manifest.shards))


def read_shard_file(out: Path, number: int, record: CatalogueRecord, columns: list[str] | None = None) -> pa.Table:
    """Read the rows of a shard that was made."""
    from pyarrow import parquet

    with open_plain(shard_path(out, number, record)) as file, parquet.ParquetFile(file, pre_buffer=False) as content:
        return content.read(columns=columns, use_threads=False)
