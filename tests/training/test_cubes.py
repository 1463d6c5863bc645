"""What the two cubes of a training must agree in, and what it says of their classes."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kamerton.config.pictures import Framing, PixelOrigin
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import (
    CubeError,
    KamertonError,
)
from kamerton.runs.folder import open_run
from kamerton.training.cubes import shared_class_names, warn_of_training_classes
from kamerton.training.train import train
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube
from tests.training.toys import IMAGES, LABELS, folder_of, nothing_is_left


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


ASINH = PixelOrigin("asinh", ("g", "r", "z"), 8.0)

WHOLE = Framing((64, 64), (64, 64), 16)


def test_the_run_records_how_the_pixels_came_to_be(tmp_path: Path) -> None:
    cube: dict[str, Any] = {"origin": ASINH}
    run = train(folder_of(tmp_path / "data", cube, cube), network="lenet5", epochs=1, out=tmp_path / "run")
    assert open_run(run.path).record.pixel_origin == ASINH


@pytest.mark.parametrize(("one", "other"), [(None, ASINH), (ASINH, None), (None, None)])
def test_how_the_pixels_came_to_be_is_not_known_where_a_cube_does_not_say(tmp_path: Path, one: Any, other: Any) -> None:
    data = folder_of(tmp_path / "data", {"origin": one}, {"origin": other})
    assert train(data, network="lenet5", epochs=1, out=tmp_path / "run").record.pixel_origin is None


def test_pixels_that_came_to_be_in_two_ways_are_refused(tmp_path: Path, here: Path) -> None:
    other = dataclasses.replace(ASINH, bands=("g", "r", "i"))
    data = folder_of(tmp_path / "data", {"origin": ASINH}, {"origin": other})
    with pytest.raises(CubeError, match=r"valid\.fits: its pixels.*bands g, r, i, .* beside bands g, r, z, "):
        train(data, network="lenet5", epochs=1)
    assert nothing_is_left(here)


def test_cubes_that_were_cropped_in_two_ways_are_refused(tmp_path: Path, here: Path) -> None:
    origins = [PixelOrigin("none", framing=each) for each in (WHOLE, Framing((64, 64), (32, 32), 16))]
    data = folder_of(tmp_path / "data", *({"origin": origin} for origin in origins))
    with pytest.raises(CubeError, match=r"valid\.fits: its images show another part.*central 32 of 64.* all 64 pixels"):
        train(data, network="lenet5", epochs=1)
    assert nothing_is_left(here)


@pytest.mark.parametrize(("other", "recorded"), [(WHOLE, WHOLE), (None, None), (Framing((32, 32), (32, 32), 16), None)])
def test_a_crop_that_is_not_known_of_both_is_said_and_not_recorded(
    tmp_path: Path, other: Framing | None, recorded: Framing | None
) -> None:
    origins = [PixelOrigin("none", framing=each) for each in (WHOLE, other)]
    data = folder_of(tmp_path / "data", *({"origin": origin} for origin in origins))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run = train(data, network="lenet5", epochs=1, out=tmp_path / "run")
    assert open_run(run.path).record.pixel_origin == PixelOrigin("none", framing=recorded)
    assert any("not known whether" in str(each.message) for each in said) == (recorded is None)


@pytest.mark.parametrize("split", ["train", "valid"])
@pytest.mark.parametrize(("pixel", "says"), [(np.nan, "has NaN or infinite"), (300.0, "has pixels outside 0 to 255")])
def test_bad_pixels_are_refused_with_the_galaxy_and_nothing_is_left(
    tmp_path: Path, here: Path, split: str, pixel: float, says: str
) -> None:
    floats_nhwc = IMAGES.astype(np.float32)
    floats_nhwc[7, 3, 3, 1] = pixel
    cubes: dict[str, dict[str, Any]] = {"train": {}, "valid": {}}
    cubes[split]["images_nhwc"] = floats_nhwc
    data = folder_of(tmp_path / "data", cubes["train"], cubes["valid"])
    with pytest.raises(CubeError, match=rf"{split}\.fits HDU 0: image 7 {says}"):
        train(data, network="lenet5", recipe="notebook", epochs=1, notebook_paths=True)
    assert nothing_is_left(here)


@pytest.mark.parametrize(
    ("train_cube", "valid_cube", "says"),
    [
        ({}, {"class_names": ("dim", "bright", "striped")}, r"valid\.fits: class names differ"),
        ({}, {"class_names": (*CLASS_NAMES, "new")}, r"valid\.fits: class names differ"),
        ({}, {"class_names": (), "labels": LABELS + 1}, "label 3 with 3 class names"),
        ({"class_names": (), "labels": LABELS + 1}, {}, "label 3 with 3 class names"),
        ({}, {"images_nhwc": toy_galaxies(9, 20, seed=1)[0]}, r"another shape.*\(20, 20, 3\) beside \(16, 16, 3\)"),
        ({}, {"images_nhwc": IMAGES[..., :1]}, r"another shape.*\(16, 16, 1\) beside \(16, 16, 3\)"),
        ({"labels": LABELS * 0, "class_names": ("all",)}, {"labels": LABELS * 0, "class_names": ("all",)}, "2 classes"),
    ],
)
def test_cubes_that_do_not_belong_together_are_refused(
    tmp_path: Path, here: Path, train_cube: dict[str, Any], valid_cube: dict[str, Any], says: str
) -> None:
    data = folder_of(tmp_path / "data", train_cube, valid_cube)
    with pytest.raises(KamertonError, match=says):
        train(data, network="lenet5", epochs=1)
    assert nothing_is_left(here)


@pytest.mark.parametrize("unnamed", ["train", "valid"])
def test_one_cube_with_class_names_names_them_for_both(tmp_path: Path, unnamed: str) -> None:
    cubes: dict[str, dict[str, Any]] = {"train": {}, "valid": {}}
    cubes[unnamed]["class_names"] = ()
    data = folder_of(tmp_path / "data", cubes["train"], cubes["valid"])
    assert train(data, network="lenet5", epochs=1, out=tmp_path / "run").record.class_names == CLASS_NAMES


def test_cubes_without_class_names_get_plain_ones_for_every_label_of_either(tmp_path: Path) -> None:
    two_classes = {"labels": LABELS % 2, "class_names": ()}
    data = folder_of(tmp_path / "data", two_classes, {"class_names": ()})
    record = train(data, network="lenet5", epochs=1, out=tmp_path / "run").record
    assert record.class_names == ("class 0", "class 1", "class 2")
