"""What a few labels are worth: accuracy against the number of labelled galaxies, from scratch and from each start.

    python benchmarks/learning_curve.py ../shared/data results/curve
    python benchmarks/learning_curve.py ../shared/data results/curve --seeds 0,1,2 --ways scratch,probe,finetune

The galaxies, the split and the test set are those of benchmarks/real_galaxies.py, 64 px of the central 128. Of the
training galaxies the first 50, 100, 200, 500 and 1,000 in an order drawn by the seed are labelled; it begins with one
of each class, for nobody trains a network for a class of which there is none. All trainings of one way have epochs in
inverse proportion to the root of the labels, and end with their last: of few labels the validation loss is the best
where next to nothing is learned. Only the strength of a probe's penalty is chosen, by the 271 validation galaxies, so
that there the fewest labels are really more; for the others they decide nothing.

Rows go to OUT/rows.csv as they come; a run that was stopped goes on after the last whole one. At the end stand the
table and OUT/learning_curve.png.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from astropy.table import Table
from real_galaxies import write_list

import kamerton
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.figures.comparing import looks
from kamerton.figures.drawing import new_figure, save_figure
from kamerton.machine.memory import keep_freed_memory
from kamerton.recipes import load_recipe

COUNTS = (50, 100, 200, 500, 1000)

SIZE, CROP = 64, 128

LOOKED_AT = 32

COLUMNS = ("way", "labels", "seed", "accuracy", "balanced", "log_loss", "seconds")


class Way(NamedTuple):
    """How a network comes to what it knows."""

    title: str
    network: str
    recipe: str
    start: str | None = None
    freeze: bool = False
    epochs: int | None = None
    """With all labels; absent: as the recipe says, whatever their number."""


STAGES = "efficientnet_lite0_stages"

WAYS = {
    "scratch": Way("ResNet-18 from scratch", "resnet18", "modern", epochs=20),
    "probe": Way("Lite0 of ImageNet, frozen", STAGES, "finetune", f"{STAGES}.imagenet", freeze=True),
    "finetune": Way("Lite0 of ImageNet, fine-tuned", STAGES, "finetune", f"{STAGES}.imagenet", epochs=12),
}


def make_data(data: Path, out: Path) -> None:
    """Write the cubes that all ways share."""
    write_list(data, out / "galaxies.csv")
    kamerton.import_cube(out / "galaxies.csv", out / "all.fits", size=SIZE, crop=CROP)
    kamerton.split_cube(out / "all.fits", out / "split", group_column="group")
    (out / "all.fits").unlink()


def write_first(source: LabelledCube, places: np.ndarray, path: Path) -> None:
    """Write these galaxies as a cube."""
    with CubeWriter(path, image_shape=source.image_shape, dtype=source.dtype, class_names=source.class_names) as writer:
        writer.append(source.read(places))
        ids = [source.ids[place] for place in places]
        writer.finish(source.labels[places], Table({"id": ids}), origin=source.origin)


def drawn(labels: np.ndarray, seed: int) -> np.ndarray:
    """Draw an order of galaxies, of which the first are one of each class."""
    order = np.random.default_rng(seed).permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    return np.concatenate([order[first], np.delete(order, first)])


def learned(way: Way, count: int, seed: int, out: Path) -> dict[str, float]:
    """Train on the first ``count`` galaxies and test."""
    place = out / "now"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with open_cube(out / "split" / "train.fits") as source:
        # Sorted within each count, so that the order of reading is that of the file.
        write_first(source, np.sort(drawn(source.labels, seed)[:count]), place / "train.fits")
        everything = len(source)
    recipe = load_recipe(way.recipe, freeze=way.freeze)
    if way.epochs is None:
        (place / "valid.fits").symlink_to(out.resolve() / "split" / "valid.fits")
    else:
        # It decides nothing here, so few are looked at after each epoch.
        with open_cube(out / "split" / "valid.fits") as source:
            write_first(source, np.arange(LOOKED_AT), place / "valid.fits")
        epochs = round(way.epochs * (everything / count) ** 0.5)
        recipe = dataclasses.replace(recipe, epochs=epochs, weights_chosen_by="last epoch")
    begun = time.perf_counter()
    run = kamerton.train(
        place, network=way.network, recipe=recipe, start=way.start, freeze=way.freeze, seed=seed, out=place / "run"
    )
    seconds = time.perf_counter() - begun
    found = kamerton.evaluate(run, out / "split" / "test.fits", eight_views=True).metrics
    shutil.rmtree(place)
    return {
        "accuracy": found.accuracy,
        "balanced": found.balanced_accuracy,
        "log_loss": found.log_loss,
        "seconds": seconds,
    }


def learn_all(out: Path, ways: list[str], seeds: list[int]) -> pd.DataFrame:
    """Go through all ways, seeds and counts, but for those that have a row."""
    rows = out / "rows.csv"
    known = pd.read_csv(rows) if rows.exists() else pd.DataFrame(columns=COLUMNS)
    have = set(zip(known["way"], known["labels"], known["seed"], strict=True))
    with rows.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if not have:
            writer.writeheader()
        for seed in seeds:
            for count in COUNTS:
                for way in ways:
                    if (way, count, seed) not in have:
                        found = learned(WAYS[way], count, seed, out)
                        writer.writerow({"way": way, "labels": count, "seed": seed, **found})
                        file.flush()
                        print(f"{way}, {count} labels, seed {seed}: {found}", flush=True)
    return pd.read_csv(rows)


def print_table(rows: pd.DataFrame) -> None:
    """Print mean and spread over seeds."""
    for metric in ("accuracy", "balanced", "log_loss"):
        print(f"\n| {metric} | {' | '.join(map(str, COUNTS))} |\n|---|{'---|' * len(COUNTS)}")
        for way, some in rows.groupby("way", sort=False):
            cells = []
            for count in COUNTS:
                found = some[some["labels"] == count][metric]
                spread = f" ± {found.std(ddof=1):.3f}" if len(found) > 1 else ""
                cells.append(f"{found.mean():.3f}{spread}")
            print(f"| {WAYS[str(way)].title}, seeds: {some['seed'].nunique()} | {' | '.join(cells)} |")


def draw(rows: pd.DataFrame, path: Path) -> None:
    """Draw accuracy and balanced accuracy against the number of labels, each seed a point, their mean a line."""
    figure = new_figure(width=9, height=4)
    names = [WAYS[str(way)].title for way in rows["way"].unique()]
    for column, metric in enumerate(("accuracy", "balanced"), start=1):
        axes = figure.add_subplot(1, 2, column)
        for look, (_, some) in zip(looks(names), rows.groupby("way", sort=False), strict=True):
            mean = some.groupby("labels")[metric].mean()
            axes.plot(mean.index, mean, color=look.colour, marker=look.marker, label=look.name)
            axes.plot(some["labels"], some[metric], look.marker, color=look.colour, alpha=0.35, markersize=4)
        axes.set(xscale="log", xlabel="labelled galaxies", ylabel="accuracy" if column == 1 else "balanced accuracy")
        axes.set_xticks(COUNTS, labels=[f"{count:,}" for count in COUNTS])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=8)
    save_figure(figure, path)


def main() -> None:
    """Learn, print the table and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--ways", default=",".join(WAYS))
    given = parser.parse_args()
    keep_freed_memory()
    given.out.mkdir(parents=True, exist_ok=True)
    if not (given.out / "split").exists():
        make_data(given.data, given.out)
    rows = learn_all(given.out, given.ways.split(","), [int(seed) for seed in given.seeds.split(",")])
    print_table(rows)
    draw(rows, given.out / "learning_curve.png")


if __name__ == "__main__":
    main()
