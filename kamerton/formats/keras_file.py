"""``.keras`` files: writing a network's twin through Keras, and reading one's weights without running anything in it.

A ``.keras`` file is a zip of ``config.json``, ``metadata.json`` and ``model.weights.h5``. Reading takes the config as
data, to find which known network it describes, and the weights by name and shape; no Keras is imported for it.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kamerton.errors import ModelFileError, UsageError
from kamerton.files import whole_file
from kamerton.formats.keras_twin import TwinLayer, keras_arrays, keras_shapes, torch_tensor, twin_layers
from kamerton.networks import NETWORKS, build_network

CONFIG_BYTES = 16 << 20
"""A longer config.json describes no network known here."""

H5_NAMES = {
    "Conv2D": "conv2d",
    "Dense": "dense",
    "BatchNormalization": "batch_normalization",
}
"""How Keras names the weights of a layer class inside ``model.weights.h5``."""

TRAINING_ONLY = {"momentum"}
"""Settings that do not change a prediction."""


def has_keras_twin(network: nn.Module) -> bool:
    """Tell whether every layer of the network can be said in Keras."""
    try:
        twin_layers(network)
    except UsageError:
        return False
    return True


def build_keras(network: nn.Module, image_shape: tuple[int, int, int], name: str = "kamerton") -> Any:
    """Build the Keras twin with the network's weights: images (n, H, W, C) scaled to 0..1 give probabilities."""
    keras = import_keras()
    layers = twin_layers(network)
    outputs = {"input": keras.Input(image_shape, name="input")}
    for layer in layers:
        make = getattr(keras.layers, layer.keras_class)(name=layer.name, **layer.config)
        sources = [outputs[name] for name in layer.inputs]
        outputs[layer.name] = make(sources[0] if len(sources) == 1 else sources)
    model = keras.Model(outputs["input"], outputs[layers[-1].name], name=name)
    state = network.state_dict()
    for layer in layers:
        model.get_layer(layer.name).set_weights(keras_arrays(layer, state))
    return model


def write_keras(network: nn.Module, image_shape: tuple[int, int, int], path: Path, name: str = "kamerton") -> None:
    """Write the Keras twin so that plain ``keras.saving.load_model`` opens it; UsageError where there is no twin."""
    model = build_keras(network, image_shape, name)
    with whole_file(path) as partial:
        model.save(partial)


def import_keras() -> Any:
    """Import Keras on its torch backend, unless the user's program has imported it already."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "torch"
    import keras

    return keras


@dataclass(frozen=True)
class KerasContents:
    """What a ``.keras`` file holds of a known network."""

    network: str
    size: int
    channels: int
    classes: int
    state: dict[str, torch.Tensor]
    """Weights by PyTorch's names, for ``load_state_dict(strict=False)``."""


def read_keras(path: Path) -> KerasContents:
    """Read the weights of a known network from a ``.keras`` file, whoever wrote it.

    The file's config is compared with each known network's and never executed. Raises ModelFileError where the file is
    damaged or describes another network.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read", received=error.strerror, next_step="check the name") from error
    try:
        with file, zipfile.ZipFile(file) as archive:
            config = _config(path, archive)
            layers = _file_layers(config["config"]["layers"])
            (size, _, channels), classes = _ends(layers)
            name, plan, expected = _recognise(path, layers, size, channels, classes)
            state = _weights(path, archive, plan, expected)
    except (OSError, zipfile.BadZipFile, KeyError, IndexError, TypeError, ValueError, RuntimeError, EOFError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            f"{path}: this is not a model saved by Keras 3",
            received=f"{type(error).__name__}: {str(error)[:200]}",
            next_step="save it with `model.save('NAME.keras')`",
        ) from error
    return KerasContents(name, size, channels, classes, state)


def _config(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    entry = archive.getinfo("config.json")
    if entry.file_size > CONFIG_BYTES:
        raise ModelFileError(
            f"{path}: config.json is too long for any known network",
            received=f"{entry.file_size} bytes",
            allowed=f"{CONFIG_BYTES} bytes",
        )
    return dict(json.loads(archive.read(entry)))


def _file_layers(entries: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """List (class, settings) of a file's layers, with separate activations joined to the layer before them."""
    layers: list[tuple[str, dict[str, Any]]] = []
    for entry in entries:
        kind, config = str(entry["class_name"]), dict(entry["config"])
        activation = {"ReLU": "relu", "Softmax": "softmax", "Activation": config.get("activation")}.get(kind)
        if activation and layers and layers[-1][1].get("activation") == "linear":
            layers[-1][1]["activation"] = activation
        else:
            layers.append((kind, config))
    return layers


def _ends(layers: list[tuple[str, dict[str, Any]]]) -> tuple[tuple[int, int, int], int]:
    """Find the input's (size, size, channels) and the number of classes."""
    kind, config = layers[0]
    if kind != "InputLayer":
        raise ValueError(f"the first layer is {kind}, not an InputLayer")
    height, width, channels = (int(side) for side in config["batch_shape"][1:])
    return (height, width, channels), int(layers[-1][1]["units"])


def _recognise(
    path: Path, layers: list[tuple[str, dict[str, Any]]], size: int, channels: int, classes: int
) -> tuple[str, list[TwinLayer], dict[str, torch.Tensor]]:
    """Find the known network that a file describes: its name, its plan and its weights as empty tensors."""
    found = [(kind, config) for kind, config in layers if kind not in {"InputLayer", "Dropout"}]
    differences = []
    for name, entry in NETWORKS.items():
        if size < entry.smallest_size:
            continue
        with torch.device("meta"):
            network = build_network(name, size=size, channels=channels, classes=classes)
        plan = twin_layers(network)
        difference = _difference(found, [layer for layer in plan if layer.keras_class != "Dropout"])
        if difference is None:
            return name, plan, dict(network.state_dict())
        differences.append(f"{name}: {difference}")
    raise ModelFileError(
        f"{path}: describes none of the known networks",
        received="; ".join(differences) or f"images of {size} pixels",
        allowed=", ".join(NETWORKS),
        next_step="add the network to kamerton/networks",
    )


def _difference(found: list[tuple[str, dict[str, Any]]], plan: list[TwinLayer]) -> str | None:
    """Say where a file's layers first part from a plan, or None where they agree."""
    if len(found) != len(plan):
        return f"{len(found)} layers instead of {len(plan)}"
    for number, ((kind, config), layer) in enumerate(zip(found, plan, strict=True), start=1):
        if kind != layer.keras_class:
            return f"layer {number} is {kind} instead of {layer.keras_class}"
        for key, wanted in layer.config.items():
            if key not in TRAINING_ONLY and not _same(config.get(key), wanted):
                return f"{key} of layer {number} ({kind}) is {config.get(key)} instead of {wanted}"
    return None


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, float) and isinstance(value, int | float):
        return math.isclose(value, wanted, rel_tol=1e-6)
    return bool(value == wanted)


def _weights(
    path: Path, archive: zipfile.ZipFile, plan: list[TwinLayer], expected: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Read the planned weights by name; each shape is compared before a byte of it is read."""
    import h5py

    state: dict[str, torch.Tensor] = {}
    with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
        seen: Counter[str] = Counter()
        for layer in plan:
            if not layer.tensors:
                continue
            kind = H5_NAMES[layer.keras_class]
            group = f"layers/{kind}_{seen[kind]}" if seen[kind] else f"layers/{kind}"
            seen[kind] += 1
            wanted = keras_shapes(layer, expected)
            for number, ((name, axes), shape) in enumerate(zip(layer.tensors, wanted, strict=True)):
                state[name] = _tensor(path, file, f"{group}/vars/{number}", shape, axes)
    return state


def _tensor(path: Path, file: Any, place: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> torch.Tensor:
    import h5py

    data = file.get(place)
    if not isinstance(data, h5py.Dataset) or data.shape != shape or data.dtype.kind != "f":
        raise ModelFileError(
            f"{path}: model.weights.h5: {place} is not the weight that the config promises",
            received=f"{data.dtype} {data.shape}" if isinstance(data, h5py.Dataset) else "nothing there",
            allowed=f"float32 {shape}",
            next_step="save the model again",
        )
    return torch_tensor(data[()].astype("float32"), axes)
