"""Which runs repeat one training, and what the others are called by."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kamerton.config.pictures import Preprocessing
from kamerton.evaluation.compare import compare
from kamerton.evaluation.repeats import find_repeats, name_of
from kamerton.evaluation.results import read_all_predictions
from kamerton.runs.evaluation import read_metrics
from kamerton.runs.folder import Run, open_run
from kamerton.runs.record import Change, RunRecord
from tests.evaluation.changing import change_metrics
from tests.evaluation.compared import RESAMPLES


def test_runs_that_differ_in_the_seed_are_one_network(swept: Path) -> None:
    found = compare([swept / "runs"], resamples=RESAMPLES)
    lenet5, resnet18 = found.networks
    assert (lenet5.name, len(lenet5.predictions), resnet18.name, len(resnet18.predictions)) == (
        "LeNet-5",
        2,
        "ResNet-18",
        1,
    )
    accuracies = [read_metrics(open_run(swept / f"runs/lenet5-seed{seed}"), "test").accuracy for seed in (0, 1)]
    assert lenet5.metrics["accuracy"].value == pytest.approx(np.mean(accuracies))
    assert lenet5.spread["accuracy"] == pytest.approx(np.std(accuracies, ddof=1))
    assert resnet18.spread["accuracy"] is None


def test_two_recipes_of_one_network_read_as_two_names_in_a_list(copies: list[Run]) -> None:
    recipe = copies[0].record.recipe
    assert recipe is not None
    copies[1].update(dataclasses.replace(copies[1].record, recipe=dataclasses.replace(recipe, name="notebook")))
    found = compare(copies[:2], resamples=RESAMPLES)
    assert [result.name for result in found.networks] == ["LeNet-5 (modern)", "LeNet-5 (notebook)"]


def with_recipe(record: RunRecord, **changes: Any) -> RunRecord:
    assert record.recipe is not None
    return dataclasses.replace(record, recipe=dataclasses.replace(record.recipe, **changes))


def on_other_galaxies(record: RunRecord) -> RunRecord:
    train = dataclasses.replace(record.data["train"], fingerprint="ab" * 32)
    return dataclasses.replace(record, data=record.data | {"train": train})


def extended(record: RunRecord) -> RunRecord:
    return dataclasses.replace(record, changes=(Change("recipe.epochs", 1, 2),))


def names_of(runs: list[Run]) -> list[str]:
    return [name_of(one.title, one.traits) for one in find_repeats(read_all_predictions(runs))]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda record: with_recipe(record, epochs=5), ["2 epochs", "5 epochs"]),
        (lambda record: with_recipe(record, epochs=1), ["2 epochs", "1 epoch"]),
        (
            lambda record: with_recipe(record, epochs=5, batch_size=8),
            ["2 epochs, batches of 32", "5 epochs, batches of 8"],
        ),
        (lambda record: with_recipe(record, dropout=0.25), ["dropout 0.2", "dropout 0.25"]),
        (lambda record: with_recipe(record, frozen=True), ["all layers learned", "linear probe"]),
        (lambda record: with_recipe(record, frozen=True, epochs=7), ["all layers learned", "linear probe"]),
        (lambda record: with_recipe(record, frozen=True, name="notebook"), ["modern", "linear probe"]),
        (
            lambda record: with_recipe(
                record, optimizer=dataclasses.replace(record.recipe.optimizer, learning_rate=0.5)
            ),
            ["optimizer.learning_rate 0.001", "optimizer.learning_rate 0.5"],
        ),
        (lambda record: dataclasses.replace(record, preprocessing=Preprocessing(64, 3)), ["33 px", "64 px"]),
        (on_other_galaxies, ["trained on data/train.fits {own}", "trained on data/train.fits ababab"]),
        (extended, ["not extended", "extended from 1 epoch"]),
    ],
)
def test_runs_that_differ_in_more_than_the_seed_are_named_by_it(
    copies: list[Run], change: Callable[[RunRecord], RunRecord], names: list[str]
) -> None:
    own = copies[0].record.data["train"].fingerprint[:6]
    copies[1].update(change(copies[1].record))
    assert names_of(copies[:2]) == [f"LeNet-5 ({name.format(own=own)})" for name in names]


def test_a_probe_is_called_one_also_where_nothing_else_tells_it_apart(copies: list[Run]) -> None:
    copies[1].update(with_recipe(copies[1].record, frozen=True))
    assert names_of(copies[1:]) == ["LeNet-5 (linear probe)", "ResNet-18"]


def test_two_probes_are_told_apart_by_their_recipes(copies: list[Run]) -> None:
    copies[0].update(with_recipe(copies[0].record, frozen=True))
    copies[1].update(with_recipe(copies[1].record, frozen=True, name="notebook"))
    assert names_of(copies[:2]) == ["LeNet-5 (linear probe, modern)", "LeNet-5 (linear probe, notebook)"]


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [("views", 8, ["views averaged: 1", "views averaged: 8"]), ("precision", "int8", ["float32", "int8"])],
)
def test_runs_tested_in_another_way_are_named_by_it(
    copies: list[Run], field: str, value: Any, names: list[str]
) -> None:
    change_metrics(copies[1], **{field: value})
    assert names_of(copies[:2]) == [f"LeNet-5 ({name})" for name in names]


def test_another_machine_still_repeats_a_training(copies: list[Run]) -> None:
    record = copies[1].record
    elsewhere = {split: dataclasses.replace(cube, path="/elsewhere.fits") for split, cube in record.data.items()}
    copies[1].update(
        dataclasses.replace(record, device="cuda", threads=9, versions={"torch": "9"}, started="", data=elsewhere)
    )
    assert names_of(copies) == ["LeNet-5", "ResNet-18"]


def test_runs_of_other_epochs_are_rows_of_their_own_everywhere(copies: list[Run], tmp_path: Path) -> None:
    copies[1].update(with_recipe(copies[1].record, epochs=5))
    found = compare(copies, out=tmp_path / "out", resamples=RESAMPLES)
    names = ["LeNet-5 (2 epochs)", "LeNet-5 (5 epochs)", "ResNet-18"]
    assert [result.name for result in found.networks] == names
    assert len(found.differences) == 3
    assert pd.read_csv(tmp_path / "out/comparison.csv")["network"].tolist() == names
    told = json.loads((tmp_path / "out/comparison.json").read_text())["networks"]
    assert [one["differs_in"] for one in told] == [{"recipe.epochs": 2}, {"recipe.epochs": 5}, {}]
    for picture in ("learning_curves", "cost", "recall", "confusion"):
        text = (tmp_path / "out" / f"{picture}.svg").read_text()
        assert all(name in text for name in names), picture


def test_imported_weights_repeat_nothing(copies: list[Run]) -> None:
    for run in copies[:2]:
        run.update(dataclasses.replace(run.record, recipe=None, seed=None, data={}))
    assert names_of(copies[:2]) == ["LeNet-5 (lenet5-seed0)", "LeNet-5 (lenet5-seed1)"]
    assert names_of(copies)[:2] == ["LeNet-5 (imported, lenet5-seed0)", "LeNet-5 (imported, lenet5-seed1)"]


def test_a_seed_that_stands_twice_is_said(copies: list[Run]) -> None:
    copies[1].update(dataclasses.replace(copies[1].record, seed=0))
    found = compare(copies[:2], resamples=RESAMPLES)
    assert [caution.run for caution in found.cautions if caution.kind == "same seed"] == ["lenet5-seed1"]
