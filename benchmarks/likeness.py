"""How often a galaxy is not known again by its picture, and how often another one is taken for it.

    python benchmarks/likeness.py ../shared/data --every 4

DATA holds labels.csv (path, group) and the pictures that it names; rows of one group show the same galaxy. Every
picture is changed in each way and looked for among all pictures as they were: a miss is one that is not found. Then all
pictures are held against each other: a false alarm is a pair of two galaxies, and the pairs nearest to one are listed,
to be looked at, for a pair that no group names may be one galaxy all the same. About five minutes on a free core.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from kamerton.data.likeness import ALIKE, AlikePair, alike_pairs, picture_features
from kamerton.data.marks import FEATURE_BYTES, Features

ONE_GALAXY = {("PGC0038950", "gama-7_a-0_1"), ("287335", "decals-7_a-1_0")}
"""Pairs that no group names and the eye does: one galaxy, photographed by two surveys, the second at two scales."""

SHIFT = 2
LISTED = 0.4
TEST_SHARE = 0.2

Change = Callable[[Image.Image], Image.Image]


def smaller(picture: Image.Image) -> Image.Image:
    """Resize 256 pixels to 64, and EFIGI's 88 to 67."""
    side = 64 if picture.width > 100 else 67
    return picture.resize((side, side), Image.Resampling.LANCZOS)


def encoded(picture: Image.Image) -> Image.Image:
    """Encode anew as JPEG of quality 70."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=70)
    return Image.open(file).convert("RGB")


def turned(picture: Image.Image) -> Image.Image:
    """Turn by 90 degrees."""
    return picture.transpose(Image.Transpose.ROTATE_90)


def mirrored(picture: Image.Image) -> Image.Image:
    """Mirror left and right."""
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def shifted(picture: Image.Image) -> Image.Image:
    """Shift along both axes, the edge repeated."""
    padded = np.pad(np.asarray(picture), ((SHIFT, 0), (SHIFT, 0), (0, 0)), "edge")
    return Image.fromarray(padded[: picture.height, : picture.width])


CHANGES: dict[str, tuple[Change, ...]] = {
    "resized (256 to 64, 88 to 67)": (smaller,),
    "JPEG quality 70": (encoded,),
    "turned by 90 degrees": (turned,),
    "mirrored": (mirrored,),
    "shifted by 2 px": (shifted,),
    "resized, JPEG 70": (smaller, encoded),
    "resized, shifted by 2 px": (smaller, shifted),
    "JPEG 70, resized, mirrored": (encoded, smaller, mirrored),
    "all five": (smaller, shifted, turned, mirrored, encoded),
}


def features_of(paths: list[Path], changes: tuple[Change, ...]) -> Features:
    """Reduce every picture, changed in one way."""
    features = np.zeros((len(paths), FEATURE_BYTES), np.int8)
    for row, path in enumerate(paths):
        with Image.open(path) as file:
            picture = file.convert("RGB")
        for change in changes:
            picture = change(picture)
        features[row] = picture_features(np.asarray(picture)[np.newaxis])[0]
    return features


def is_one_galaxy(pair: AlikePair, paths: list[Path], groups: np.ndarray) -> bool:
    """Tell whether a group or the eye says that two rows are one galaxy."""
    names = {paths[pair.first].stem, paths[pair.second].stem}
    return bool(groups[pair.first] == groups[pair.second]) or any(set(known) == names for known in ONE_GALAXY)


def main() -> None:
    """Print the table, and the pairs that are nearest to a false alarm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="look only for every so many pictures")
    given = parser.parse_args()
    labels = pd.read_csv(given.data / "labels.csv")
    paths = [given.data / place for place in labels["path"]]
    groups = labels["group"].to_numpy()
    known = features_of(paths, ())
    rows = np.arange(0, len(paths), given.every)
    print(f"{len(rows)} pictures looked for among {len(known)}, threshold {ALIKE}")
    print(f"{'changed':32} missed   lowest likeness   median")
    for name, changes in CHANGES.items():
        likeness = np.zeros(len(rows))
        changed = features_of([paths[row] for row in rows], changes)
        for pair in alike_pairs(changed, known, at_least=0.1):
            if pair.second == rows[pair.first]:
                likeness[pair.first] = pair.likeness
        missed = int((likeness < ALIKE).sum())
        print(f"{name:32} {missed:6}   {likeness.min():15.3f}   {np.median(likeness):6.3f}", flush=True)
    pairs = sorted(alike_pairs(known, at_least=LISTED), key=lambda pair: -pair.likeness)
    false = [pair for pair in pairs if not is_one_galaxy(pair, paths, groups)]
    alarms = [pair for pair in false if pair.likeness >= ALIKE]
    count = len(known) * (len(known) - 1) // 2
    print(f"false alarms: {len(alarms)} of {count} pairs of galaxies")
    rate = 2 * len(alarms) * TEST_SHARE * (1 - TEST_SHARE)
    print(f"in a test set of {TEST_SHARE:.0%} of these galaxies, the rest learned from: {rate:.2f} expected")
    print(f"pairs of likeness {LISTED} and more, which none but the eye can tell:")
    for pair in pairs:
        says = "one galaxy" if is_one_galaxy(pair, paths, groups) else "two galaxies"
        print(f"  {pair.likeness:.3f}  {paths[pair.first].name}  {paths[pair.second].name}  {says}")


if __name__ == "__main__":
    main()
