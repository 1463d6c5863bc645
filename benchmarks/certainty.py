"""How sure a network is of real galaxies, before and after calibration, and of what is none.

    python benchmarks/certainty.py ../shared/data results/certainty

DATA holds labels.csv (path, t_type, source, group) and the pictures that it names. EFIGI's galaxies, in five classes
by their stage, are split by group: half to train on, a tenth to validate, the rest to calibrate and to test. The
outsiders are galaxies of other surveys, and what is no galaxy: real sky from the corners of other surveys' pictures,
the same with a star of a Gaussian, noise, and black. Each is told from the test's galaxies by the energy and by the
distance to the training galaxies: an area under the curve (AUROC) of 0.5 is chance, and one below it means that the
outsiders look more familiar than the galaxies. About five minutes on a free core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import kamerton
from kamerton.arrays import SquaresNHWC
from kamerton.certainty.drift import auc, drift
from kamerton.certainty.judging import FAR, NO_CLASS, UNCLEAR, Certainty, read_certainty
from kamerton.config.pictures import PictureSettings
from kamerton.data.pictures.picture import read_picture
from kamerton.evaluation.reliability import certainty_rows, set_rows
from kamerton.inference.predictor import Predictor
from kamerton.plurals import counted

CLASSES = {"Elliptical": -4, "Lenticular": 0, "Early spiral": 4, "Late spiral": 9, "Irregular": 12}
"""By the highest stage of each."""

SIDE = 88
MOST = 300
"""Outsiders of each kind."""

COVERAGE = 0.9


def stage_class(stage: float) -> str:
    """Name the class of a stage."""
    return next(name for name, highest in CLASSES.items() if stage <= highest)


def make_cubes(data: Path, out: Path) -> None:
    """Split EFIGI into the four cubes."""
    table = pd.read_csv(data / "labels.csv")
    efigi = table[(table["source"] == "efigi") & table["t_type"].notna()]
    listed = pd.DataFrame(
        {
            "path": [str((data / path).resolve()) for path in efigi["path"]],
            "label": efigi["t_type"].map(stage_class),
            "group": efigi["group"],
        }
    )
    listed.to_csv(out / "efigi.csv", index=False)
    kamerton.import_cube(out / "efigi.csv", out / "efigi.fits", classes=tuple(CLASSES))
    kamerton.split_cube(out / "efigi.fits", out / "learn", fractions=(0.5, 0.1, 0.4), group_column="group")
    kamerton.split_cube(out / "learn/test.fits", out / "held", fractions=(0.45, 0.1, 0.45), group_column="group")


def pictures(paths: list[Path]) -> SquaresNHWC:
    """Read pictures as EFIGI's are: the whole field at 88 pixels."""
    return np.stack([read_picture(path, PictureSettings(size=SIDE)).image_hwc for path in paths])


def sky(paths: list[Path]) -> SquaresNHWC:
    """Cut the corner of least light out of each picture of another survey, at its own scale."""
    found = []
    for path in paths:
        whole = np.asarray(Image.open(path).convert("RGB"))
        if min(whole.shape[:2]) > 2 * SIDE:
            corners = [
                whole[y, x] for y in (slice(SIDE), slice(-SIDE, None)) for x in (slice(SIDE), slice(-SIDE, None))
            ]
            found.append(min(corners, key=lambda corner: float(corner.max(2).astype(float).std())))
    return np.stack(found)


def stars(skies: SquaresNHWC) -> SquaresNHWC:
    """Put a star into the middle of each."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    lit = skies.astype(np.float64)
    for row in range(len(lit)):
        width, light = rng.uniform(1.2, 2.5), rng.uniform(100, 2000)
        star = light * np.exp(-0.5 * np.hypot(x, y) ** 2 / width**2)
        lit[row] += star[..., np.newaxis] * rng.uniform(0.7, 1.2, 3)
    return lit.clip(0, 255).astype(np.uint8)


def outsiders(data: Path) -> dict[str, SquaresNHWC]:
    """Gather what is not of EFIGI, by kind."""
    table = pd.read_csv(data / "labels.csv")
    others = {
        "Galaxy Zoo 2 (SDSS)": "gz2_levignatev",
        "Galaxy Zoo 1 (SDSS)": "gz1_eggochi",
        "Kaggle Galaxy Zoo (SDSS)": "kaggle_gz_votes",
        "DECaLS": "galaxy10_decals|zooniverse_examples_decals",
        "GAMA": "zooniverse_examples_gama",
    }
    found = {}
    for name, pattern in others.items():
        rows = table[table["source"].str.fullmatch(pattern)]
        found[name] = pictures([data / path for path in rows["path"][:MOST]])
    wide = table[table["source"].isin(["gz2_levignatev", "kaggle_gz_votes", "galaxy10_decals"])]
    found["blank sky"] = sky([data / path for path in wide["path"][:: max(1, len(wide) // MOST)]])
    found["a star on it"] = stars(found["blank sky"])
    rng = np.random.default_rng(0)
    found["noise"] = rng.integers(0, 256, (MOST, SIDE, SIDE, 3), np.uint8)
    found["black"] = np.zeros((50, SIDE, SIDE, 3), np.uint8)
    return found


def rows_of(row: tuple[str, ...]) -> str:
    """Write a row of a table in Markdown."""
    return f"| {' | '.join(row)} |"


def print_outsiders(run: Path, certainty: Certainty, data: Path, test: Path) -> None:
    """Print a row a kind of outsiders."""
    opened = kamerton.open_run(run)
    predictor = Predictor(opened)
    with kamerton.open_cube(test) as cube:
        images = {"EFIGI, the test": cube.read(slice(0, len(cube)))} | outsiders(data)
    print(
        rows_of(("what", "images", "AUROC energy", "AUROC distance", "far", "unclear", "no class", "drift"))
        + "\n|---|---|---|---|---|---|---|---|"
    )
    known: dict[str, np.ndarray] = {}
    for name, images_nhwc in images.items():
        answers = predictor.answers(images_nhwc)
        judged = certainty.judge(answers)
        scores = {"energy": judged.ood_energy.astype(float), "knn": judged.ood_knn.astype(float)}
        known = known or scores
        areas = ["–" if scores is known else f"{auc(scores[kind], known[kind]):.3f}" for kind in ("energy", "knn")]
        flags = [f"{float((judged.flags & bit > 0).mean()):.1%}" for bit in (FAR, UNCLEAR, NO_CLASS)]
        found = drift(opened, certainty, answers.features, images_nhwc)
        print(rows_of((name, str(len(images_nhwc)), *areas, *flags, counted(len(found.lines), "warning"))))


def main() -> None:
    """Train, calibrate, test, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--network", default="lenet5")
    parser.add_argument("--recipe", default="notebook")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=12)
    given = parser.parse_args()
    given.out.mkdir(parents=True)
    make_cubes(given.data, given.out)
    run = given.out / given.network
    kamerton.train(
        given.out / "learn",
        network=given.network,
        recipe=given.recipe,
        size=given.size,
        epochs=given.epochs,
        out=run,
    )
    print("\n".join(kamerton.calibrate(run, given.out / "held/train.fits", coverage=COVERAGE).describe()), end="\n\n")
    scores = kamerton.evaluate(run, given.out / "held/test.fits").metrics.certainty
    print("| probabilities | log loss | Brier score | ECE | smooth ECE |\n|---|---|---|---|---|")
    print("\n".join(map(rows_of, certainty_rows(scores))), end="\n\n")
    print("| class | galaxies | set holds it | classes in a set |\n|---|---|---|---|")
    print("\n".join(map(rows_of, set_rows(scores))), end="\n\n")
    certainty = read_certainty(run)
    assert certainty is not None
    print_outsiders(run, certainty, given.data, given.out / "held/test.fits")


if __name__ == "__main__":
    main()
