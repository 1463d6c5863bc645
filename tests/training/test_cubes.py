"""What a training says of the classes of its two cubes."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from kamerton.data.cubes.cube import open_cube
from kamerton.training.cubes import shared_class_names, warn_of_training_classes
from tests.conftest import write_cube


def said_of(tmp_path: Path, train: list[int], valid: list[int], names: tuple[str, ...]) -> list[str]:
    """Everything that a training on these labels would warn of."""
    paths = [
        write_cube(tmp_path / f"{split}.fits", np.zeros((len(labels), 8, 8, 3), np.uint8), labels, names)
        for split, labels in {"train": train, "valid": valid}.items()
    ]
    with open_cube(paths[0]) as one, open_cube(paths[1]) as two, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warn_of_training_classes(one, two, shared_class_names(one, two))
    return [str(warning.message) for warning in said]


def test_sound_classes_pass_without_a_word(tmp_path: Path) -> None:
    assert said_of(tmp_path, [0, 1], [1, 0], ("a", "b")) == []


def test_labels_that_count_from_1_are_said_to_cost_an_output(tmp_path: Path) -> None:
    (said,) = said_of(tmp_path, [1, 2], [2, 1], ())
    assert "an output for each of 3 classes, but there is no galaxy of 'class 0'; do the labels count from 1?" in said


def test_a_class_that_cannot_be_learned_is_said(tmp_path: Path) -> None:
    (said,) = said_of(tmp_path, [0, 1], [0, 1, 2], ("a", "b", "c"))
    assert "there is no galaxy of 'c' in train, so no network learns to tell them" in said


def test_a_class_that_is_not_tested_is_said(tmp_path: Path) -> None:
    (said,) = said_of(tmp_path, [0, 1], [0], ("a", "b"))
    assert "there is no galaxy of 'b' in valid" in said


def test_names_that_look_alike_are_said(tmp_path: Path) -> None:
    (said,) = said_of(tmp_path, [0, 1], [0, 1], ("Spiral", "spiral"))
    assert "'Spiral' and 'spiral' are 2 classes" in said
