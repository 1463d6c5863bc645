"""How quickly a page of a large catalogue comes, and how little memory that takes.

    python benchmarks/browsing.py

Catalogues of made-up answers for ten classes, calibrated, of a hundred thousand and of a million galaxies
(``--counts``): one Parquet file, and as many shards of 4,096 as `kamerton predict` would write. For each a process of
its own opens it, and asks for pages of 48 galaxies; a page in another order than the last reads as many galaxies as the
page in the browser does, so that further pages cost nothing. Seconds are processor time, the median of three processes;
the memory is what one takes beyond that before opening, at most (RssAnon).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kamerton.browsing.catalogue import galaxies_ahead
from kamerton.browsing.galaxies import listed
from kamerton.browsing.selection import select
from kamerton.catalogue.columns import Column, Header, arrow_schema, catalogue_columns, class_facts, class_slugs
from kamerton.catalogue.readers import open_catalogue
from kamerton.catalogue.readers.opened import OpenedCatalogue
from kamerton.catalogue.readers.parquet_files import ParquetCatalogueFile
from kamerton.catalogue.writers.parquet_file import parquet_rows
from kamerton.certainty.judging import FLAGS
from kamerton.config.answers import PredictSettings
from kamerton.config.browsing import PAGE_GALAXIES, Wanted

CLASSES = tuple(f"Class {letter}" for letter in "ABCDEFGHIJ")
COUNTS = (100_000, 1_000_000)
TURNS = 3
ASKED = {
    "a class": Wanted(predicted="Class C"),
    "a class, by probability, above 0.5": Wanted(predicted="Class C", at_least=0.5, order="probability"),
    "all, least sure first": Wanted(order="margin"),
    "all, by id": Wanted(order="id"),
    "unlike the training, two classes or more, by distance": Wanted(smallest_set=2, unlike="yes", order="ood_knn"),
}


def columns() -> tuple[Column, ...]:
    return catalogue_columns({}, CLASSES, positions=True, flags=FLAGS)


def write(path: Path, first: int, count: int) -> None:
    """Write answers nobody gave."""
    import pyarrow as pa

    rng = np.random.default_rng(first)
    schema = arrow_schema(columns())
    with parquet_rows(path, Header("made up", columns(), class_facts(CLASSES)), count) as rows:
        for start in range(first, first + count, PredictSettings.shard_galaxies):
            ids = [
                f"survey/{row:08d}.jpg"
                for row in range(start, min(start + PredictSettings.shard_galaxies, first + count))
            ]
            probabilities = rng.dirichlet(np.full(len(CLASSES), 0.3), len(ids)).astype(np.float32)
            in_set = probabilities > 0.1
            cells = {
                "id": ids,
                "ra": rng.uniform(0, 360, len(ids)),
                "dec": rng.uniform(-90, 90, len(ids)),
                "predicted_class": [CLASSES[place] for place in probabilities.argmax(1)],
                "set_size": in_set.sum(1),
                "ood_energy": rng.random(len(ids)),
                "ood_knn": rng.random(len(ids)),
                "flags": rng.choice([0, 0, 0, 1, 2], len(ids)),
                "status": [None] * len(ids),
            }
            for place, slug in enumerate(class_slugs(CLASSES)):
                cells |= {f"p_{slug}": probabilities[:, place], f"set_{slug}": in_set[:, place]}
            rows.append(pa.table({name: pa.array(cells[name]).cast(schema.field(name).type) for name in schema.names}))


def opened(place: Path) -> OpenedCatalogue:
    """Open a folder of such files as the shards of one catalogue."""
    files = [ParquetCatalogueFile(path) for path in sorted(place.iterdir())]
    return OpenedCatalogue(
        place, files[0].facts, files[0].columns, tuple(part for file in files for part in file.parts)
    )


def anonymous_mib() -> float:
    fields = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in fields if line.startswith("RssAnon")) / 1024


class Watch:
    """Looks at the memory a hundred times a second."""

    def __init__(self) -> None:
        self.most = self.before = anonymous_mib()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            self.most = max(self.most, anonymous_mib())
            time.sleep(0.01)


def measure(place: Path) -> dict[str, float]:
    """Ask one catalogue for its pages; seconds, and MiB under the name ``memory``."""
    import pandas as pd  # noqa: F401  # what a page needs is there before it
    import pyarrow.compute
    import pyarrow.parquet  # noqa: F401

    watch = Watch()
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        start = time.process_time()
        work()
        seconds[name] = time.process_time() - start

    def ask(catalogue: OpenedCatalogue) -> None:
        timed("first page", lambda: listed(catalogue, np.arange(PAGE_GALAXIES)))
        timed("a page in the middle", lambda: listed(catalogue, len(catalogue) // 2 + np.arange(PAGE_GALAXIES)))
        for name, wanted in ASKED.items():
            timed(name, lambda wanted=wanted: listed(catalogue, select(catalogue, wanted)[: galaxies_ahead(catalogue)]))

    if place.is_dir():
        ask(opened(place))
    else:
        with open_catalogue(place) as catalogue:
            ask(catalogue)
    time.sleep(0.05)
    return seconds | {"memory": watch.most - watch.before}


def table(counts: tuple[int, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for count in counts:
            whole, shards = Path(folder) / f"{count}.parquet", Path(folder) / str(count)
            write(whole, 0, count)
            shards.mkdir()
            for start in range(0, count, PredictSettings.shard_galaxies):
                size = min(PredictSettings.shard_galaxies, count - start)
                write(shards / f"{start:09d}.parquet", start, size)
            for form, place in (("one file", whole), ("shards", shards)):
                turns = [json.loads(_asked(place)) for _ in range(TURNS)]
                found[f"{count:,} galaxies, {form}"] = {
                    name: statistics.median(turn[name] for turn in turns) for name in turns[0]
                }
    print("| seconds | " + " | ".join(found) + " |")
    print("|---|" + "---|" * len(found))
    for name in next(iter(found.values())):
        label, form = ("memory, MiB", ".0f") if name == "memory" else (name, ".2f")
        print(f"| {label} | " + " | ".join(format(one[name], form) for one in found.values()) + " |")


def _asked(place: Path) -> str:
    command = [sys.executable, __file__, "--of", str(place)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ).stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--counts", default=",".join(map(str, COUNTS)), help="galaxies, with commas")
    parser.add_argument("--of", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.of is None:
        table(tuple(map(int, given.counts.split(","))))
    else:
        print(json.dumps(measure(given.of)))
