"""A run tells what it was made of, and equal fingerprints are equal trainings."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from kamerton.config.pictures import Framing, PixelOrigin
from kamerton.config.recipe import PlateauSettings, Recipe
from kamerton.files import json_sha256
from kamerton.recipes import load_recipe
from kamerton.runs.folder import Run
from kamerton.runs.record import (
    LATER_FIELDS,
    Change,
    RunRecord,
    code_sha256,
    record_differences,
    settled_in_words,
    versions,
)

FIRST_SETTINGS = {
    "name", "epochs", "batch_size", "weights_chosen_by", "label_smoothing", "dropout", "optimizer", "schedule",
    "norm_momentum", "augment",
}  # fmt: skip
"""Of a recipe, in every fingerprint that there is."""


def fingerprint(record: RunRecord) -> str:
    return record.fingerprint("weights", "history")


def test_what_is_settled_is_said_as_options_without_those_that_are_off(toy_run: Run) -> None:
    record = dataclasses.replace(toy_run.record, device="cpu", threads=2, recipe=load_recipe("notebook"))
    told = settled_in_words(record)
    assert told.startswith("device = cpu, threads = 2, deterministic = yes, ")
    assert ", size = 32, seed = 0, recipe = notebook, optimizer = adam, schedule = plateau, epochs = 10, " in told
    assert {"optimizer.epsilon = 1e-07", "schedule.monitor = accuracy"} <= set(told.split(", "))
    off = {"dropout", "label_smoothing", "augment", "norm_momentum", "schedule.cooldown", "processes"}
    assert not off & {option.partition(" = ")[0] for option in told.split(", ")}


def test_what_0_does_not_turn_off_is_said(toy_run: Run) -> None:
    recipe = load_recipe("finetune")
    assert recipe.norm_momentum == 0
    told = settled_in_words(dataclasses.replace(toy_run.record, recipe=recipe))
    assert "norm_momentum = 0" in {option.removesuffix(".0") for option in told.split(", ")}
    recipe = load_recipe("notebook")
    assert isinstance(recipe.schedule, PlateauSettings)
    recipe = dataclasses.replace(recipe, schedule=dataclasses.replace(recipe.schedule, patience=0))
    record = dataclasses.replace(toy_run.record, recipe=recipe)
    assert "schedule.patience = 0" in settled_in_words(record).split(", ")


def test_what_is_settled_of_imported_weights_names_no_recipe(toy_run: Run) -> None:
    told = settled_in_words(dataclasses.replace(toy_run.record, recipe=None, seed=None, threads=None))
    assert "recipe" not in told
    assert "None" not in told


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
    assert toy_run.record.recipe is not None
    settings: dict[str, Any] = {
        name.removeprefix("recipe."): value for name, value in LATER_FIELDS.items() if name.startswith("recipe.")
    }
    fields: dict[str, Any] = {name: value for name, value in LATER_FIELDS.items() if "." not in name}
    silent = dataclasses.replace(
        toy_run.record, recipe=dataclasses.replace(toy_run.record.recipe, **settings), **fields
    )
    record = dataclasses.asdict(silent)
    for name in ("started", "results", "peak_memory_bytes", *fields):
        del record[name]
    for name in settings:
        del record["recipe"][name]
    seen = {split: cube["fingerprint"] for split, cube in record.pop("data").items()}
    old = json_sha256({"made_of": record, "seen": seen, "weights": "weights", "history": "history"})
    assert fingerprint(silent) == old


def test_a_run_of_before_crops_were_recorded_keeps_its_fingerprint(toy_run: Run) -> None:
    record = dataclasses.replace(toy_run.record, pixel_origin=PixelOrigin("none"))
    made_of = dataclasses.asdict(record)
    for name in ("started", "results", "peak_memory_bytes", "data"):
        del made_of[name]
    for name in (name for name, usual in LATER_FIELDS.items() if made_of.get(name, made_of) == usual):
        del made_of[name]
    for name in (name for name in LATER_FIELDS if name.startswith("recipe.")):
        if made_of["recipe"][name.removeprefix("recipe.")] == LATER_FIELDS[name]:
            del made_of["recipe"][name.removeprefix("recipe.")]
    del made_of["pixel_origin"]["framing"]
    seen = {split: cube.fingerprint for split, cube in record.data.items()}
    old = json_sha256({"made_of": made_of, "seen": seen, "weights": "weights", "history": "history"})
    assert fingerprint(record) == old
    framed = dataclasses.replace(record, pixel_origin=PixelOrigin("none", framing=Framing((64, 64), (64, 64), 32)))
    assert fingerprint(framed) != old


def test_a_setting_that_recipes_have_gained_is_among_the_later_fields() -> None:
    gained = {setting.name for setting in dataclasses.fields(Recipe)} - FIRST_SETTINGS
    missing = [f"recipe.{name}" for name in sorted(gained) if f"recipe.{name}" not in LATER_FIELDS]
    assert not missing, f"runs/record.py: LATER_FIELDS lacks {missing}, so that `verify` would doubt all earlier runs"


@pytest.mark.parametrize("has_recipe", [True, False])
def test_a_setting_of_recipes_may_come_later(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch, *, has_recipe: bool
) -> None:
    record = toy_run.record if has_recipe else dataclasses.replace(toy_run.record, recipe=None)
    before = fingerprint(record)
    monkeypatch.setitem(LATER_FIELDS, "recipe.batch_size", -1)
    assert fingerprint(record) == before
    if record.recipe is not None:
        monkeypatch.setitem(LATER_FIELDS, "recipe.batch_size", record.recipe.batch_size)
        assert fingerprint(record) != before


def test_differences_of_two_records_are_named_with_dots(toy_run: Run) -> None:
    record = toy_run.record
    other = dataclasses.replace(record, seed=9, preprocessing=dataclasses.replace(record.preprocessing, size=4))
    assert record_differences(record, other) == {"seed": (0, 9), "preprocessing.size": (32, 4)}


def test_what_chose_the_weights_is_the_recipes_word(toy_run: Run) -> None:
    assert toy_run.record.weights_chosen_by == "last epoch"
    assert dataclasses.replace(toy_run.record, recipe=None).weights_chosen_by == "unknown"
