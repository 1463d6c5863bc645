"""What it costs to write a catalogue, format by format: ten classes, calibrated, 30 columns.

    python benchmarks/writers.py [--galaxies 100000 600000]

Each row of the table is a process of its own: microseconds of processor time a galaxy, its peak memory, and the bytes
of a galaxy in the file.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kamerton.catalogue.columns import Column, Header, arrow_schema, catalogue_columns, class_facts
from kamerton.catalogue.writers import WRITERS

CLASSES = tuple(f"Class {number}" for number in range(10))
COLUMNS = catalogue_columns({"objid": "int64"}, CLASSES, positions=True, flags={1: "strange"})
HEADER = Header("Noise", COLUMNS, class_facts(CLASSES))

SHARD_GALAXIES = 10_000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--galaxies", type=int, nargs="+", default=[100_000, 600_000])
    print("| format | galaxies | us a galaxy | peak memory, MB | bytes a galaxy |\n|---|---|---|---|---|")
    for ending in WRITERS:
        for galaxies in parser.parse_args().galaxies:
            with multiprocessing.get_context("spawn").Pool(1) as process:
                seconds, peak_mb, size = process.apply(measure, (ending, galaxies))
            print(
                f"| {ending} | {galaxies:,} | {1e6 * seconds / galaxies:.1f} | {peak_mb:.0f} | {size / galaxies:.0f} |"
            )


def measure(ending: str, galaxies: int) -> tuple[float, float, int]:
    """Write a catalogue, and give processor time (s), peak memory (MB) and the size of the file (bytes)."""
    shard = noise()
    with tempfile.TemporaryDirectory() as folder:
        path, start = Path(folder) / f"noise{ending}", time.process_time()
        with WRITERS[ending](path, HEADER, galaxies) as rows:
            for first in range(0, galaxies, SHARD_GALAXIES):
                rows.append(shard.slice(0, min(SHARD_GALAXIES, galaxies - first)))
        seconds, unit = time.process_time() - start, 1 if sys.platform == "darwin" else 1024
        return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, path.stat().st_size


def noise() -> pa.Table:
    """Make the rows of a shard."""
    draw = np.random.default_rng(0)
    return pa.table([values(column, draw) for column in COLUMNS], schema=arrow_schema(COLUMNS))


def values(column: Column, draw: np.random.Generator) -> pa.Array:
    """Make the values of a column: random numbers, paths, class names."""
    given: Any = draw.integers(0, 100, SHARD_GALAXIES)
    if column.kind == "text":
        given = [f"galaxies/{row:08}.jpg" for row in range(SHARD_GALAXIES)]
    if column.name == "predicted_class":
        given = [CLASSES[row % 10] for row in range(SHARD_GALAXIES)]
    if column.name == "status":
        given = [None] * SHARD_GALAXIES
    if column.kind.startswith("float"):
        given = draw.random(SHARD_GALAXIES)
    return pa.array(given if column.kind != "bool" else given < 30, arrow_schema([column]).field(0).type)


if __name__ == "__main__":
    main()
