"""Five networks with three seeds each, compared and reported: on the synthetic survey, or on EFIGI's real galaxies.

    python benchmarks/five_networks.py results/five [--count 1200] [--epochs 8]
    python benchmarks/five_networks.py results/efigi --efigi ../shared/data [--epochs 8]
    python benchmarks/five_networks.py results/efigi128 --efigi ../shared/data --size 128 --data-only

Given again it goes on where it was. EFIGI (Baillard et al. 2011) is taken in three classes by Hubble stage: elliptical
-6 to -4, spiral and lenticular -3 to 9, irregular 10 and 11. About an hour each on two quiet cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from rich.console import Console

from kamerton.data.importers import import_cube
from kamerton.data.splitting import split_cube
from kamerton.data.synthetic.survey import synth
from kamerton.evaluation.compare import compare
from kamerton.evaluation.tables import print_comparison
from kamerton.machine.memory import keep_freed_memory
from kamerton.reporting.languages import LANGUAGES
from kamerton.reporting.report import write_report
from kamerton.sweeping import sweep
from kamerton.training.progress import PlainLines

NETWORKS = ("lenet5", "alexnet", "googlenet", "resnet18", "p4m_resnet")
SIZE = 67
"""Pixels: the smallest that AlexNet takes."""

STAGES = {"elliptical": (-6, -4), "spiral or lenticular": (-3, 9), "irregular": (10, 11)}
"""Classes by Hubble stage, both ends included."""


def efigi_cubes(data: Path, out: Path, size: int, seed: int) -> None:
    """Import EFIGI with its three classes and split it, a galaxy's pictures together."""
    labels = pd.read_csv(data / "labels.csv")
    rows = labels[(labels["source"] == "efigi") & labels["t_type"].notna()].copy()
    rows["label"] = None
    for name, (first, last) in STAGES.items():
        rows.loc[rows["t_type"].between(first, last), "label"] = name
    rows["path"] = [str((data / place).resolve()) for place in rows["path"]]
    rows[["path", "label", "group"]].to_csv(out / "galaxies.csv", index=False)
    print(import_cube(out / "galaxies.csv", out / "all.fits", size=size))
    print(split_cube(out / "all.fits", out / "data", group_column="group", seed=seed).describe())


def main() -> None:
    """Make the data, sweep, compare and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--efigi", type=Path, help="Folder with labels.csv and the pictures that it names.")
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--size", type=int, default=SIZE, help="Pixels of a side.")
    parser.add_argument("--data-only", action="store_true", help="Make the cubes, for a sweep of another kind.")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    keep_freed_memory()
    given.out.mkdir(parents=True, exist_ok=True)
    data = given.out / "data"
    if not data.exists():
        if given.efigi is not None:
            efigi_cubes(given.efigi, given.out, given.size, given.seed)
        else:
            print(synth(data, count=given.count, size=given.size, seed=given.seed).describe())
    if given.data_only:
        return
    console = Console()
    runs = sweep(
        data,
        networks=NETWORKS,
        seeds=(0, 1, 2),
        recipe="modern",
        epochs=given.epochs,
        eight_views=True,
        out=given.out / "runs",
        watcher_for=lambda: PlainLines(console),
        say=print,
    )
    comparison = compare(runs, out=given.out / "comparison", overwrite=True)
    print_comparison(comparison, console)
    for lang in LANGUAGES:
        print(write_report(comparison, given.out / f"report_{lang}.html", lang=lang, overwrite=True))


if __name__ == "__main__":
    main()
