"""Whether the galaxies that a network sees as alike are alike, and how fast they are found among a million.

    python benchmarks/similar.py ../shared/data results/why

DATA and the run are those of benchmarks/why.py, which is asked to make cubes and to train where they are not there yet.
Each galaxy that the run has not seen is held against all the others of them, those of its own group left out: of the 10
nearest, how many are of its class? Beside it the same for the pixels, scaled down and standardised, and chance. Then a
million galaxies with 128 random numbers are searched, in memory and, with ``--disk``, in a catalogue.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import why

import kamerton
from kamerton.arrays import Features, Labels
from kamerton.catalogue.columns import FEATURES_COLUMN, ID, Column, Header, arrow_schema
from kamerton.catalogue.readers import open_catalogue
from kamerton.catalogue.writers.parquet_file import parquet_rows
from kamerton.data.cubes.cube import open_cube
from kamerton.inference.predictor import Predictor
from kamerton.neighbours.nearest import directions, learn_middle, nearest
from kamerton.neighbours.similar import similar
from kamerton.runs.folder import is_run

NEIGHBOURS = 10
MILLION, AXES = 1_000_000, 128
REPEATS = 5

PIXEL_SIDES = (8, 16, 32)
"""To which pictures are scaled down; the best of them is the rival."""


def shares(labels: Labels, groups: list[str], points: Features, *, cosine: bool) -> np.ndarray:
    """Share of the nearest that are of a galaxy's own class (n,), those of its group left out."""
    points = directions(points, None) if cosine else points
    squared = np.square(points).sum(1)
    distances = squared[:, None] + squared - 2 * points @ points.T
    same = np.array(groups)[:, None] == np.array(groups)
    distances[same] = np.inf
    rows = np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS]
    return np.asarray((labels[rows] == labels[:, None]).mean(1))


def row(name: str, found: np.ndarray, labels: Labels, classes: int) -> str:
    """Write a row of the table: by class, their mean, and over all galaxies with its error."""
    by_class = [found[labels == number].mean() for number in range(classes)]
    error = found.std() / np.sqrt(len(found))
    cells = [
        name,
        *(f"{share:.3f}" for share in by_class),
        f"{np.mean(by_class):.3f}",
        f"{found.mean():.3f} ± {error:.3f}",
    ]
    return f"| {' | '.join(cells)} |"


def precision(run: Path, cube: Path) -> None:
    """Print how many of the nearest galaxies are of the same class."""
    with open_cube(cube) as galaxies:
        labels, names = galaxies.labels, galaxies.class_names
        groups = [str(group) or str(number) for number, group in enumerate(galaxies.catalogue["group"])]
        images_nhwc = galaxies.read(slice(None))
    start = time.monotonic()
    features = Predictor(run).answers(images_nhwc).features
    seconds = time.monotonic() - start
    counts = np.bincount(labels, minlength=len(names))
    print(f"\n{len(labels)} galaxies: {', '.join(f'{n} {c}' for n, c in zip(names, counts, strict=True))}")
    print(f"features of {features.shape[1]} numbers in {seconds:.1f} s\n")
    print(f"| precision at {NEIGHBOURS} | {' | '.join(names)} | mean of classes | all galaxies |")
    print("|---|" + "---|" * (len(names) + 2))
    middle = learn_middle([features])
    kinds = {
        "features from the middle, each by its spread, cosine (`similar`)": (middle.points(features), True),
        "the same, Euclid": (middle.points(features), False),
        "features as they are, cosine": (features, True),
        "the same, Euclid ": (features, False),
    }
    for side in PIXEL_SIDES:
        images_nchw = torch.from_numpy(images_nhwc).permute(0, 3, 1, 2).float()
        small = torch.nn.functional.interpolate(images_nchw, (side, side), mode="area").flatten(1).numpy()
        points = np.asarray((small - small.mean(0)) / small.std(0), np.float32)
        kinds |= {f"pixels, {side} x {side}, cosine": (points, True), f"the same {side}, Euclid": (points, False)}
    for name, (points, cosine) in kinds.items():
        print(row(name, shares(labels, groups, points, cosine=cosine), labels, len(names)))
    chance = ((counts - 1) / (len(labels) - 1))[labels]
    print(row("chance", chance, labels, len(names)))


def million() -> Iterator[Features]:
    """Give random features in the blocks of a catalogue."""
    rng = np.random.default_rng(0)
    for start in range(0, MILLION, 1 << 16):
        yield rng.standard_normal((min(1 << 16, MILLION - start), AXES), np.float32)


def speed() -> None:
    """Print how long a search among a million takes, in memory: by the clock, and of processor time."""
    blocks = list(million())
    times: dict[str, list[tuple[float, float]]] = {"the middle of all": [], "the nearest 10": []}
    for _ in range(REPEATS):
        start = time.monotonic(), time.process_time()
        space = learn_middle(blocks)
        middle = time.monotonic(), time.process_time()
        found = nearest(directions(blocks[7][:1], space), blocks, NEIGHBOURS, space)
        end = time.monotonic(), time.process_time()
        times["the middle of all"].append((middle[0] - start[0], middle[1] - start[1]))
        times["the nearest 10"].append((end[0] - middle[0], end[1] - middle[1]))
        assert found.rows[0, 0] == 7 << 16
    print(f"\n{MILLION:,} galaxies of {AXES} numbers in memory, medians of {REPEATS}:")
    for name, both in times.items():
        clock, processor = np.median(both, axis=0)
        print(f"{name}: {clock:.2f} s, {processor:.2f} s of processor time")


def from_disk(out: Path) -> None:
    """Print how long it takes where the million is a catalogue."""
    import pyarrow as pa

    path = out / "million.parquet"
    if not path.exists():
        header = Header("random", (ID, Column(FEATURES_COLUMN, "float32", "random", length=AXES)))
        schema = arrow_schema(header.columns)
        with parquet_rows(path, header, MILLION) as writer:
            done = 0
            for block in million():
                ids = pa.array([f"galaxy-{number}" for number in range(done, done + len(block))])
                cells = pa.FixedSizeListArray.from_arrays(block.reshape(-1), AXES)
                writer.append(pa.table([ids, cells], schema=schema))
                done += len(block)
    for _ in range(REPEATS):
        start = time.monotonic()
        similar(path, "galaxy-458752")
        print(f"`similar` in a catalogue of {path.stat().st_size / 1e6:.0f} MB: {time.monotonic() - start:.1f} s")
    with open_catalogue(path) as catalogue:
        start = time.monotonic()
        for _ in catalogue.features():
            pass
        print(f"of which reading once: {time.monotonic() - start:.1f} s")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--network", default="resnet18")
    parser.add_argument("--disk", action="store_true")
    given = parser.parse_args()
    out: Path = given.out
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "held").exists():
        why.make_cubes(given.data, out)
    run = out / given.network
    if not is_run(run):
        kamerton.train(out / "learn", network=given.network, epochs=why.EPOCHS, batch_size=32, out=run)
    speed()
    if given.disk:
        from_disk(out)
    precision(run, out / "learn/test.fits")


if __name__ == "__main__":
    main()
