"""Labels become classes as they are meant; what may be meant otherwise is said or refused."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kamerton.data.cubes.cube import open_cube
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.importers import import_cube
from kamerton.data.importers.classes import Classes, classes_from_texts
from kamerton.errors import DataError, KamertonWarning, UsageError
from tests.data.importers.sources import imported, noise_images, save_pictures, write_cube, write_galaxy10, write_list


def classes_of(texts: Sequence[str], *wanted: str) -> Classes:
    return classes_from_texts("list.csv", "label", texts, wanted or None)


def said_of(source: Path, **options: Any) -> list[str]:
    """Everything that an import warns of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        imported(source, **options).close()
    return [str(warning.message) for warning in said]


def test_a_sound_list_passes_without_a_word(tmp_path: Path) -> None:
    assert said_of(write_list(tmp_path, ["early", "late"] * 3)) == []


def test_labels_that_count_from_1_are_said_to_make_an_output_too_many(tmp_path: Path) -> None:
    (said,) = said_of(write_list(tmp_path, [1, 2, 3] * 3))
    assert "an output for each of 4 classes, but there is no galaxy of 'class 0'; do the labels count from 1?" in said
    assert "--classes" in said


def test_names_make_labels_that_count_from_1_three_classes(tmp_path: Path) -> None:
    source = write_list(tmp_path, [1, 2, 3] * 3)
    assert said_of(source, classes=["early", "spiral", "late"]) == []
    with open_cube(tmp_path / "out.fits") as cube:
        assert (cube.class_names, cube.labels[:3].tolist()) == (("early", "spiral", "late"), [0, 1, 2])


def test_the_numbers_that_were_named_are_said(tmp_path: Path) -> None:
    summary = import_cube(write_list(tmp_path, [-6, 11, 0]), tmp_path / "out.fits", classes=["cE", "S0/a", "Im"])
    assert summary.describe().endswith("cE (label -6) 1; S0/a (label 0) 1; Im (label 11) 1")


@pytest.mark.parametrize(
    ("texts", "wanted", "labels"),
    [
        (["1", "2"], ("a", "b"), [0, 1]),
        (["-6", "11", "0"], ("a", "b", "c"), [0, 2, 1]),
        (["10.0", "2.0"], ("a", "b"), [1, 0]),
        (["0", "2"], ("a", "b", "c"), [0, 2]),
        (["1.000000e+00", "3.000000e+00"], ("a", "b"), [0, 1]),
    ],
)
def test_numbers_are_named_in_ascending_order(texts: list[str], wanted: tuple[str, ...], labels: list[int]) -> None:
    assert classes_of(texts, *wanted).labels.tolist() == labels


@pytest.mark.parametrize(
    ("texts", "wanted"), [(["1", "2"], "abc"), (["0", "1", "2"], "ab"), (["-1", "0"], "abc"), (["0", "5"], "abc")]
)
def test_names_that_may_belong_to_other_numbers_are_refused(texts: list[str], wanted: str) -> None:
    with pytest.raises(UsageError, match=r"names for [23] numbers"):
        classes_of(texts, *wanted)


@pytest.mark.parametrize("texts", [["0.1", "0.7"], ["1", "2.5"], ["1", "1e-3"], ["1", "2,5"], ["1", "nan"], ["", "1"]])
def test_numbers_that_are_no_class_index_are_refused(texts: list[str]) -> None:
    if "" in texts or "nan" in texts:
        texts = [text or "NA" for text in texts]
    with pytest.raises(DataError, match=r"list.csv row \d, counted from 0: 'label' is not a class index"):
        classes_of(texts)


@pytest.mark.parametrize(("texts", "what"), [(["spiral", "nan"], "'nan' is taken for a class"), (["3", "a"], "'3' is")])
def test_a_name_that_may_be_none_is_said(texts: list[str], what: str) -> None:
    with pytest.warns(KamertonWarning, match=what):
        classes_of(texts)


def test_names_get_the_order_that_is_asked_for() -> None:
    found = classes_of(["late", "early", "spiral"], "early", "spiral", "late")
    assert (found.names, found.labels.tolist()) == (("early", "spiral", "late"), [2, 0, 1])


def test_a_label_that_is_not_among_the_classes_is_named() -> None:
    with pytest.raises(UsageError, match=r"2 names of 3 among the labels that no class has\. Received: 'Early', 'irr'"):
        classes_of(["Early", "irr", "late"], "early", "late")


def test_numbers_as_names_of_folders_are_named_and_sorted_as_numbers(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["10/1.png", "2/1.png"])
    with imported(tmp_path / "set") as cube:
        assert cube.class_names == ("2", "10")
    with imported(tmp_path / "set", classes=["early", "late"], out="named.fits") as cube:
        assert (cube.class_names, cube.labels.tolist()) == (("early", "late"), [1, 0])


def test_identifiers_are_no_classes() -> None:
    with pytest.raises(DataError, match=r"too many classes\. Received: 1001 different labels"):
        classes_of([f"J{number}" for number in range(1001)])


@pytest.mark.parametrize(
    "names", [("Spiral", "spiral"), ("SA", "Sa"), ("edge on", "edge-on"), ("p\u00f3\u017ane", "po\u0301z\u0301ne")]
)
def test_names_that_look_alike_are_said(tmp_path: Path, names: tuple[str, str]) -> None:
    (said,) = said_of(write_list(tmp_path, names * 3))
    assert "are 2 classes. Next: if one class is meant, give it one name" in said


def test_a_class_of_too_few_galaxies_is_said(tmp_path: Path) -> None:
    (said,) = said_of(write_list(tmp_path, ["a", "a", "a", "b", "c", "c", "c"]))
    assert "fewer than 3 galaxies cannot be in train, valid and test. Received: 1 of 3 classes: b 1" in said


def test_a_cube_without_names_gets_them(tmp_path: Path) -> None:
    with imported(write_cube(tmp_path / "a.fits", noise_images(3), [1, 3, 1]), classes=["early", "late"]) as cube:
        assert (cube.class_names, cube.labels.tolist()) == (("early", "late"), [0, 1, 0])


def test_a_cube_with_names_gets_another_order_and_loses_what_is_empty(tmp_path: Path) -> None:
    source = write_galaxy10(tmp_path / "a.h5", count=6, ans=np.array([0, 9, 0, 9, 9, 0]))
    with imported(source, classes=[CLASS_NAMES[9], CLASS_NAMES[0]]) as cube:
        assert (cube.class_names, cube.labels.tolist()) == ((CLASS_NAMES[9], CLASS_NAMES[0]), [1, 0, 1, 0, 0, 1])


@pytest.mark.parametrize("classes", [(), ("a", "a"), ("a", ""), ("a ",), ("a\x1b",)])
def test_classes_that_cannot_be_are_refused(tmp_path: Path, classes: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="Bad value for classes"):
        import_cube(write_list(tmp_path, ["a"]), tmp_path / "out.fits", classes=classes)
