"""Why a network calls real galaxies spirals, mergers and edge-on disks, and what such maps are worth.

    python benchmarks/why.py ../shared/data results/why

DATA holds labels.csv (path, galaxy10, source, group) and the pictures that it names. Galaxies of SDSS and DECaLS, in
four classes of Galaxy10's, are split by group: half to train on, a tenth to validate, the rest to calibrate and to
explain. One network learns them at 96 pixels, and `explain` shows the pictures of docs/why.md, which ``--pictures
docs/pictures`` writes anew, smaller. Then it prints the receipts of each method, and of earlier layers, which have
more cells. About an hour on a free core.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd
from PIL import Image

import kamerton
from kamerton.config import ExplainMethod
from kamerton.explaining import layers
from kamerton.explaining.explain import Explanation
from kamerton.runs.folder import is_run

CLASSES = {"Smooth": (2, 3, 4), "Spiral": (5, 6, 7), "Edge-on": (8, 9), "Merger": (1,)}
"""By their numbers in Galaxy10."""

SOURCES = "gz2_levignatev|kaggle_gz_votes|galaxy10_decals|zooniverse_examples_(decals|sloan|gama)"
"""Of one scale, about: a galaxy in the middle of 256 pixels."""

SIZE, EPOCHS = 96, 30

METHODS: tuple[ExplainMethod, ...] = ("hirescam", "gradcam")

FEWEST_CELLS = (4, 7)
"""Whose layers are held against each other."""

SHOWN = {"gallery_spiral": "spiral", "gallery_merger": "merger", "gallery_edge_on": "edge_on", "receipt": "receipt"}
"""Pictures of docs/why.md, by their names in the folder of `explain`."""

PICTURE_WIDTH, PICTURE_QUALITY = 900, 80


def make_cubes(data: Path, out: Path) -> None:
    """Split the galaxies of these classes into cubes."""
    table = pd.read_csv(data / "labels.csv")
    names = {number: name for name, numbers in CLASSES.items() for number in numbers}
    chosen = table[table["source"].str.fullmatch(SOURCES) & table["galaxy10"].isin(names)]
    listed = pd.DataFrame(
        {
            "path": [str((data / path).resolve()) for path in chosen["path"]],
            "id": [Path(path).stem for path in chosen["path"]],
            "label": chosen["galaxy10"].astype(int).map(names),
            "group": chosen["group"],
        }
    ).drop_duplicates("id")
    listed.to_csv(out / "galaxies.csv", index=False)
    kamerton.import_cube(out / "galaxies.csv", out / "galaxies.fits", size=SIZE, classes=tuple(CLASSES), skip_bad=True)
    kamerton.split_cube(out / "galaxies.fits", out / "learn", fractions=(0.5, 0.1, 0.4), group_column="group")
    kamerton.split_cube(out / "learn/test.fits", out / "held", fractions=(0.4, 0.1, 0.5), group_column="group")


def interval(found: object) -> str:
    """Write a value with its interval."""
    value, low, high = (getattr(found, name) for name in ("value", "low", "high"))
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def print_row(name: str, found: Explanation, seconds: float) -> None:
    """Print a row of the table of receipts."""
    receipt = found.receipt
    cells = (
        name,
        found.layer or "pixels",
        interval(receipt.gaussian.better_by),
        interval(receipt.random.better_by),
        interval(receipt.cascade[-1].agreement),
        interval(receipt.turned),
        f"{seconds:.0f} s",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


def explained(run: Path, cube: Path, out: Path, **more: object) -> tuple[Explanation, float]:
    """Explain what tells the most of each class, unless that is there already, and time it."""
    start = time.monotonic()
    return kamerton.explain(run, cube, out=out, **more), time.monotonic() - start  # type: ignore[arg-type]


def main() -> None:
    """Train, explain, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--network", default="resnet18")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--count", type=int, default=4)
    given = parser.parse_args()
    out: Path = given.out
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "held").exists():
        make_cubes(given.data, out)
    run = out / given.network
    if not is_run(run):
        kamerton.train(out / "learn", network=given.network, epochs=EPOCHS, batch_size=32, out=run)
        kamerton.calibrate(run, out / "held/train.fits")
        kamerton.evaluate(run, out / "held/test.fits")
    cube = out / "held/test.fits"
    print("| maps | layer | better than the Gaussian by | than noise by | random weights agree | turned | time |")
    print("|---|---|---|---|---|---|---|")
    for method in METHODS:
        folder = out / f"{given.network}-{method}"
        print_row(method, *explained(run, cube, folder, method=method, count=given.count))
    for cells in FEWEST_CELLS:
        layers.FEWEST_CELLS = cells
        folder = out / f"{given.network}-{cells}"
        print_row(f"hirescam, {cells} cells or more", *explained(run, cube, folder, count=given.count))
    if given.pictures is not None:
        for name, short in SHOWN.items():
            with Image.open(out / f"{given.network}-hirescam" / f"{name}.png") as picture:
                height = round(picture.height * PICTURE_WIDTH / picture.width)
                small = picture.convert("RGB").resize((PICTURE_WIDTH, height), Image.Resampling.LANCZOS)
                small.save(given.pictures / f"why_{short}.jpg", quality=PICTURE_QUALITY)


if __name__ == "__main__":
    main()
