"""``.keras`` files: writing a network's twin through Keras, and reading one's weights without running anything in it.

A ``.keras`` file is a zip of ``config.json``, ``metadata.json`` and ``model.weights.h5``. Reading takes the config as
data, to find which known network it describes, and the weights by name and shape; no Keras is imported for it.
"""

from __future__ import annotations

import os
import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kamerton.config.pictures import PIXEL_SCALE
from kamerton.errors import ModelFileError, UsageError
from kamerton.files import whole_file
from kamerton.formats.keras.archive import open_archive
from kamerton.formats.keras.config import recognise
from kamerton.formats.keras.twin import keras_arrays, twin_layers
from kamerton.formats.keras.weights import read_weights, weights_limit_bytes

DAMAGE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error),
    *(LookupError, TypeError, ValueError, RuntimeError, ArithmeticError),
)
"""What zipfile, json, h5py and PyTorch raise for bytes that are not what they should be."""


def has_keras_twin(network: nn.Module) -> bool:
    """Tell whether every layer of the network can be said in Keras."""
    try:
        twin_layers(network)
    except UsageError:
        return False
    return True


def build_keras(
    network: nn.Module, image_shape: tuple[int, int, int], name: str = "kamerton", *, with_scaling: bool = False
) -> Any:
    """Build the Keras twin with the network's weights: images (n, H, W, C) scaled to 0..1 give probabilities.

    With ``with_scaling`` it scales them itself, and takes pixels of 0 to 255.
    """
    # Before TensorFlow is loaded, which takes seconds: a network without a twin is refused here.
    layers = twin_layers(network)
    keras = import_keras()
    images = keras.Input(image_shape, name="input")
    outputs = {"input": keras.layers.Rescaling(1 / PIXEL_SCALE, name="scaling")(images) if with_scaling else images}
    for layer in layers:
        make = getattr(keras.layers, layer.keras_class)(name=layer.name, **layer.config)
        sources = [outputs[name] for name in layer.inputs]
        outputs[layer.name] = make(sources[0] if len(sources) == 1 else sources)
    model = keras.Model(images, outputs[layers[-1].name], name=name)
    state = network.state_dict()
    for layer in layers:
        model.get_layer(layer.name).set_weights(keras_arrays(layer, state))
    return model


def write_keras(
    network: nn.Module,
    image_shape: tuple[int, int, int],
    path: Path,
    name: str = "kamerton",
    *,
    with_scaling: bool = False,
) -> None:
    """Write the Keras twin so that plain ``keras.saving.load_model`` opens it; UsageError where there is no twin."""
    model = build_keras(network, image_shape, name, with_scaling=with_scaling)
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
    has_scaling: bool
    """Whether the file divides pixels by 255 itself."""
    state: dict[str, torch.Tensor]
    """Weights by PyTorch's names, for ``load_state_dict(strict=False)``."""


def read_keras(path: Path) -> KerasContents:
    """Read the weights of a known network from a ``.keras`` file, whoever wrote it.

    The file's config is compared with each known network's and never executed. Raises ModelFileError where the file is
    damaged, hostile or describes another network, before memory is spent on what it claims to hold.
    """
    try:
        with open_archive(path) as archive:
            known = recognise(path, archive.config())
            with archive.weights(weights_limit_bytes(known.expected)) as content:
                state = read_weights(path, content, known.plan, known.expected)
    except ModelFileError:
        raise
    except DAMAGE as error:
        raise ModelFileError(
            f"{path}: this is not a model saved by Keras 3",
            received=f"{type(error).__name__}: {str(error)[:200]}",
            next_step="save it with `model.save('NAME.keras')`",
        ) from error
    return KerasContents(known.network, known.size, known.channels, known.classes, known.has_scaling, state)
