"""A run tells what it was made of, and equal fingerprints are equal trainings."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from kamerton.files import json_sha256
from kamerton.runs.folder import Run
from kamerton.runs.record import LATER_FIELDS, Change, RunRecord, code_sha256, record_differences, versions


def fingerprint(record: RunRecord) -> str:
    return record.fingerprint("weights", "history")


def test_versions_name_everything_that_shapes_a_result() -> None:
    found = versions()
    assert found["torch"] == torch.__version__
    assert found["kamerton_code"] == code_sha256()
    assert {"kamerton", "python", "numpy", "astropy", "safetensors", "keras"} <= set(found)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"network": "alexnet"},
        {"class_names": ("a", "b", "c")},
        {"threads": 99},
        {"deterministic": False},
        {"versions": {"torch": "0"}},
        {"device": "cuda: a GPU"},
        {"changes": (Change("recipe.epochs", 2, 3),)},
        {"processes": 2},
        {"precision": "bfloat16"},
        {"convolutions": "plain"},
        {"channels_last": True},
        {"compiled": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_shapes_the_result_changes_the_fingerprint(toy_run: Run, change: dict[str, Any]) -> None:
    assert fingerprint(dataclasses.replace(toy_run.record, **change)) != fingerprint(toy_run.record)


def test_other_galaxies_change_the_fingerprint_and_another_place_does_not(toy_run: Run) -> None:
    record = toy_run.record
    cube = record.data["train"]
    moved = record.data | {"train": dataclasses.replace(cube, path="elsewhere.fits")}
    other = record.data | {"train": dataclasses.replace(cube, fingerprint="0" * 64)}
    assert fingerprint(dataclasses.replace(record, data=moved)) == fingerprint(record)
    assert fingerprint(dataclasses.replace(record, data=other)) != fingerprint(record)


def test_the_hour_does_not_change_the_fingerprint(toy_run: Run) -> None:
    assert fingerprint(dataclasses.replace(toy_run.record, started="1999")) == fingerprint(toy_run.record)


def test_a_finished_run_holds_the_fingerprints_of_its_files(toy_run: Run) -> None:
    results = toy_run.record.results
    assert results is not None
    assert results.history == toy_run.history_sha256()
    assert results.fingerprint == toy_run.record.fingerprint(results.weights, results.history)


def test_a_run_of_before_some_fields_keeps_its_fingerprint(toy_run: Run) -> None:
    silent = dataclasses.replace(toy_run.record, convolutions=None, channels_last=None, compiled=None)
    record = dataclasses.asdict(silent)
    for name in ("started", "results", "peak_memory_bytes", *LATER_FIELDS):
        del record[name]
    seen = {split: cube["fingerprint"] for split, cube in record.pop("data").items()}
    old = json_sha256({"made_of": record, "seen": seen, "weights": "weights", "history": "history"})
    assert fingerprint(silent) == old


def test_differences_of_two_records_are_named_with_dots(toy_run: Run) -> None:
    record = toy_run.record
    other = dataclasses.replace(record, seed=9, preprocessing=dataclasses.replace(record.preprocessing, size=4))
    assert record_differences(record, other) == {"seed": (0, 9), "preprocessing.size": (32, 4)}


def test_what_chose_the_weights_is_the_recipes_word(toy_run: Run) -> None:
    assert toy_run.record.weights_chosen_by == "last epoch"
    assert dataclasses.replace(toy_run.record, recipe=None).weights_chosen_by == "unknown"
