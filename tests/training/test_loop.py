"""The loop learns exactly as Keras's fit does, and each step follows from (seed, epoch, step)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from kamerton.batches.reading import batch_indices, read_batches, shuffled_order
from kamerton.config.pictures import Preprocessing
from kamerton.config.recipe import PlateauSettings
from kamerton.data.cubes.cube import open_cube
from kamerton.formats.keras.file import build_keras
from kamerton.formats.keras.twin import keras_arrays, twin_layers
from kamerton.machine.computation import choose_computation
from kamerton.networks.registry import build_network
from kamerton.recipes import load_recipe
from kamerton.training.loop import Trainer, step_seed
from kamerton.training.losses import class_offsets
from kamerton.training.optimizers import make_optimizer
from kamerton.training.session import Session
from tests.conftest import write_toy_cube
from tests.notebook_in_keras import alexnet_in_keras

SIZE = 67


class KeepNothing:
    """A keeper that forgets."""

    def after_step(self, session: Session) -> None:
        pass

    def after_epoch(self, session: Session) -> None:
        pass


def trainer(network: nn.Module, seed: int = 0, size: int = SIZE, **recipe: Any) -> Trainer:
    plan = dataclasses.replace(load_recipe("notebook"), **recipe)
    computation = choose_computation(torch.device("cpu"), deterministic=True)
    return Trainer(
        network=network, recipe=plan, preprocessing=Preprocessing(size, 3), seed=seed, computation=computation
    )


def without_dropout(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


class InDouble(nn.Module):
    """A network that computes in float64."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.double()

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        return self.network(images_nchw.double())


def twenty_steps(
    keras: Any, cube_path: Path, network: nn.Module, model: Any, batch_size: int
) -> tuple[list[float], list[float]]:
    """Train both from the same weights on the same batches, and give the losses of each."""
    size = model.input_shape[1]
    teacher = trainer(network, size=size, batch_size=batch_size)
    optimizer = make_optimizer(network, teacher.recipe)
    # Keras keeps its learning rate in float32.
    optimizer.set_learning_rate(float(np.float32(teacher.recipe.optimizer.learning_rate)))
    # On TensorFlow Keras finds the logits behind the notebook's softmax; on torch it must be told of them.
    model.layers[-1].activation = keras.activations.linear
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    network.train()
    ours, theirs = [], []
    with open_cube(cube_path) as cube:
        for epoch in range(4):
            for images_nhwc, labels in read_batches(
                cube, batch_indices(shuffled_order(len(cube), 0, epoch), batch_size)
            ):
                ours.append(teacher.learn(images_nhwc, labels, optimizer, seed=0)[0].item())
                theirs.append(float(model.train_on_batch(images_nhwc.numpy() / np.float32(255), labels.numpy())))
                model.reset_metrics()
    assert len(ours) == 20
    return ours, theirs


@pytest.fixture
def keras_in_double(keras: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Keras in float64 throughout; its batch normalisation alone would otherwise go down to float32."""
    from keras.src.layers.normalization import batch_normalization

    usual, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    # Keras keeps the policy of its first layer, whatever floatx becomes later.
    keras.config.set_dtype_policy("float64")
    monkeypatch.setattr(batch_normalization.backend, "result_type", lambda *_: "float64")
    yield keras
    keras.config.set_floatx(usual)
    keras.config.set_dtype_policy(policy)


def test_twenty_steps_of_alexnet_track_keras(keras_in_double: Any, tmp_path: Path) -> None:
    """Same weights, batches and optimizer settings; dropout off, since the two draw other random numbers.

    In float64, where a difference is one of meaning: Adam's first steps are the sign of the gradient, and turn the
    rounding of a gradient near zero in float32 into a whole step (docs/log.md).
    """
    network = without_dropout(build_network("alexnet", size=67, channels=3, classes=3))
    model = alexnet_in_keras(keras_in_double, 67, classes=3, dropout=0.0)
    model.set_weights([a for layer in twin_layers(network) for a in keras_arrays(layer, network.state_dict())])
    doubled = InDouble(network)
    ours, theirs = twenty_steps(keras_in_double, write_toy_cube(tmp_path / "a.fits", 40, 67), doubled, model, 8)
    assert np.ptp(ours) > 0.5 * ours[0], "a loss that does not move would prove nothing"
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    running = [value.numpy() for name, value in doubled.named_buffers() if "running" in name]
    wanted = [weight.value.detach().numpy() for weight in model.non_trainable_variables if "moving" in weight.path]
    assert len(running) == len(wanted) == 10
    for found, statistic in zip(running, wanted, strict=True):
        np.testing.assert_allclose(found, statistic, rtol=1e-4, atol=1e-6)


def test_twenty_steps_of_lenet5_track_keras_in_single_precision(keras: Any, tmp_path: Path) -> None:
    network = build_network("lenet5", size=32, channels=3, classes=3)
    model = build_keras(network, (32, 32, 3))
    ours, theirs = twenty_steps(keras, write_toy_cube(tmp_path / "a.fits", 160, 32), network, model, 32)
    assert min(ours) < 0.75 * ours[0], "a loss that does not move would prove nothing"
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_validation_is_keras_evaluate(keras: Any, tmp_path: Path) -> None:
    network = build_network("alexnet", size=SIZE, channels=3, classes=3)
    model = alexnet_in_keras(keras, SIZE, classes=3)
    model.set_weights([a for layer in twin_layers(network) for a in keras_arrays(layer, network.state_dict())])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with open_cube(write_toy_cube(tmp_path / "a.fits", 45, SIZE)) as cube:
        found = trainer(network).validate(cube)
        wanted = model.evaluate(cube.read(slice(None)) / np.float32(255), cube.labels, batch_size=32, verbose=0)
    np.testing.assert_allclose([found.loss, found.accuracy], wanted, rtol=1e-5)


def test_validation_changes_nothing(tmp_path: Path) -> None:
    network = build_network("alexnet", size=SIZE, channels=3, classes=3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with open_cube(write_toy_cube(tmp_path / "a.fits", 10, SIZE)) as cube:
        trainer(network).validate(cube)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def fitted(cube_path: Path, seed: int) -> tuple[dict[str, torch.Tensor], list[dict[str, float]]]:
    """Train with dropout for two epochs from other global random numbers each time."""
    torch.manual_seed(int(torch.randint(0, 1000, (1,))))
    network = build_network("alexnet", size=67, channels=3, classes=3, seed=seed)
    with open_cube(cube_path) as cube:
        teacher = trainer(network, seed, 67, epochs=2, batch_size=8)
        session = Session.start(network, teacher.recipe)
        teacher.fit(session, cube, cube, KeepNothing())
    return network.state_dict(), session.history


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    path = write_toy_cube(tmp_path / "a.fits", 20, 67)
    first, first_rows = fitted(path, 1)
    again, again_rows = fitted(path, 1)
    other, _ = fitted(path, 2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert [row["loss"] for row in first_rows] == [row["loss"] for row in again_rows]
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_the_learning_rate_of_a_row_is_the_one_that_was_used(tmp_path: Path) -> None:
    """As in Keras's history: the cut after an epoch shows in the next row."""
    network = build_network("lenet5", size=67, channels=3, classes=3)
    usual = load_recipe("notebook").schedule
    assert isinstance(usual, PlateauSettings)
    plateau = dataclasses.replace(usual, min_delta=2.0)
    teacher = trainer(network, size=67, epochs=3, schedule=plateau)
    session = Session.start(network, teacher.recipe)
    with open_cube(write_toy_cube(tmp_path / "a.fits", 12, 67)) as cube:
        teacher.fit(session, cube, cube, KeepNothing())
    np.testing.assert_allclose([row["lr"] for row in session.history], [1e-3, 1e-3, 1e-6], rtol=1e-6)


STEPS = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1), st.integers(0, 2**24 - 1))


@given(one=STEPS, two=STEPS)
def test_no_two_steps_share_their_random_numbers(one: tuple[int, int, int], two: tuple[int, int, int]) -> None:
    assert (step_seed(*one) == step_seed(*two)) == (one == two)
    torch.manual_seed(step_seed(*one))


def test_the_shares_of_the_classes_are_those_of_the_training_galaxies(tmp_path: Path) -> None:
    network = build_network("lenet5", size=32, channels=3, classes=3)
    teacher = trainer(network, size=32, epochs=1, logit_adjustment=0.5)
    with open_cube(write_toy_cube(tmp_path / "a.fits", 12, 32)) as cube:
        teacher.fit(Session.start(network, teacher.recipe), cube, cube, KeepNothing())
        expected = class_offsets(cube.labels, 3, 0.5)
    assert expected is not None
    assert teacher.offsets is not None
    assert torch.equal(teacher.offsets, expected)
