"""No setting of a layer that changes an answer is passed over: Keras is the oracle."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamerton.errors import ModelFileError
from kamerton.formats.keras.file import read_keras
from kamerton.networks.registry import build_network
from tests.fuzz.twins import Change, changes, judge

SIZE = 20


def small_network(keras: Any, path: Path, activation: Any, last: Any) -> Path:
    """LeNet-5 as one writes it in Keras, with activations as layers of their own."""
    layers = keras.layers
    parts = [keras.Input((SIZE, SIZE, 3))]
    for kernels in (6, 16):
        parts += [layers.Conv2D(kernels, 5), activation()]
        parts += [layers.AveragePooling2D(2)]
    parts += [
        layers.Flatten(),
        layers.Dense(120),
        activation(),
        layers.Dense(84),
        activation(),
        layers.Dense(3),
        last(),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras.Sequential(parts).save(path)
    return path


def test_plain_activations_as_layers_are_read(keras: Any, tmp_path: Path) -> None:
    activation = "tanh"
    path = small_network(keras, tmp_path / "a.keras", lambda: keras.layers.Activation(activation), keras.layers.Softmax)
    contents = read_keras(path)
    network = build_network("lenet5", size=SIZE, channels=3, classes=3)
    network.load_state_dict(contents.state)
    assert contents.network == "lenet5"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"max_value": 6.0}, r"max_value of re_lu\S* \(ReLU\)"),
        ({"negative_slope": 0.1}, "negative_slope of"),
        ({"threshold": 1.0}, "threshold of"),
    ],
)
def test_a_relu_that_is_not_the_plain_one_is_refused(
    arguments: dict[str, float], says: str, keras: Any, tmp_path: Path
) -> None:
    path = small_network(keras, tmp_path / "a.keras", lambda: keras.layers.ReLU(**arguments), keras.layers.Softmax)
    with pytest.raises(ModelFileError, match=says):
        read_keras(path)


def test_a_softmax_over_the_images_is_refused(keras: Any, tmp_path: Path) -> None:
    tanh = keras.layers.Activation
    path = small_network(keras, tmp_path / "a.keras", lambda: tanh("tanh"), lambda: keras.layers.Softmax(axis=0))
    with pytest.raises(ModelFileError, match=r"axis of softmax\S* \(Softmax\).*Received: 0"):
        read_keras(path)


@pytest.mark.parametrize("policy", ["float16", "mixed_bfloat16", "bfloat16"])
def test_a_network_of_fewer_digits_is_refused(policy: str, keras: Any, tmp_path: Path) -> None:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        path = small_network(keras, tmp_path / "a.keras", lambda: keras.layers.Activation("tanh"), keras.layers.Softmax)
    finally:
        keras.config.set_dtype_policy(previous)
    with pytest.raises(ModelFileError, match="dtype of"):
        read_keras(path)


SAMPLE = ("lenet5", "resnet18")


@pytest.fixture(scope="module")
def sample() -> list[Change]:
    return [change for network in SAMPLE for change in changes(network)]


@settings(max_examples=12)
@given(place=st.floats(0, 1, exclude_max=True))
def test_a_changed_setting_is_refused_or_keras_answers_the_same(place: float, sample: list[Change]) -> None:
    change = sample[int(place * len(sample))]
    assert judge(change) in {"refused", "same answers", "not for Keras"}, change


@pytest.mark.parametrize("what", ["no change", "a call while learning", "strides of a pool"])
def test_the_oracle_sees_what_it_is_there_for(what: str) -> None:
    change = {
        "no change": Change("lenet5", 1, "trainable", False),
        "a call while learning": Change("resnet18", 3, ".training", True),
        "strides of a pool": Change("lenet5", 2, "strides", [1, 1]),
    }[what]
    assert judge(change) == ("same answers" if what == "no change" else "refused")
