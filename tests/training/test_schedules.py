"""The schedule is Keras's callback, epoch for epoch."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kamerton.config.recipe import CosineSettings, PlateauSettings
from kamerton.recipes import load_recipe
from kamerton.training.schedules import CosineDecay, ReduceOnPlateau, standstill

METRICS = st.lists(
    st.one_of(
        st.floats(0, 1, width=32),
        st.sampled_from([0.5, 0.51, 0.52, 0.509, 0.511, 0.1, 0.2, float("nan"), float("inf")]),
    ),
    min_size=1,
    max_size=25,
)

PLATEAUS = st.builds(
    PlateauSettings,
    monitor=st.sampled_from(["loss", "accuracy", "val_loss", "val_accuracy"]),
    factor=st.sampled_from([0.001, 0.1, 0.5, 0.9]),
    patience=st.integers(0, 4),
    min_delta=st.sampled_from([0.0, 0.01, 0.1, 1e-4]),
    mode=st.sampled_from(["auto", "min", "max"]),
    cooldown=st.integers(0, 3),
    min_lr=st.sampled_from([0.0, 1e-6, 1e-4]),
)


@pytest.fixture(scope="module")
def keras_model(keras: Any) -> Any:
    """A model that has seen a batch, so that the callback knows its metrics."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(np.zeros((1, 1)), np.zeros(1), verbose=0)
    return model


def keras_rates(keras: Any, model: Any, plateau: PlateauSettings, values: list[float]) -> list[float]:
    """Learning rate after each epoch, by Keras's own callback on a real model."""
    model.optimizer.learning_rate = 1e-3
    words = dataclasses.asdict(plateau)
    assert words.pop("name") == "plateau"
    callback = keras.callbacks.ReduceLROnPlateau(**words)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {plateau.monitor: value})
        rates.append(float(model.optimizer.learning_rate.numpy()))
    return rates


def our_rates(plateau: PlateauSettings, values: list[float]) -> list[float]:
    schedule = ReduceOnPlateau(plateau, 1e-3)
    return [schedule.end_epoch({plateau.monitor: value}) for value in values]


@settings(max_examples=300)
@given(plateau=PLATEAUS, values=METRICS)
def test_any_history_gives_keras_learning_rates_to_the_bit(
    keras: Any, keras_model: Any, plateau: PlateauSettings, values: list[float]
) -> None:
    assert our_rates(plateau, values) == keras_rates(keras, keras_model, plateau, values)


def test_the_notebooks_words_divide_by_a_thousand_after_one_flat_epoch(keras: Any, keras_model: Any) -> None:
    plateau = load_recipe("notebook").schedule
    assert isinstance(plateau, PlateauSettings)
    values = [0.2, 0.3, 0.305, 0.35, 0.36]
    rates = our_rates(plateau, values)
    assert [f"{rate:.0e}" for rate in rates] == ["1e-03", "1e-03", "1e-06", "1e-06", "1e-09"]
    assert rates == keras_rates(keras, keras_model, plateau, values)


# Cosine


COSINE = CosineDecay(CosineSettings(warmup_epochs=2, final_share=0.1), 1e-3, epochs=10)


@pytest.mark.parametrize(("epochs_done", "rate"), [(0, 1e-5), (1, 5.05e-4), (2, 1e-3), (6, 5.5e-4), (10, 1e-4)])
def test_the_cosine_goes_up_along_a_line_and_down_to_its_final_share(epochs_done: float, rate: float) -> None:
    assert COSINE.rate(epochs_done) == pytest.approx(rate)


@given(st.floats(2, 10), st.floats(2, 10))
def test_after_its_warm_up_the_cosine_only_falls(one: float, other: float) -> None:
    assert (COSINE.rate(min(one, other)) - COSINE.rate(max(one, other))) >= 0


def test_the_cosine_falls_as_pytorchs_does() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8, eta_min=1e-4)
    for epoch in range(2, 11):
        assert COSINE.rate(epoch) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_a_training_shorter_than_its_warm_up_still_comes_down() -> None:
    short = CosineDecay(CosineSettings(warmup_epochs=5, final_share=0), 1.0, epochs=2)
    assert short.rate(1) == 1
    assert short.rate(2) == 0


def test_the_cosine_has_nothing_to_remember() -> None:
    assert COSINE.state() is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "after an epoch in which accuracy gains less than 0.01: the learning rate is then multiplied by 0.001"),
        ({"patience": 3, "monitor": "loss"}, "after 3 epochs on end in which loss gains"),
        ({"factor": 0.1}, "^$"),
    ],
)
def test_a_schedule_that_ends_the_learning_is_said(change: dict[str, Any], says: str) -> None:
    recipe = load_recipe("notebook")
    assert isinstance(recipe.schedule, PlateauSettings)
    found = standstill(dataclasses.replace(recipe, schedule=dataclasses.replace(recipe.schedule, **change)))
    assert re.search(says, found), found
