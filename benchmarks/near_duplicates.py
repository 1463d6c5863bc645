"""Whether what a network sees tells that two pictures show one galaxy.

    python benchmarks/near_duplicates.py results/why/resnet18 results/why/galaxies.fits

RUN is a run folder, and CUBE a labelled cube with a column ``group``: equal values are one galaxy. Every galaxy is held
against a copy of its own (turned by any angle, mirrored, larger or smaller by a tenth, shifted by up to two pixels,
with noise) and against all others, once by the distance that `kamerton similar` uses and once by the likeness of
pictures that `kamerton labels` and `data check` use. A galaxy has a false alarm where a stranger is within the
threshold.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

import kamerton
from kamerton.arrays import Features, ImageHWC, ImagesNHWC
from kamerton.data.likeness import ALIKE, alike_pairs, picture_features
from kamerton.inference.predictor import Predictor
from kamerton.neighbours.nearest import directions, learn_middle

THRESHOLDS = (0.001, 0.01, 0.05, 0.1, 0.2)
"""Of 1 - cosine."""


def copied(image_hwc: ImageHWC, rng: np.random.Generator) -> ImageHWC:
    """Make another picture of the same galaxy."""
    angle, zoom, shift_px = rng.uniform(0, 2 * np.pi), rng.uniform(0.9, 1.1), rng.uniform(-2, 2, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
    middle = (np.array(image_hwc.shape[:2]) - 1) / 2
    planes = [
        ndimage.affine_transform(
            plane.astype(np.float64), turn, middle - turn @ (middle + shift_px), order=1, mode="reflect"
        )
        for plane in np.moveaxis(image_hwc, -1, 0)
    ]
    other = np.stack(planes, -1)[:, :: rng.choice([-1, 1])]
    noisy = other * rng.uniform(0.9, 1.1) + rng.normal(0, 3, other.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def seen(predictor: Predictor, images_nhwc: ImagesNHWC) -> Features:
    """See what the network sees."""
    parts = range(0, len(images_nhwc), 256)
    return np.concatenate([predictor.answers(images_nhwc[start : start + 256]).features for start in parts])


def main() -> None:
    """Print how many copies and how many strangers are near."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("cube", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with kamerton.open_cube(given.cube) as cube:
        images_nhwc, groups = cube.read(slice(None)), np.array([str(group) for group in cube.catalogue["group"]])
    rng = np.random.default_rng(0)
    copies_nhwc = np.stack([copied(image_hwc, rng) for image_hwc in images_nhwc])
    predictor = Predictor(kamerton.open_run(given.run))
    known, again = seen(predictor, images_nhwc), seen(predictor, copies_nhwc)
    space = learn_middle([known])
    galaxies, copies = directions(known, space), directions(again, space)
    apart = 1 - galaxies @ galaxies.T
    apart[groups[:, np.newaxis] == groups] = np.inf
    to_copy, stranger = 1 - (galaxies * copies).sum(1), apart.min(1)
    print(f"{len(galaxies)} galaxies; the copy is nearer than every stranger: {(to_copy < stranger).mean():.3f}")
    print("| by | threshold | copies found | galaxies with a false alarm |\n|---|---|---|---|")
    for threshold in THRESHOLDS:
        found, alarms = (to_copy <= threshold).mean(), (stranger <= threshold).mean()
        print(f"| features, 1 - cosine | {threshold} | {found:.3f} | {alarms:.3f} |")
    likeness = picture_features(images_nhwc), picture_features(copies_nhwc)
    found_pairs = {pair.first for pair in alike_pairs(*likeness) if pair.first == pair.second}
    alarmed = {
        row for pair in alike_pairs(likeness[0]) if groups[pair.first] != groups[pair.second] for row in pair[:2]
    }
    count = len(galaxies)
    print(f"| pictures, likeness | {ALIKE} | {len(found_pairs) / count:.3f} | {len(alarmed) / count:.3f} |")


if __name__ == "__main__":
    main()
