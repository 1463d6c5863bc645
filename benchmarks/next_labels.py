"""Whether galaxies that `kamerton next` chooses teach a network more than galaxies taken at random.

    python benchmarks/next_labels.py ../shared/data results/next

DATA holds labels.csv (path, t_type, source, group) and the pictures that it names. EFIGI's galaxies, in five classes by
their stage as in benchmarks/certainty.py, are split by group: a third to test on, the same in all rounds, a twentieth
that chooses the weights and calibrates, and a pool whose labels count as unknown. A round trains a network on the
labels so far, from its own start, calibrates it, predicts the pool, and asks for a hundred more labels, by `next` or at
random; both begin with the same hundred. Rows go to OUT/rows.csv as they come, and a run that was stopped goes on after
the last; at the end stands the table. ``--ways`` compares ways that were not taken, such as other shortlists.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table
from certainty import CLASSES, stage_class
from sklearn.metrics import balanced_accuracy_score

import kamerton
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.inference.predictor import Predictor
from kamerton.neighbours import next_galaxies
from kamerton.neighbours.nearest import Directions

FIRST, MORE, LAST = 100, 100, 500
"""Labels in the first round, more in each further one, and in the last."""

EPOCHS, EPOCH_GALAXIES = 16, 512
"""Of a training; few labels are shown again within an epoch, so that all rounds have as many steps."""

COLUMNS = ("way", "seed", "labels", "accuracy", "balanced", "classes", "seconds")


def make_pool(data: Path, out: Path, size: int) -> None:
    """Write the pool, the galaxies that calibrate, and those of the test."""
    table = pd.read_csv(data / "labels.csv")
    efigi = table[(table["source"] == "efigi") & table["t_type"].notna()].reset_index(drop=True)
    listed = pd.DataFrame(
        {
            "path": [str((data / path).resolve()) for path in efigi["path"]],
            "id": [Path(path).stem for path in efigi["path"]],
            "label": efigi["t_type"].map(stage_class),
            "group": efigi["group"],
        }
    )
    listed.to_csv(out / "efigi.csv", index=False)
    kamerton.import_cube(out / "efigi.csv", out / "efigi.fits", size=size, classes=tuple(CLASSES))
    kamerton.split_cube(out / "efigi.fits", out / "split", fractions=(0.6, 0.05, 0.35), group_column="group")


def write_labelled(source: LabelledCube, ids: list[str], path: Path) -> None:
    """Write the galaxies of these ids as a cube, each as often as an epoch shows it."""
    rows = {name: row for row, name in enumerate(source.ids)}
    times = max(1, round(EPOCH_GALAXIES / len(ids)))
    places = np.array([rows[name] for name in ids] * times)
    with CubeWriter(path, image_shape=source.image_shape, dtype=source.dtype, class_names=source.class_names) as writer:
        writer.append(source.read(places))
        names = [f"{name} {number}" for number in range(times) for name in ids]
        writer.finish(source.labels[places], Table({"id": names}), origin=source.origin)


def known_by_next(catalogue: Path, labelled: Path, _: int) -> list[str]:
    """Ask `next`."""
    return [one.id for one in kamerton.next_galaxies(catalogue, count=MORE, labelled=labelled).galaxies]


def known_at_random(catalogue: Path, labelled: Path, seed: int) -> list[str]:
    """Take any."""
    found = kamerton.next_galaxies(catalogue, count=MORE, labelled=labelled, random=True, seed=seed)
    return [one.id for one in found.galaxies]


def with_shortlist(times: int) -> Callable[[Path, Path, int], list[str]]:
    """Ask `next` with another shortlist: 1 is the least sure alone, a long one the spread alone."""

    def ask(catalogue: Path, labelled: Path, seed: int) -> list[str]:
        usual = next_galaxies.SHORTLIST
        next_galaxies.SHORTLIST = times
        try:
            return known_by_next(catalogue, labelled, seed)
        finally:
            next_galaxies.SHORTLIST = usual

    return ask


def by_clusters(points: Directions, count: int) -> np.ndarray:
    """Choose the least sure of each of so many clusters (Zhdanov 2019)."""
    from sklearn.cluster import KMeans

    found = KMeans(count, n_init=1, random_state=0).fit_predict(points)
    first = [np.flatnonzero(found == number)[0] for number in np.unique(found)]
    rest = [place for place in range(len(points)) if place not in set(first)]
    return np.array([*sorted(first), *rest][:count], np.int64)


def with_clusters(catalogue: Path, labelled: Path, seed: int) -> list[str]:
    """Ask `next` with clusters in the place of the farthest."""
    usual = next_galaxies.spread
    next_galaxies.spread = by_clusters
    try:
        return known_by_next(catalogue, labelled, seed)
    finally:
        next_galaxies.spread = usual


WAYS: dict[str, Callable[[Path, Path, int], list[str]]] = {
    "next": known_by_next,
    "random": known_at_random,
    "least sure": with_shortlist(1),
    "shortlist 3": with_shortlist(3),
    "shortlist 10": with_shortlist(10),
    "farthest": with_shortlist(1000),
    "clusters": with_clusters,
}


class Round:
    """What a round needs."""

    def __init__(self, out: Path, network: str) -> None:
        self.out, self.network = out, network
        self.pool = open_cube(out / "split/train.fits")
        self.test = open_cube(out / "split/test.fits")

    def run(self, way: str, seed: int, ids: list[str]) -> tuple[dict[str, object], list[str]]:
        """Train on these galaxies, test, and ask for more."""
        folder = self.out / "round"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "data").mkdir(parents=True)
        write_labelled(self.pool, ids, folder / "data/train.fits")
        shutil.copy(self.out / "split/valid.fits", folder / "data/valid.fits")
        start = time.monotonic()
        run = kamerton.train(folder / "data", network=self.network, epochs=EPOCHS, seed=seed, out=folder / "run")
        seconds = time.monotonic() - start
        kamerton.calibrate(run, folder / "data/valid.fits")
        said = np.concatenate(list(Predictor(run).over_cube(self.test))).argmax(1)
        row = {
            "way": way,
            "seed": seed,
            "labels": len(ids),
            "accuracy": float((said == self.test.labels).mean()),
            "balanced": float(balanced_accuracy_score(self.test.labels, said)),
            "classes": "/".join(map(str, np.bincount(self._labels(ids), minlength=len(CLASSES)))),
            "seconds": round(seconds, 1),
        }
        if len(ids) >= LAST:
            return row, ids
        kamerton.predict(run, self.out / "split/train.fits", out=folder / "pool.parquet", features="all")
        pd.DataFrame({"id": ids}).to_csv(folder / "decisions.csv", index=False)
        return row, [*ids, *WAYS[way](folder / "pool.parquet", folder / "decisions.csv", seed * 1000 + len(ids))]

    def _labels(self, ids: list[str]) -> np.ndarray:
        rows = {name: row for row, name in enumerate(self.pool.ids)}
        return np.asarray(self.pool.labels[[rows[name] for name in ids]])

    def first(self, seed: int) -> list[str]:
        """Take the first galaxies of a seed."""
        chosen = np.random.default_rng(seed).permutation(len(self.pool))[:FIRST]
        return [self.pool.ids[row] for row in chosen]


def simulate(out: Path, rounds: Round, ways: list[str], seeds: list[int]) -> None:
    """Go through all rounds that are not in the list yet."""
    place = out / "rows.csv"
    done = set() if not place.exists() else set(pd.read_csv(place)[["way", "seed"]].itertuples(index=False, name=None))
    if not place.exists():
        place.write_text(f"{','.join(COLUMNS)}\n", encoding="utf-8")
    for seed in seeds:
        for way in ways:
            if (way, seed) in done:
                continue
            ids, rows = rounds.first(seed), []
            while not rows or len(ids) > int(str(rows[-1]["labels"])):
                row, ids = rounds.run(way, seed, ids)
                rows.append(row)
                print(row, flush=True)
            with place.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, COLUMNS).writerows(rows)


def print_table(out: Path) -> None:
    """Print mean and spread over seeds."""
    rows = pd.read_csv(out / "rows.csv")
    labels = sorted(rows["labels"].unique())
    for metric in ("accuracy", "balanced"):
        print(f"\n| {metric} | {' | '.join(map(str, labels))} |\n|---|{'---|' * len(labels)}")
        for way, some in rows.groupby("way", sort=False):
            cells = []
            for count in labels:
                found = some[some["labels"] == count][metric]
                cells.append(
                    f"{found.mean():.3f} ± {found.std(ddof=1):.3f}" if len(found) > 1 else f"{found.mean():.3f}"
                )
            print(f"| {way}, {some['seed'].nunique()} seeds | {' | '.join(cells)} |")
    print(f"\none training: {rows['seconds'].median():.0f} s, at most {rows['seconds'].max():.0f} s")


def main() -> None:
    """Simulate, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--network", default="lenet5")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--ways", default="random,next")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if not (given.out / "split").exists():
        make_pool(given.data, given.out, given.size)
    rounds = Round(given.out, given.network)
    simulate(given.out, rounds, given.ways.split(","), [int(seed) for seed in given.seeds.split(",")])
    print_table(given.out)


if __name__ == "__main__":
    main()
