"""Why a network calls real galaxies spirals, mergers and edge-on disks, and what such maps are worth.

    python benchmarks/why.py ../shared/data results/why

DATA holds labels.csv (path, galaxy10, source, group) and the pictures that it names. Galaxies of SDSS, DECaLS and GAMA,
in four classes of Galaxy10's, are split by group: half to train on, a tenth to validate, the rest to calibrate and to
explain. One network learns them at 96 pixels. Then each way to make maps is tried on the validation galaxies, and the
rule is: the one that is better than a Gaussian in the middle by the most becomes `explain`'s default, if its interval
lies above 0. Only then each gets its receipt, from 40 galaxies of SDSS in the test set, whose pictures may be shown;
and `explain` makes the galleries of docs/why.md, which ``--pictures docs/pictures`` writes anew, smaller.

What is done is kept in OUT, and not done again. Integrated gradients need captum. About an hour on a free core.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from rich.console import Console

import kamerton
from kamerton.catalogue.requests import open_sources
from kamerton.config.answers import ExplainMethod, ExplainSettings
from kamerton.explaining import layers
from kamerton.explaining.deleting import centred_gaussian, hanging
from kamerton.explaining.galaxies import answer_all, list_galaxies
from kamerton.explaining.receipt import mean_of
from kamerton.explaining.sky import sky_like
from kamerton.explaining.way import ChosenGalaxies, Way
from kamerton.files import write_json
from kamerton.progress import watcher_for
from kamerton.runs.folder import Run, is_run, open_run

CLASSES = {"Smooth": (2, 3, 4), "Spiral": (5, 6, 7), "Edge-on": (8, 9), "Merger": (1,)}
"""By their numbers in Galaxy10."""

SDSS = ("gz2_levignatev", "kaggle_gz_votes", "zooniverse_examples_sloan")
OTHERS = ("galaxy10_decals", "zooniverse_examples_decals", "zooniverse_examples_gama")
"""Of one scale, about: a galaxy in the middle of 256 pixels."""

SIZE, EPOCHS = 96, 30

MAPS: dict[str, tuple[ExplainMethod, int]] = {
    "HiResCAM": ("hirescam", 2),
    "HiResCAM, 4 cells or more": ("hirescam", 4),
    "HiResCAM, 7 cells or more": ("hirescam", 7),
    "Grad-CAM": ("gradcam", 2),
    "occlusion": ("occlusion", 2),
    "integrated gradients": ("integrated", 2),
}
"""How maps are made, and of the last layer with how many cells along a side."""

GAUSSIAN = "a Gaussian in the middle"

SHOWN = {"gallery_spiral": "spiral", "gallery_merger": "merger", "gallery_edge_on": "edge_on", "receipt": "receipt"}
"""Pictures of docs/why.md, by their names in the folder of `explain`."""

PICTURE_WIDTH, PICTURE_QUALITY = 900, 80


def make_cubes(data: Path, out: Path) -> None:
    """Split the galaxies of these classes into cubes, and take those of SDSS from the last one."""
    table = pd.read_csv(data / "labels.csv")
    names = {number: name for name, numbers in CLASSES.items() for number in numbers}
    chosen = table[table["source"].isin((*SDSS, *OTHERS)) & table["galaxy10"].isin(names)]
    listed = pd.DataFrame(
        {
            "path": [str((data / path).resolve()) for path in chosen["path"]],
            "id": [Path(path).stem for path in chosen["path"]],
            "label": chosen["galaxy10"].astype(int).map(names),
            "group": chosen["group"],
            "source": chosen["source"],
        }
    ).drop_duplicates("id")
    listed.to_csv(out / "galaxies.csv", index=False)
    kamerton.import_cube(out / "galaxies.csv", out / "galaxies.fits", size=SIZE, classes=tuple(CLASSES), skip_bad=True)
    kamerton.split_cube(out / "galaxies.fits", out / "learn", fractions=(0.5, 0.1, 0.4), group_column="group")
    kamerton.split_cube(out / "learn/test.fits", out / "held", fractions=(0.4, 0.1, 0.5), group_column="group")
    with kamerton.open_cube(out / "held/test.fits") as cube:
        shown = listed[listed["id"].isin(cube.ids) & listed["source"].isin(SDSS)]
    shown.to_csv(out / "shown.csv", index=False)
    kamerton.import_cube(out / "shown.csv", out / "shown.fits", size=SIZE, classes=tuple(CLASSES), skip_bad=True)


@contextmanager
def way_of(run: Run, method: ExplainMethod, cells: int) -> Iterator[Way]:
    """Explain by the last layer with so many cells, while it lasts."""
    usual, layers.FEWEST_CELLS = layers.FEWEST_CELLS, cells
    try:
        yield Way.of(run, ExplainSettings(method=method), watcher_for(Console(stderr=True)))
    finally:
        layers.FEWEST_CELLS = usual


def all_galaxies(way: Way, cube: Path) -> ChosenGalaxies:
    """Read a whole cube."""
    with open_sources(way.run, [cube], ExplainSettings.path_column) as (source,):
        listed = list_galaxies(way.run, source, None, ExplainSettings.label_column)
        answered = answer_all(way.predictor, way.certainty, source, listed, way.watcher)
        return ChosenGalaxies.read(source, listed, answered, list(range(len(listed.rows))), None)


def scores(way: Way, galaxies: ChosenGalaxies, name: str) -> list[float]:
    """Give insertion less deletion, galaxy by galaxy, of a way's maps, or of the Gaussian."""
    trial = way.trial(galaxies, len(galaxies))
    found: list[float] = []
    with way.watcher.task(f"{name}: deletion and insertion", len(galaxies), "galaxies") as advance:
        for images_nchw, classes in trial.batches(len(galaxies)):
            is_gaussian = name == GAUSSIAN
            subject = trial.subject
            maps = centred_gaussian(images_nchw[:, 0]) if is_gaussian else trial.maps(subject, images_nchw, classes)
            found += hanging(subject, images_nchw, classes, maps, sky_like(images_nchw)).scores.tolist()
            advance(len(images_nchw))
    return found


def kept_scores(run: Run, cube: Path, out: Path, name: str) -> list[float]:
    """Give them as they were kept, or compute and keep them."""
    method, cells = MAPS.get(name, ("hirescam", 2))
    kept = out / f"valid-{name.replace(' ', '-')}.json"
    if not kept.exists():
        with way_of(run, method, cells) as way:
            write_json(kept, scores(way, all_galaxies(way, cube), name))
    found: list[float] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def choose(run: Run, cube: Path, out: Path) -> None:
    """Print what the rule chooses from, and what it chooses."""
    print("| maps, on validation galaxies | better than the Gaussian by |\n|---|---|")
    best, largest = "HiResCAM", 0.0
    gaussian = np.array(kept_scores(run, cube, out, GAUSSIAN))
    for name in MAPS:
        better_by = mean_of(np.array(kept_scores(run, cube, out, name)) - gaussian)
        print(f"| {name} | {interval(vars(better_by))} |", flush=True)
        if better_by.low > 0 and better_by.value > largest:
            best, largest = name, better_by.value
    print(f"\n{len(gaussian)} galaxies; by the rule the default is {best}.\n", flush=True)


def receipts(run: Run, cube: Path, out: Path) -> None:
    """Print what each kind of maps is worth on test galaxies."""
    head = ("maps", "layer", "deletion", "insertion", "better than the Gaussian by", "than noise by")
    head = (*head, "random weights agree", "turned", "core")
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    last = {name: method for name, (method, cells) in MAPS.items() if cells == layers.FEWEST_CELLS}
    for name, method in last.items():
        kept = out / f"test-{name.replace(' ', '-')}.json"
        if not kept.exists():
            start = time.process_time()
            with way_of(run, method, layers.FEWEST_CELLS) as way:
                receipt = way.receipt(all_galaxies(way, cube))
                spent = {"layer": way.layer_name, "processor_seconds": time.process_time() - start}
                write_json(kept, {**spent, **receipt.as_json()})
        told = json.loads(kept.read_text(encoding="utf-8"))
        print_row(name, told)
    for name in ("gaussian", "random"):
        print(f"| {name} | | {interval(told[name]['deleted'])} | {interval(told[name]['inserted'])} | | | | | |")
    print(f"\n{told['galaxies']} galaxies.\n", flush=True)


def interval(found: dict[str, Any]) -> str:
    """Write a value with its interval."""
    return "{value:+.3f} ({low:+.3f} to {high:+.3f})".format_map(found)


def print_row(name: str, told: dict[str, Any]) -> None:
    """Print a row of the table of receipts."""
    cells = (
        name,
        told["layer"] or "pixels",
        *(interval(told["map"][kind]) for kind in ("deleted", "inserted")),
        *(interval(told[rival]["better_by"]) for rival in ("gaussian", "random")),
        f"{interval(told['cascade'][-1]['agreement'])}, {told['galaxies_randomised']}",
        f"{interval(told['turned'])}, {told['galaxies_turned']}",
        f"{told['processor_seconds']:.0f} s",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


def write_pictures(folder: Path, pictures: Path) -> None:
    """Write the pictures of docs/why.md, smaller."""
    for name, short in SHOWN.items():
        with Image.open(folder / f"{name}.png") as picture:
            height = round(picture.height * PICTURE_WIDTH / picture.width)
            small = picture.convert("RGB").resize((PICTURE_WIDTH, height), Image.Resampling.LANCZOS)
            small.save(pictures / f"why_{short}.jpg", quality=PICTURE_QUALITY)


def main() -> None:
    """Train, choose, print the tables, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--network", default="resnet18")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--count", type=int, default=4)
    given = parser.parse_args()
    if importlib.util.find_spec("captum") is None:
        parser.error("integrated gradients need captum: pip install captum")
    out: Path = given.out
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "shown.fits").exists():
        make_cubes(given.data, out)
    run, shown = out / given.network, out / "shown.fits"
    if not is_run(run):
        kamerton.train(out / "learn", network=given.network, epochs=EPOCHS, batch_size=32, out=run)
        kamerton.calibrate(run, out / "held/train.fits")
    if not (run / "evaluation").exists():
        kamerton.evaluate(run, out / "held/test.fits")
    choose(open_run(run), out / "learn/valid.fits", out)
    receipts(open_run(run), shown, out)
    folder = out / f"{given.network}-explained"
    if not folder.exists():
        start, clock = time.process_time(), time.monotonic()
        found = kamerton.explain(run, shown, out=folder, count=given.count, watcher=watcher_for(Console(stderr=True)))
        spent = f"{time.process_time() - start:.0f} s of a core, {time.monotonic() - clock:.0f} s by the clock"
        print(*found.describe(), spent, sep="\n", flush=True)
    if given.pictures is not None:
        write_pictures(folder, given.pictures)


if __name__ == "__main__":
    main()
