"""How many wrong labels of real galaxies are found, and how far down a list one must look.

    python benchmarks/wrong_labels.py ../shared/data results/labels

DATA holds labels.csv and the pictures that it names: EFIGI, here in three classes by Hubble stage, and galaxies of SDSS
and DECaLS in Galaxy10's classes. 5% of the labels are made wrong, once to another class at random, and once to the
class that theirs is most often taken for by the networks of the first. `kamerton labels` ranks all galaxies, and its
ranking is held against that of the loss alone, which is the probability of the given class, of the same networks, and
against cleanlab's own, which puts the issues that it finds before all others.
Labels that were wrong before count as right, so precision is a lower bound. Given again it goes on where it was. A
seed takes 6 trainings of EFIGI, of half a minute of one free core each, and 10 of Galaxy10's classes, of two minutes
with the network frozen and of six with it fine-tuned.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from sklearn.metrics import average_precision_score

import kamerton
from kamerton.config.recipe import AugmentSettings, Recipe
from kamerton.labelling.issues import find_issues
from kamerton.machine.memory import keep_freed_memory
from kamerton.recipes import load_recipe

WRONG_SHARE = 0.05

STAGES = {"elliptical": (-6, -4), "spiral or lenticular": (-3, 9), "irregular": (10, 11)}
"""EFIGI's classes by Hubble stage, both ends included."""

LOOKED_AT = (0.05, 0.10)
"""Shares of the list, from its top."""

OURS, LOSS, CLEANLAB = "kamerton labels", "loss alone", "cleanlab's issues first"


@dataclass(frozen=True)
class Kind:
    """Galaxies of one kind of classes, and a network that learns them in a time that can be waited for."""

    network: str
    start: str | None
    """Learned weights to begin with, and then the recipe that fine-tunes."""
    size: int
    crop: int | None
    """Side of the middle of each picture that is kept, pixels."""
    epochs: int
    batch_size: int
    folds: int
    augment: AugmentSettings | None = None
    """In place of the recipe's own, which cost more than the network itself where that is small."""
    freeze: bool = False


LITE0 = "efficientnet_lite0_stages"

TURNS_ALONE = AugmentSettings(turns="eight", shift=0.0, zoom=1.0)

KINDS = {
    "efigi": Kind("lenet5", None, size=40, crop=None, epochs=10, batch_size=32, folds=3, augment=TURNS_ALONE),
    "galaxy10": Kind(LITE0, f"{LITE0}.imagenet", size=64, crop=128, epochs=12, batch_size=32, folds=5),
    "galaxy10-frozen": Kind(
        LITE0, f"{LITE0}.imagenet", size=64, crop=128, epochs=4, batch_size=32, folds=5, freeze=True
    ),
}


def recipe(kind: Kind) -> Recipe:
    """Take the recipe that is best for the network's start, as long as the kind wants it."""
    name = "modern" if kind.start is None else "finetune"
    plan = load_recipe(name, epochs=kind.epochs, batch_size=kind.batch_size, freeze=kind.freeze)
    return dataclasses.replace(plan, augment=kind.augment or plan.augment)


def make_cubes(data: Path, out: Path) -> dict[str, Path]:
    """Import the galaxies of each kind, once."""
    table = pd.read_csv(data / "labels.csv")
    efigi = table[(table["source"] == "efigi") & table["t_type"].notna()].copy()
    efigi["label"] = None
    for name, (first, last) in STAGES.items():
        efigi.loc[efigi["t_type"].between(first, last), "label"] = name
    galaxy10 = table[(table["source"] != "efigi") & table["galaxy10_name"].notna()].copy()
    galaxy10["label"] = galaxy10["galaxy10_name"]
    places = {}
    for name, chosen in {"efigi": efigi, "galaxy10": galaxy10, "galaxy10-frozen": galaxy10}.items():
        places[name] = out / f"{name}.fits"
        if not places[name].exists():
            listed = pd.DataFrame(
                {
                    "path": [str((data / path).resolve()) for path in chosen["path"]],
                    "id": chosen["path"],
                    "label": chosen["label"],
                    "group": chosen["group"],
                }
            )
            listed.to_csv(out / f"{name}.csv", index=False)
            kamerton.import_cube(
                out / f"{name}.csv", places[name], size=KINDS[name].size, crop=KINDS[name].crop, skip_bad=True
            )
    return places


def search(cube: Path, place: Path, kind: Kind, seed: int) -> pd.DataFrame:
    """Look for wrong labels in a cube, from wherever that stands, and give all that its list holds."""
    if not (place / "labels.json").exists():
        start = time.monotonic()
        kamerton.labels(
            cube,
            network=kind.network,
            start=kind.start,
            freeze=kind.freeze,
            recipe=recipe(kind),
            folds=kind.folds,
            seed=seed,
            eight_views=True,
            out=place,
            resume=True,
        )
        print(f"{place.name}: {time.monotonic() - start:.0f} s", flush=True)
        shutil.rmtree(place / "runs")
    return pd.read_parquet(place / "labels.parquet")


def confusions(ranked: pd.DataFrame) -> dict[str, str]:
    """Name for each class the one that its galaxies are most often taken for."""
    wrong = ranked[ranked["given"] != ranked["suggested"]]
    found = wrong.groupby("given")["suggested"].agg(lambda names: names.value_counts().index[0])
    return {str(given): str(suggested) for given, suggested in found.items()}


def spoil(cube: Path, place: Path, to: dict[str, str] | None, seed: int) -> list[str]:
    """Write a cube with wrong labels, to others at random or to the one named, and name the galaxies."""
    rng = np.random.default_rng(seed)
    with kamerton.open_cube(cube) as galaxies:
        ids, labels, names = galaxies.ids, galaxies.labels, galaxies.class_names
    rows = rng.choice(len(ids), round(WRONG_SHARE * len(ids)), replace=False)
    others = [
        to[names[labels[row]]] if to else str(rng.choice([n for n in names if n != names[labels[row]]])) for row in rows
    ]
    listed = place.with_suffix(".csv")
    wrong = [ids[row] for row in rows]
    pd.DataFrame({"id": wrong, "label": others}).to_csv(listed, index=False)
    if not place.exists():
        kamerton.relabel(cube, listed, out=place)
    return wrong


def issues_first(labels: np.ndarray, chances: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Rank as cleanlab does by default: the issues of confident learning, and then all others, each by their loss."""
    sums = chances.sum(1, keepdims=True, dtype=np.float64)
    is_issue = find_label_issues(labels, chances / sums, n_jobs=1)
    return np.concatenate([loss[is_issue[loss]], loss[~is_issue[loss]]])


def scores(listed: pd.DataFrame, class_names: Sequence[str], wrong: list[str]) -> list[dict[str, object]]:
    """Rank all galaxies anew by what their networks say, and measure each ranking by the labels made wrong."""
    chances = listed.filter(regex="^p_").to_numpy(np.float32)
    labels = np.array([class_names.index(name) for name in listed["given"]])
    is_wrong = listed["id"].isin(wrong).to_numpy()
    issues = find_issues(labels, chances)
    loss = np.argsort(chances[np.arange(len(labels)), labels], kind="stable")
    found: list[dict[str, object]] = []
    for name, order in {OURS: issues.order, LOSS: loss, CLEANLAB: issues_first(labels, chances, loss)}.items():
        hit = is_wrong[order]
        row: dict[str, object] = {"ranking": name}
        for share in LOOKED_AT:
            looked_at = round(share * len(hit))
            row[f"precision at {share:.0%}"] = hit[:looked_at].mean()
            row[f"recall at {share:.0%}"] = hit[:looked_at].sum() / hit.sum()
        row["average precision"] = average_precision_score(hit, -np.arange(len(hit)))
        row |= {"marked": int(issues.is_issue.sum()), "marked and wrong": int((issues.is_issue & is_wrong).sum())}
        row |= {"estimated": issues.estimated, "made wrong": int(hit.sum())}
        row["agreement"] = (chances.argmax(1) == labels).mean()
        found.append(row)
    return found


def table(results: pd.DataFrame) -> None:
    """Print the means and their spread over seeds, and by how much the one ranking is better."""
    columns = [
        *(f"{kind} at {share:.0%}" for share in LOOKED_AT for kind in ("precision", "recall")),
        "average precision",
    ]
    print(f"| galaxies | labels made wrong | ranking | seeds | {' | '.join(columns)} |")
    print(f"|{'---|' * (4 + len(columns))}")
    for keys, rows in results.groupby(["data", "kind", "ranking"], sort=False):
        cells = [spread(rows[column]) for column in columns]
        print(f"| {' | '.join([*map(str, keys), str(len(rows)), *cells])} |")
    print()
    for keys, rows in results.groupby(["data", "kind"], sort=False):
        by_seed = rows.pivot(index="seed", columns="ranking", values="average precision")
        gains = ", ".join(f"{gain:+.3f}" for gain in by_seed[OURS] - by_seed[LOSS])
        ours = rows[rows["ranking"] == OURS]
        print(
            f"{', '.join(map(str, keys))}: average precision above that of the loss alone {gains}; networks answer the"
            f" given label for {ours['agreement'].mean():.3f}; marked {ours['marked'].tolist()}, of these made wrong"
            f" {ours['marked and wrong'].tolist()} of {ours['made wrong'].tolist()}"
        )


def spread(values: pd.Series) -> str:
    """Write the mean over seeds, with its spread where there are several."""
    return f"{values.mean():.3f}" + (f" ± {values.std():.3f}" if len(values) > 1 else "")


def main() -> None:
    """Spoil labels at random, look for them, spoil the likeliest, look again, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    keep_freed_memory()
    given.out.mkdir(parents=True, exist_ok=True)
    cubes = make_cubes(given.data, given.out)
    results: list[dict[str, object]] = []
    for seed in given.seeds:
        for name in given.kinds:
            with kamerton.open_cube(cubes[name]) as galaxies:
                class_names = galaxies.class_names
            to = None
            for kind in ("at random", "likeliest confusion"):
                place = given.out / f"{name}-{kind.replace(' ', '-')}-{seed}"
                wrong = spoil(cubes[name], place.with_suffix(".fits"), to, seed)
                listed = search(place.with_suffix(".fits"), place, KINDS[name], seed)
                to = to or confusions(listed)
                found = scores(listed, class_names, wrong)
                results += [{"data": name, "kind": kind, "seed": seed, **row} for row in found]
                pd.DataFrame(results).to_csv(given.out / "results.csv", index=False)
    table(pd.DataFrame(results))


if __name__ == "__main__":
    main()
