"""Whether galaxies that `kamerton next` chooses teach a network more than galaxies taken at random.

    python benchmarks/next_labels.py ../shared/data results/next
    python benchmarks/next_labels.py ../shared/data results/next --network efficientnet_lite0_stages \
        --start efficientnet_lite0_stages.imagenet

DATA holds labels.csv (path, t_type, source, group) and the pictures that it names. EFIGI's galaxies, in five classes by
their stage as in benchmarks/certainty.py, are split by group: a third to test on, the same in all rounds, a twentieth
that chooses the weights and calibrates, and a pool whose labels count as unknown. Both begin with the same hundred
labels. A round learns from the labels so far, predicts the pool, and asks for more, by `next` or at random. What learns
is a network that is trained anew from its start and calibrated, or, with ``--head results/why/resnet18``, a logistic
regression on what that network sees, which learned from other galaxies in other classes (benchmarks/why.py).

Rows go to OUT/rows.csv as they come, and a run that was stopped goes on after the last whole one; at the end stands the
table. ``--ways`` compares ways that were not taken; these were tried with other seeds than those of the table.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from astropy.table import Table
from certainty import CLASSES, stage_class
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

import kamerton
from kamerton.catalogue.columns import Features, Header, arrow_schema, catalogue_columns, class_facts, class_slugs
from kamerton.catalogue.writers.parquet_file import parquet_rows
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.inference.predictor import Predictor
from kamerton.neighbours import next_galaxies
from kamerton.neighbours.nearest import Directions

PENALTY = 0.03
"""Of the logistic regression: the inverse of its weight."""

FIRST, LAST = 100, 500
"""Labels in the first round, and in the last."""

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


Way = Callable[[Path, Path, int, int], list[str]]
"""From a catalogue, the list of what is labelled already, how many are wanted, and a seed, to ids."""


def known_by_next(catalogue: Path, labelled: Path, count: int, _: int) -> list[str]:
    """Ask `next`."""
    return [one.id for one in kamerton.next_galaxies(catalogue, count=count, labelled=labelled).galaxies]


def known_at_random(catalogue: Path, labelled: Path, count: int, seed: int) -> list[str]:
    """Take any."""
    found = kamerton.next_galaxies(catalogue, count=count, labelled=labelled, random=True, seed=seed)
    return [one.id for one in found.galaxies]


def with_shortlist(times: int) -> Way:
    """Ask `next` with another shortlist: 1 is the least sure alone, a long one the spread alone."""

    def ask(catalogue: Path, labelled: Path, count: int, seed: int) -> list[str]:
        usual = next_galaxies.SHORTLIST
        next_galaxies.SHORTLIST = times
        try:
            return known_by_next(catalogue, labelled, count, seed)
        finally:
            next_galaxies.SHORTLIST = usual

    return ask


def farthest(points: Directions, count: int) -> np.ndarray:
    """Choose the first, and then again and again the one farthest from all chosen (Sener & Savarese 2018)."""
    far, chosen = np.full(len(points), np.inf), []
    for _ in range(count):
        chosen.append(int(far.argmax()))
        far = np.minimum(far, 1 - points @ points[chosen[-1]])
        far[chosen] = -1
    return np.array(chosen, np.int64)


def with_farthest(catalogue: Path, labelled: Path, count: int, seed: int) -> list[str]:
    """Ask `next` with the farthest in the place of clusters."""
    usual = next_galaxies.spread
    next_galaxies.spread = farthest
    try:
        return known_by_next(catalogue, labelled, count, seed)
    finally:
        next_galaxies.spread = usual


WAYS: dict[str, Way] = {
    "next": known_by_next,
    "random": known_at_random,
    "least sure": with_shortlist(1),
    "shortlist 3": with_shortlist(3),
    "shortlist 30": with_shortlist(30),
    "farthest": with_farthest,
}


class Learner(Protocol):
    """What learns from labels, and says what it makes of the pool."""

    pool: LabelledCube

    def learn(self, seed: int, ids: list[str], folder: Path) -> tuple[np.ndarray, np.ndarray]:
        """Learn from these galaxies, and give the true classes of the test and those that it says.

        ``folder`` gets pool.parquet, a catalogue of the pool.
        """


class Network:
    """A network that is trained anew, calibrated, and asked for a catalogue of the pool."""

    def __init__(self, out: Path, network: str, start: str | None) -> None:
        self.out, self.network, self.start = out, network, start
        self.pool = open_cube(out / "split/train.fits")
        self.test = open_cube(out / "split/test.fits")

    def learn(self, seed: int, ids: list[str], folder: Path) -> tuple[np.ndarray, np.ndarray]:
        """See Learner."""
        (folder / "data").mkdir()
        write_labelled(self.pool, ids, folder / "data/train.fits")
        shutil.copy(self.out / "split/valid.fits", folder / "data/valid.fits")
        run = kamerton.train(
            folder / "data",
            network=self.network,
            start=self.start,
            recipe="modern" if self.start is None else "finetune",
            epochs=EPOCHS,
            seed=seed,
            out=folder / "run",
        )
        kamerton.calibrate(run, folder / "data/valid.fits")
        said = np.concatenate(list(Predictor(run).over_cube(self.test))).argmax(1)
        kamerton.predict(run, self.out / "split/train.fits", out=folder / "pool.parquet", features="all")
        return self.test.labels, said


class Head:
    """A logistic regression on what a network sees that was trained on other galaxies, in other classes."""

    def __init__(self, out: Path, run: Path) -> None:
        self.pool = open_cube(out / "split/train.fits")
        self.test = open_cube(out / "split/test.fits")
        kept = out / "features.npz"
        if not kept.exists():
            predictor = Predictor(run)
            found = {name: seen(predictor, cube) for name, cube in (("pool", self.pool), ("test", self.test))}
            np.savez(kept, **found)
        with np.load(kept) as content:
            self.pool_features, self.test_features = content["pool"], content["test"]

    def learn(self, seed: int, ids: list[str], folder: Path) -> tuple[np.ndarray, np.ndarray]:
        """See Learner."""
        rows = {name: row for row, name in enumerate(self.pool.ids)}
        known = [rows[name] for name in ids]
        scale = StandardScaler().fit(self.pool_features)
        head = LogisticRegression(C=PENALTY, max_iter=500, random_state=seed)
        head.fit(scale.transform(self.pool_features[known]), self.pool.labels[known])
        probabilities = np.zeros((len(self.pool), len(CLASSES)), np.float32)
        probabilities[:, head.classes_] = head.predict_proba(scale.transform(self.pool_features))
        self._write(folder / "pool.parquet", probabilities)
        return self.test.labels, head.predict(scale.transform(self.test_features))

    def _write(self, path: Path, probabilities: np.ndarray) -> None:
        """Write what it makes of the pool as `predict` would."""
        import pyarrow as pa

        names = tuple(CLASSES)
        length = self.pool_features.shape[1]
        columns = catalogue_columns({}, names, positions=False, features=Features("all", length))
        schema = arrow_schema(columns)
        cells = {"id": pa.array(self.pool.ids), "predicted_class": pa.array(np.array(names)[probabilities.argmax(1)])}
        cells |= {f"p_{slug}": pa.array(probabilities[:, n]) for n, slug in enumerate(class_slugs(names))}
        cells["features"] = pa.FixedSizeListArray.from_arrays(self.pool_features.reshape(-1), length)
        cells["flags"] = pa.array(np.zeros(len(probabilities), np.int16))
        cells["status"] = pa.nulls(len(probabilities), pa.string())
        with parquet_rows(path, Header("pool", columns, class_facts(names)), len(probabilities)) as writer:
            writer.append(pa.table(cells, schema=schema))


def seen(predictor: Predictor, cube: LabelledCube) -> np.ndarray:
    """Give what a network sees in a cube's galaxies, at the size that it learned from."""
    side = predictor.run.image_shape[0]
    found = []
    for rows in cube.slices():
        images_nchw = torch.from_numpy(cube.read(rows)).permute(0, 3, 1, 2).float()
        scaled = torch.nn.functional.interpolate(images_nchw, (side, side), mode="bilinear", antialias=True)
        found.append(predictor.answers(scaled.permute(0, 2, 3, 1).clamp(0, 255).round().byte()).features)
    return np.concatenate(found)


def one_round(
    out: Path, learner: Learner, way: str, seed: int, ids: list[str], more: int
) -> tuple[dict[str, object], list[str]]:
    """Learn from these galaxies, test, and ask for more; all ways share the first round of a seed."""
    folder = out / (f"first-{seed}" if len(ids) == FIRST else "round")
    if len(ids) > FIRST or not (folder / "row.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        start = time.monotonic()
        true, said = learner.learn(seed, ids, folder)
        seconds = time.monotonic() - start
        rows = {name: row for row, name in enumerate(learner.pool.ids)}
        counts = np.bincount(learner.pool.labels[[rows[name] for name in ids]], minlength=len(CLASSES))
        row = {
            "seed": seed,
            "labels": len(ids),
            "accuracy": float((said == true).mean()),
            "balanced": float(balanced_accuracy_score(true, said)),
            "classes": "/".join(map(str, counts)),
            "seconds": round(seconds, 1),
        }
        pd.DataFrame({"id": ids}).to_csv(folder / "decisions.csv", index=False)
        (folder / "row.json").write_text(json.dumps(row), encoding="utf-8")
    row = {"way": way, **json.loads((folder / "row.json").read_text(encoding="utf-8"))}
    if len(ids) >= LAST:
        return row, ids
    return row, [*ids, *WAYS[way](folder / "pool.parquet", folder / "decisions.csv", more, seed * 1000 + len(ids))]


def first_ids(pool: LabelledCube, seed: int) -> list[str]:
    """Take the first galaxies of a seed."""
    return [pool.ids[row] for row in np.random.default_rng(seed).permutation(len(pool))[:FIRST]]


def simulate(out: Path, learner: Learner, ways: list[str], seeds: list[int], more: int) -> None:
    """Go through all rounds that are not in the list yet."""
    place = out / "rows.csv"
    done = set() if not place.exists() else set(pd.read_csv(place)[["way", "seed"]].itertuples(index=False, name=None))
    if not place.exists():
        place.write_text(f"{','.join(COLUMNS)}\n", encoding="utf-8")
    for seed in seeds:
        for way in ways:
            if (way, seed) in done:
                continue
            ids, rows = first_ids(learner.pool, seed), []
            while not rows or len(ids) > int(str(rows[-1]["labels"])):
                row, ids = one_round(out, learner, way, seed, ids, more)
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
    if {"next", "random"} <= set(rows["way"]):
        print_gain(rows)
    print(f"\none training: {rows['seconds'].median():.0f} s, at most {rows['seconds'].max():.0f} s")


def print_gain(rows: pd.DataFrame) -> None:
    """Print by how much `next` is better after the first round, paired by seed, and which classes it asked for."""
    later = rows[rows["labels"] > FIRST]
    for metric in ("accuracy", "balanced"):
        means = later.pivot_table(index="seed", columns="way", values=metric)
        gain = (means["next"] - means["random"]).dropna()
        error = f" ± {gain.std(ddof=1) / np.sqrt(len(gain)):.4f}" if len(gain) > 1 else ""
        print(f"\n{metric}: next better than random by {gain.mean():.4f}{error} (mean and error over seeds)")
    for way, some in rows[rows["labels"] == LAST].groupby("way"):
        counts = np.mean([[int(count) for count in text.split("/")] for text in some["classes"]], axis=0)
        told = ", ".join(f"{name} {count:.1f}" for name, count in zip(CLASSES, counts, strict=True))
        print(f"{way} asked in all for {told}")


def main() -> None:
    """Simulate, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--head", type=Path, metavar="RUN")
    parser.add_argument("--network", default="lenet5")
    parser.add_argument("--start", help="learned weights that each training begins with")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--more", type=int, default=100)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--ways", default="random,next")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if not (given.out / "split").exists():
        make_pool(given.data, given.out, given.size)
    learner = Head(given.out, given.head) if given.head is not None else Network(given.out, given.network, given.start)
    simulate(given.out, learner, given.ways.split(","), [int(seed) for seed in given.seeds.split(",")], given.more)
    print_table(given.out)


if __name__ == "__main__":
    main()
