"""What the training and the validation cube must agree in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from kamerton.config.pictures import PixelOrigin
from kamerton.data.classes import warn_of_empty, warn_of_look_alikes, warn_of_missing
from kamerton.data.cubes.cube import LabelledCube
from kamerton.data.cubes.origin import framing_differs, framing_told, stretch_differs
from kamerton.data.identity import cube_marks, seen_again
from kamerton.data.marks import SURE, GalaxyMarks
from kamerton.errors import CubeError, UsageError, as_typed, warn

LEARNING_SPLITS = ("train", "valid")


def cube_paths(data: Path) -> list[Path]:
    """Name the training and the validation cube of a folder; UsageError, with what to give instead, for a file."""
    if data.is_file():
        beside = data.parent
        ready = all((beside / f"{name}.fits").exists() for name in LEARNING_SPLITS)
        raise UsageError(
            f"{data}: a training needs the folder of its cubes",
            received="one file",
            allowed="a folder with train.fits and valid.fits",
            next_step=f"give {beside}"
            if ready
            else f"part it with `kamerton data split {as_typed(data)} data`, and give data",
        )
    return [data / f"{name}.fits" for name in LEARNING_SPLITS]


def shared_class_names(train_cube: LabelledCube, valid_cube: LabelledCube) -> tuple[str, ...]:
    """Take the class names of both cubes, which must agree, and check that their images have one shape."""
    if train_cube.image_shape != valid_cube.image_shape:
        raise CubeError(
            f"{valid_cube.where()}: images have another shape than those of {train_cube.path}",
            received=f"{valid_cube.image_shape} beside {train_cube.image_shape}",
            next_step="make both cubes with one `kamerton data split`",
        )
    longer = max((train_cube.class_names, valid_cube.class_names), key=len)
    named = [cube.class_names for cube in (train_cube, valid_cube) if cube.has_class_names]
    if len(set(named)) > 1:
        raise CubeError(
            f"{valid_cube.path}: class names differ from those of {train_cube.path}",
            received=f"{valid_cube.class_names} beside {train_cube.class_names}",
            next_step="make both cubes with one `kamerton data split`",
        )
    names = named[0] if named else longer
    if len(longer) > len(names):
        raise CubeError(
            f"{train_cube.path}, {valid_cube.path}: a label is beyond the class names of the other cube",
            received=f"label {len(longer) - 1} with {len(names)} class names",
            next_step="correct the label or name every class",
        )
    if len(names) < 2:
        raise UsageError(
            f"{train_cube.path}: a network needs classes to tell apart",
            received=f"{names}",
            allowed="2 classes or more",
        )
    return names


def warn_of_training_classes(train_cube: LabelledCube, valid_cube: LabelledCube, names: tuple[str, ...]) -> None:
    """Warn of classes that no galaxy of the training set has, and of names that look alike."""
    cubes = {"train": train_cube, "valid": valid_cube}
    counts = {
        split: dict(zip(names, np.bincount(cube.labels, minlength=len(names)).tolist(), strict=True))
        for split, cube in cubes.items()
    }
    where = str(train_cube.path)
    warn_of_missing(where, counts)
    warn_of_empty(where, {name: counts["train"][name] + counts["valid"][name] for name in names})
    warn_of_look_alikes(where, names)


def shared_origin(train_cube: LabelledCube, valid_cube: LabelledCube) -> PixelOrigin | None:
    """Take how the pixels of both cubes came to be; CubeError where they differ, None where one does not say.

    What they show of their pictures is part of that, and where it is not known whether it differs, it is said.
    """
    origins = train_cube.origin, valid_cube.origin
    if stretch_differs(*origins):
        raise CubeError(
            f"{valid_cube.path}: its pixels came to be in another way than those of {train_cube.path}",
            received=f"{origins[1]}, beside {origins[0]}",
            next_step="import both with the same bands and stretch, or make both with one `kamerton data split`",
        )
    differs = framing_differs(*origins)
    if differs:
        raise CubeError(
            f"{valid_cube.path}: its images show another part of their pictures than those of {train_cube.path}",
            received=f"{framing_told(origins[1])}, beside {framing_told(origins[0])}",
            next_step="import both with the same --crop, or make both with one `kamerton data split`",
        )
    if differs is None:
        warn(
            f"{valid_cube.path}: not known whether its images show as much of the sky as those of {train_cube.path}",
            received=f"{framing_told(origins[1])}, beside {framing_told(origins[0])}",
            next_step="see that an image spans as many arcsec in both, or make both with one `kamerton data split`",
        )
    learned, other = origins
    if learned is None or other is None:
        return None
    known = other if learned.method == "unknown" else learned
    return replace(known, framing=None if differs is None else learned.framing)


def warn_of_seen_validation(valid_cube: LabelledCube, seen: Mapping[str, GalaxyMarks]) -> None:
    """Say where weights to begin with have learned from galaxies that are to choose the weights of the training.

    ``seen`` holds what those weights have seen, by split; galaxies that they were validated on are no less fit for it.
    """
    learned = [marks for split, marks in seen.items() if split.endswith("train")]
    if not learned:
        return
    galaxies = cube_marks(valid_cube)
    again = np.zeros(len(galaxies), bool)
    for marks in learned:
        found = seen_again(galaxies, marks, valid_cube.watcher)
        again |= np.any([found[check] for check in SURE], axis=0)
    if again.any():
        warn(
            f"{valid_cube.path}: the weights to begin with have learned from some of its galaxies",
            received=f"{again.sum()} of {len(galaxies)}, so that validation flatters",
            next_step="begin with other weights, or split as their training did",
        )
