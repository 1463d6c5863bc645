"""Which known network the config in a ``.keras`` file describes: read as data, compared, and never executed."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch

from kamerton.config.pictures import PIXEL_SCALE
from kamerton.errors import ModelFileError, UsageError
from kamerton.formats.keras.graph import FoundLayer, as_in_file, computing_plan, first_difference, shown
from kamerton.formats.keras.settings import odd_setting
from kamerton.formats.keras.twin import TwinLayer, twin_layers
from kamerton.networks.registry import NETWORKS, build_network
from kamerton.records import read_record

MODEL_CLASSES = ("Sequential", "Functional")
"""Models that are nothing but their layers."""

PASSED = {
    "InputLayer": ("batch_shape",),
    "Rescaling": ("scale", "offset"),
    "Dropout": (),
    "ReLU": (),
    "Softmax": (),
    "Activation": ("activation",),
}
"""Layers that are no layer of a plan by themselves, with those of their settings that are looked at elsewhere."""

LAYER_MODULE = "keras.layers"
"""Where Keras's own layers live; a class of the same name from elsewhere may do anything."""

SCALING = "Rescaling"
"""The layer of Keras that may do what Kamerton does to pixels."""

MAX_SIDE = 65_536
"""No cutout has longer sides, and no survey more classes."""


@dataclass(frozen=True)
class FileLayer:
    """One layer as ``config.json`` describes it."""

    class_name: str
    config: dict[str, Any]
    module: str | None = None
    registered_name: str | None = None
    inbound_nodes: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class FileLayers:
    """The layers of a model, and its output layer."""

    layers: list[FileLayer]
    input_layers: list[Any] | None = None
    output_layers: list[Any] | None = None


@dataclass(frozen=True)
class FileModel:
    """What of ``config.json`` is read; the rest tells how the model was trained."""

    class_name: str
    config: FileLayers


@dataclass(frozen=True)
class Recognised:
    """A known network: its settings, its plan, and its weights as empty tensors."""

    network: str
    size: int
    channels: int
    classes: int
    has_scaling: bool
    """Whether the file divides pixels by 255 itself."""
    plan: list[TwinLayer]
    expected: dict[str, torch.Tensor]


def recognise(path: Path, content: bytes) -> Recognised:
    """Find the known network that a ``config.json`` describes; ModelFileError with the differences where none is."""
    where = f"{path}: this is not a model saved by Keras 3: config.json"
    model = read_record(FileModel, json.loads(content), where, ModelFileError)
    if model.class_name not in MODEL_CLASSES:
        raise ModelFileError(
            f"{path}: the model is of a class of its own, which only its program can build",
            received=repr(model.class_name),
            allowed=", ".join(MODEL_CLASSES),
            next_step="rebuild it from Keras's own layers",
        )
    (size, channels), classes = _ends(path, model.config.layers)
    found = _computing_layers(path, model)
    differences = []
    for name in _candidates(size, len(found)):
        with torch.device("meta"):
            network = build_network(name, size=size, channels=channels, classes=classes)
        plan = computing_plan(twin_layers(network))
        difference = first_difference(found, plan)
        if difference is None:
            in_file = as_in_file(found, plan)
            has_scaling = any(layer.class_name == SCALING for layer in model.config.layers)
            return Recognised(name, size, channels, classes, has_scaling, in_file, dict(network.state_dict()))
        differences.append(f"{name}: {difference}")
    raise ModelFileError(
        f"{path}: describes a network of its own, and Kamerton reads the weights of those that it has itself",
        received="; ".join(differences) or f"{len(found)} layers for images of {size} pixels",
        allowed=", ".join(f"{name} ({layer_count(name)} layers)" for name in NETWORKS if layer_count(name)),
        next_step="train one of these with `kamerton train`; the history of your own, a CSV as the notebook writes it, "
        "joins the learning curves with `kamerton compare --history`",
    )


def _candidates(size: int, count: int) -> Iterator[str]:
    """Name the networks for such images that have as many layers, so that only these are looked at closely."""
    for name, entry in NETWORKS.items():
        if size >= entry.smallest_size and layer_count(name) == count:
            yield name


@cache
def layer_count(network: str) -> int | None:
    """Count the computing layers of a known network's Keras twin; None where it has no twin."""
    entry = NETWORKS[network]
    with torch.device("meta"):
        built = entry.build(entry.smallest_size, 3, 2)
    try:
        return len(computing_plan(twin_layers(built)))
    except UsageError:
        return None


def _ends(path: Path, layers: list[FileLayer]) -> tuple[tuple[int, int], int]:
    """Find the input's (size, channels) and the number of classes."""
    shape = layers[0].config.get("batch_shape") if layers and layers[0].class_name == "InputLayer" else None
    dense = [layer for layer in layers if layer.class_name == "Dense"]
    sides = [*shape[1:], dense[-1].config.get("units")] if isinstance(shape, list) and dense else []
    sound = len(sides) == 4 and all(type(side) is int and 1 <= side <= MAX_SIDE for side in sides)
    if not sound or sides[0] != sides[1]:
        raise ModelFileError(
            f"{path}: this is not a model saved by Keras 3 that sorts square images into classes",
            received=f"an input of shape {shown(shape)}" if shape is not None else "no input layer",
            allowed="first an InputLayer of batch_shape [null, size, size, channels], last a Dense layer of classes",
        )
    return (sides[0], sides[2]), sides[3]


def _computing_layers(path: Path, model: FileModel) -> list[FoundLayer]:
    """List the layers that compute something, with separate activations joined to the layer before them."""
    found: list[FoundLayer] = [FoundLayer("InputLayer", {}, ())]
    number_of: dict[str, int] = {}
    feeds = _feeds(model)
    users = Counter(source for sources in feeds for source in sources)
    for layer, sources in zip(model.config.layers, feeds, strict=True):
        kind, name = layer.class_name, str(layer.config.get("name"))
        if layer.module != LAYER_MODULE or layer.registered_name is not None:
            raise ModelFileError(
                f"{path}: a layer is of a class of its own, which is never run",
                received=f"{shown(layer.registered_name or kind)} of {shown(layer.module)}",
                allowed=f"layers of {LAYER_MODULE}",
                next_step="rebuild the model from Keras's own layers",
            )
        if name in number_of:
            raise ModelFileError(f"{path}: two layers have one name", received=shown(name))
        numbers = tuple(number_of[source] for source in sources)
        if kind in PASSED:
            _check_passed(path, layer, is_first=not number_of)
        activation = {"ReLU": "relu", "Softmax": "softmax", "Activation": layer.config.get("activation")}.get(kind)
        before = found[numbers[0]] if numbers else found[0]
        if kind == "InputLayer":
            number_of[name] = 0
        elif kind == SCALING:
            is_alone = sources == [model.config.layers[0].config.get("name")] and users[sources[0]] == 1
            _require_usual_scaling(path, layer, is_alone=is_alone)
            number_of[name] = 0
        elif kind == "Dropout":
            number_of[name] = numbers[0]
        elif activation and before.config.get("activation") == "linear" and users[sources[0]] == 1:
            before.config["activation"] = activation
            number_of[name] = numbers[0]
        else:
            apart = FoundLayer("Activation", {"activation": activation}, numbers)
            found.append(apart if activation else FoundLayer(kind, dict(layer.config), numbers))
            number_of[name] = len(found) - 1
    _check_ends(path, model, number_of, len(found) - 1)
    return found[1:]


def _check_ends(path: Path, model: FileModel, number_of: dict[str, int], last: int) -> None:
    """Refuse a model that begins or ends within, or at several places."""
    if model.class_name == "Sequential":
        inputs, outputs = [0], [number_of[str(model.config.layers[-1].config.get("name"))]]
    else:
        ends = (model.config.input_layers, model.config.output_layers)
        inputs, outputs = ([number_of[name] for name in _end_names(end)] for end in ends)
    if inputs != [0] or outputs != [last]:
        received = f"input_layers {shown(model.config.input_layers)}, output_layers {shown(model.config.output_layers)}"
        raise ModelFileError(
            f"{path}: the output is not that of the last layer, or the input not that of the first",
            received=received,
            allowed="one input and one output",
        )


def _check_passed(path: Path, layer: FileLayer, *, is_first: bool) -> None:
    """Refuse an input that is not the only one, and a layer that is passed over here but does not only pass on."""
    odd = odd_setting(layer.config, PASSED[layer.class_name])
    if odd is None and is_first != (layer.class_name == "InputLayer"):
        odd = "name"
    if odd is not None:
        raise ModelFileError(
            f"{path}: {odd} of {shown(layer.config.get('name'))} ({layer.class_name}) makes another network of it",
            received=shown(layer.config.get(odd)),
            allowed="one input of float32; ReLU, Softmax and Activation without settings of their own",
            next_step="rebuild the model with plain layers",
        )


def _require_usual_scaling(path: Path, layer: FileLayer, *, is_alone: bool) -> None:
    """Refuse a Rescaling that is not what Kamerton does to pixels itself, before the network."""
    scale, offset = layer.config.get("scale"), layer.config.get("offset")
    usual = isinstance(scale, int | float) and math.isclose(scale, 1 / PIXEL_SCALE, rel_tol=1e-6) and offset == 0
    if not usual or not is_alone:
        raise ModelFileError(
            f"{path}: the model scales pixels in a way of its own",
            received=f"Rescaling by {shown(scale)} with offset {shown(offset)}",
            allowed=f"Rescaling by 1/{PIXEL_SCALE:g} without offset, alone behind the input, or none",
            next_step=f"train the model on pixels divided by {PIXEL_SCALE:g}, as the notebook does",
        )


def _feeds(model: FileModel) -> list[list[str]]:
    """List what feeds each layer, by name: the layer before it in a Sequential model, else what the config says."""
    layers = model.config.layers
    if model.class_name == "Sequential":
        names = [str(layer.config.get("name")) for layer in layers]
        return [[], *([name] for name in names[:-1])]
    feeds: list[list[str]] = []
    for layer in layers:
        if len(layer.inbound_nodes) != (layer.class_name != "InputLayer"):
            raise ValueError(f"a layer is used {len(layer.inbound_nodes)} times")
        for node in layer.inbound_nodes:
            _check_call(node)
        feeds.append(list(_histories(layer.inbound_nodes)))
    return feeds


def _check_call(node: Any) -> None:
    """Refuse a layer that is called with more than what feeds it: ``training=True`` gives other answers."""
    if not isinstance(node, dict) or set(node) != {"args", "kwargs"} or len(node["args"]) != 1:
        raise ValueError(f"a layer is called with {shown(node)}")
    for name, value in node["kwargs"].items():
        if value is not None and not (name == "training" and value is False):
            raise ValueError(f"a layer is called with {shown(name)} = {shown(value)}")


def _histories(value: Any) -> Iterator[str]:
    """Find every ``keras_history`` of a node: the name of a layer whose output goes in."""
    if isinstance(value, dict):
        history = value.get("keras_history")
        if history is not None:
            if history[1:] != [0, 0]:
                raise ValueError(f"a layer is fed by the output {shown(history)}")
            yield str(history[0])
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _histories(part)


def _end_names(ends: list[Any] | None) -> Iterator[str]:
    """Names of the layers that are ends of a model: ``["name", 0, 0]``, or a list of such."""
    several = [ends] if ends and isinstance(ends[0], str) else ends or []
    for name, *place in several:
        if place != [0, 0]:
            raise ValueError(f"a model ends at {shown(name)}, output {shown(place)}")
        yield str(name)
