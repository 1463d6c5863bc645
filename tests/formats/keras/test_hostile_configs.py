"""``.keras`` files whose config names what no known network has: refused, and nothing in it runs."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.formats.keras.hostile import CONFIG, SIZE, Entries, assert_refused, layers_of, write


def foreign_module(config: dict[str, Any]) -> None:
    layers_of(config)[1]["module"] = "kamerton_evil"


def registered_class(config: dict[str, Any]) -> None:
    layers_of(config)[1]["registered_name"] = "evil>Conv2D"


def own_model(config: dict[str, Any]) -> None:
    config.update(class_name="EvilModel", module="kamerton_evil", registered_name="evil>EvilModel")


def lambda_layer(config: dict[str, Any]) -> None:
    layer = layers_of(config)[2]
    layer.update(class_name="Lambda", config={"name": "pool1", "function": {"class_name": "__lambda__", "config": {}}})


def own_activation(config: dict[str, Any]) -> None:
    function = {"module": "kamerton_evil", "class_name": "function", "config": "run", "registered_name": "run"}
    layers_of(config)[1]["config"]["activation"] = function


def huge_input(config: dict[str, Any]) -> None:
    layers_of(config)[0]["config"]["batch_shape"] = [None, 65_000, 65_000, 16]


def endless_input(config: dict[str, Any]) -> None:
    layers_of(config)[0]["config"]["batch_shape"] = [None, 10**30, 10**30, 3]


def oblong_input(config: dict[str, Any]) -> None:
    layers_of(config)[0]["config"]["batch_shape"] = [None, SIZE, SIZE + 1, 3]


def many_units(config: dict[str, Any]) -> None:
    layers_of(config)[-1]["config"]["units"] = 10**12


def channels_first(config: dict[str, Any]) -> None:
    layers_of(config)[1]["config"]["data_format"] = "channels_first"


def other_wiring(config: dict[str, Any]) -> None:
    layers = layers_of(config)
    layers[-1]["inbound_nodes"] = copy.deepcopy(layers[-2]["inbound_nodes"])


def shared_layer(config: dict[str, Any]) -> None:
    layer = layers_of(config)[-2]
    layer["inbound_nodes"] = layer["inbound_nodes"] * 2


def early_answer(config: dict[str, Any]) -> None:
    config["config"]["output_layers"] = ["dense4", 0, 0]


def long_words(config: dict[str, Any]) -> None:
    layers_of(config)[1]["config"]["padding"] = "\x1b[2J\n" * 100_000


CONFIGS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a class from elsewhere": (foreign_module, "of a class of its own, which is never run.*kamerton_evil"),
    "a registered class": (registered_class, "of a class of its own, which is never run.*evil>Conv2D"),
    "a model of its own class": (own_model, "of a class of its own.*EvilModel"),
    "a lambda": (lambda_layer, "layer 2 is Lambda instead of AveragePooling2D"),
    "an activation from elsewhere": (own_activation, r"activation of layer 1 \(Conv2D\) is .*kamerton_evil"),
    "a huge input": (huge_input, "a network of its own|not the weight that the config promises"),
    "an endless input": (endless_input, "sorts square images into classes"),
    "an oblong input": (oblong_input, "sorts square images into classes"),
    "too many classes": (many_units, "sorts square images into classes"),
    "channels first": (channels_first, "data_format of layer 1"),
    "another wiring": (other_wiring, "7 of 8 layers lead to the output"),
    "a shared layer": (shared_layer, "a layer is used 2 times"),
    "an answer half-way": (early_answer, "not that of the last layer"),
    "control characters": (long_words, r"padding of layer 1 \(Conv2D\) is "),
}


@pytest.mark.parametrize("what", CONFIGS)
def test_a_config_of_no_known_network_is_refused_and_not_run(
    sound: Entries, tmp_path: Path, scratch: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "kamerton_evil.py").write_text("import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n")
    monkeypatch.syspath_prepend(str(trap))
    change, says = CONFIGS[what]
    config = json.loads(sound[CONFIG])
    change(config)
    path = write(tmp_path / "a.keras", {**sound, CONFIG: json.dumps(config).encode()})
    assert_refused(path, says, scratch)
    assert "kamerton_evil" not in sys.modules
    assert not (trap / "ran").exists()


def test_a_real_lambda_saved_by_keras_does_not_run(keras: Any, tmp_path: Path, scratch: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    ran = str(trap / "ran")
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3))])
    # Its code is saved with the file, and needs no import of ours.
    model.add(
        keras.layers.Lambda(lambda x: (__import__("pathlib").Path(ran).touch(), x)[1], output_shape=(SIZE, SIZE, 3))
    )
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(3))
    model.save(tmp_path / "a.keras")
    Path(ran).unlink(missing_ok=True)
    assert_refused(tmp_path / "a.keras", "a network of its own", scratch)
    assert not Path(ran).exists()
    # The file is a real danger: whoever lets Keras run it, runs it.
    keras.saving.load_model(tmp_path / "a.keras", safe_mode=False)(np.zeros((1, SIZE, SIZE, 3), np.float32))
    assert Path(ran).exists()
