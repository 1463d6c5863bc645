"""Every setting of the layers of a Keras twin, changed: a change is refused, or Keras answers the same."""

from __future__ import annotations

import copy
import json
import random
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jaxtyping import Float32

from kamerton.errors import ModelFileError
from kamerton.formats.keras.archive import CONFIG
from kamerton.formats.keras.config import recognise
from kamerton.formats.keras.file import DAMAGE, build_keras, import_keras
from kamerton.networks.registry import NETWORKS, build_network

WORDS = ("same", "valid", "relu", "linear", "softmax", "channels_first", "channels_last", "float16", "mixed_bfloat16")
NUMBERS = (0, 1, 2, -1, 3, 0.5, 6.0)
ADDED = ("max_value", "negative_slope", "threshold", "axis", "data_format", "strides", "groups", "lora_rank", "factor")
"""Settings that a layer of another kind, or of another Keras, has."""

NETWORKS_OF_ALL_LAYERS = ("lenet5", "resnet18", "googlenet", "efficientnet_b0", "convnext")
"""Between them they have every layer that a twin can have."""

TOLERANCE = 1e-5


@dataclass(frozen=True)
class Change:
    """One setting of one layer, given another value; or of what it is called with, where ``key`` begins with a dot."""

    network: str
    layer: int
    key: str
    value: Any

    def apply(self, config: dict[str, Any]) -> dict[str, Any]:
        """Give the config with this change."""
        changed = copy.deepcopy(config)
        layer = changed["config"]["layers"][self.layer]
        if self.key.startswith("."):
            layer["inbound_nodes"][0]["kwargs"][self.key[1:]] = self.value
        else:
            layer["config"][self.key] = self.value
        return changed


@cache
def twin_of(network: str) -> tuple[Any, dict[str, Any]]:
    """Build a network's Keras twin at its smallest size, and give it with its config as it stands in a file."""
    size = NETWORKS[network].smallest_size
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = build_keras(build_network(network, size=size, channels=3, classes=3), (size, size, 3))
        model.save(Path(folder) / "a.keras")
        with zipfile.ZipFile(Path(folder) / "a.keras") as archive:
            return model, dict(json.loads(archive.read(CONFIG)))


def changes(network: str) -> Iterator[Change]:
    """Change each setting of the first layer of each class, and call it otherwise."""
    seen: set[str] = set()
    for number, layer in enumerate(twin_of(network)[1]["config"]["layers"]):
        if layer["class_name"] in seen:
            continue
        seen.add(layer["class_name"])
        for key in (*layer["config"], *ADDED):
            for value in _other_values(layer["config"].get(key)):
                yield Change(network, number, key, value)
        if layer["inbound_nodes"]:
            yield from (Change(network, number, ".training", value) for value in (True, False, None))


def _other_values(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value, None]
    others: list[Any] = [None, *WORDS, *NUMBERS, True]
    if isinstance(value, list):
        others += [[2 * side if isinstance(side, int) else side for side in value], value[:1], [value, value]]
    if isinstance(value, dict):
        others += [{}, json.loads(json.dumps(value).replace("float32", "float16"))]
    return [other for other in others if other != value or type(other) is not type(value)]


def judge(change: Change) -> str:
    """Say what came of a change: ``refused``, ``same answers``, ``not for Keras``, or what is wrong."""
    model, config = twin_of(change.network)
    changed = change.apply(config)
    try:
        recognise(Path("a.keras"), json.dumps(changed).encode())
    except (ModelFileError, *DAMAGE):
        return "refused"
    try:
        theirs = _answers(import_keras().Model.from_config(changed["config"]), model)
    # Whatever Keras makes of it, nobody gets an answer.
    except Exception:  # noqa: BLE001
        return "not for Keras"
    difference = float(np.abs(theirs - _answers(model, model)).max())
    return "same answers" if difference < TOLERANCE else f"accepted, and Keras answers otherwise by {difference:.2g}"


def attack_twins(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Judge so many changes of each network's twin, by chance; give how often what came of it, and what was wrong."""
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    for network in NETWORKS_OF_ALL_LAYERS:
        possible = list(changes(network))
        for change in random.Random(seed).sample(possible, min(count, len(possible))):
            outcome = judge(change)
            kind = outcome.split(",")[0]
            outcomes[kind] += 1
            if kind not in {"refused", "same answers", "not for Keras"}:
                wrong.append(f"{change}: {outcome}")
    return outcomes, wrong


def _answers(model: Any, weighed: Any) -> Float32[np.ndarray, "images classes"]:
    """Let a model answer with the weights of another."""
    if model is not weighed:
        model.set_weights(weighed.get_weights())
    images_nhwc = np.random.default_rng(0).random((3, *model.input_shape[1:]), np.float32)
    with warnings.catch_warnings():
        # Keras 3.10 warns of a tensor where its file says a list of one.
        warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)
        return np.asarray(model.predict_on_batch(images_nhwc), np.float32)
