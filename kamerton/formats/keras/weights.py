"""The weights in a ``.keras`` file's HDF5: found by name, and checked before a number is read.

Keras writes each weight as one plain block of floats under a hard link. Nothing else is followed or read: no soft or
external links, no virtual, external, chunked or compressed data, whose declared shapes cost their file nothing.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from jaxtyping import Float32

from kamerton.errors import ModelFileError
from kamerton.formats.keras.twin import TwinLayer, keras_shapes, torch_tensor

H5_NAMES = {
    "Conv2D": "conv2d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "Dense": "dense",
    "BatchNormalization": "batch_normalization",
    "LayerNormalization": "layer_normalization",
}
"""How Keras names the weights of a layer class inside ``model.weights.h5``."""

FLOATS = tuple(np.dtype(name) for name in ("<f4", "<f2", "<f8"))

OPTIMIZER_COPIES = 5
"""No optimizer of Keras keeps more numbers a weight: AMSGrad 3, an average of the weights 1, a sum of gradients 1."""

SLACK_BYTES = 4 << 20
"""What HDF5 may need around the numbers: a few hundred bytes a weight."""

MAX_MEMBERS = 10_000
"""No group of a known network has more members."""


def weights_limit_bytes(expected: dict[str, torch.Tensor]) -> int:
    """Give the length that ``model.weights.h5`` may have for a network with these weights and any optimizer."""
    return (1 + OPTIMIZER_COPIES) * sum(4 * tensor.numel() for tensor in expected.values()) + SLACK_BYTES


def read_weights(
    path: Path, content: IO[bytes], plan: list[TwinLayer], expected: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Read the planned weights by name; each link, type and shape is compared before a byte of it is read.

    Raises ModelFileError where one is missing, too many or another, and whatever h5py does for a damaged file.
    """
    import h5py

    size_bytes = content.seek(0, os.SEEK_END)
    state: dict[str, torch.Tensor] = {}
    with h5py.File(content, "r") as file:
        layers = _group(path, file, "layers")
        planned: set[str] = set()
        seen: Counter[str] = Counter()
        for layer in plan:
            if not layer.tensors:
                continue
            kind = H5_NAMES[layer.keras_class]
            name = f"{kind}_{seen[kind]}" if seen[kind] else kind
            seen[kind] += 1
            planned.add(name)
            weights = _weights_of(path, layers, name, len(layer.tensors))
            wanted = keras_shapes(layer, expected)
            for number, ((tensor_name, axes), shape) in enumerate(zip(layer.tensors, wanted, strict=True)):
                data = _plain_block(path, weights, str(number), shape, size_bytes)
                state[tensor_name] = torch_tensor(_floats(path, data), axes)
        for name in set(layers) - planned:
            _weights_of(path, layers, name, 0)
    return state


def _weights_of(path: Path, layers: Any, name: str, count: int) -> Any:
    """Find the group of a layer's weights, and refuse more or fewer of them than planned."""
    weights = _group(path, _group(path, layers, name), "vars")
    if len(weights) != count:
        raise _refusal(path, weights, "holds another number of weights", str(len(weights)), str(count))
    return weights


def _linked(path: Path, group: Any, name: str) -> Any:
    """Follow a hard link; soft and external ones could lead anywhere."""
    import h5py

    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        found = "nothing there" if link is None else type(link).__name__
        raise _refusal(path, f"{group.name.rstrip('/')}/{name}", "is not in the file itself", found, "a plain entry")
    return group[name]


def _group(path: Path, parent: Any, name: str) -> Any:
    import h5py

    group = _linked(path, parent, name)
    if not isinstance(group, h5py.Group) or len(group) > MAX_MEMBERS:
        found = f"{len(group)} members" if isinstance(group, h5py.Group) else type(group).__name__
        raise _refusal(path, group, "is not a group of weights", found, f"a group of at most {MAX_MEMBERS}")
    return group


def _plain_block(path: Path, group: Any, name: str, shape: tuple[int, ...], size_bytes: int) -> Any:
    """Find a weight, stored as one block of floats inside the file."""
    import h5py

    data = _linked(path, group, name)
    if (
        not isinstance(data, h5py.Dataset)
        or data.shape != shape
        or data.dtype not in map(np.dtype, ("<f2", "<f4", "<f8"))
    ):
        found = f"{data.dtype} {data.shape}" if isinstance(data, h5py.Dataset) else type(data).__name__
        raise _refusal(path, data, "is not the weight that the config promises", found, f"float32 {shape}")
    settings = data.id.get_create_plist()
    stored_bytes, start = data.id.get_storage_size(), data.id.get_offset()
    whole = (
        settings.get_layout() == h5py.h5d.CONTIGUOUS
        and settings.get_external_count() == 0
        and stored_bytes == math.prod(shape) * data.dtype.itemsize
        and start is not None
        and start + stored_bytes <= size_bytes
    )
    if not whole:
        found = f"{stored_bytes} bytes, virtual, external, compressed or never written"
        raise _refusal(path, data, "is not stored in one piece", found, "a plain block of floats, as Keras writes it")
    return data


def _floats(path: Path, data: Any) -> Float32[np.ndarray, "*axes"]:
    """Read a weight as float32; what became infinite or NaN in training is of no use to anybody."""
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.asarray(data[()].astype(np.float32))
    if not np.isfinite(values).all():
        raise _refusal(path, data, "is not a finite number", "NaN or infinity", "finite numbers, within float32")
    return values


def _refusal(path: Path, place: Any, what: str, received: str, allowed: str) -> ModelFileError:
    name = place if isinstance(place, str) else place.name
    return ModelFileError(
        f"{path}: model.weights.h5: {str(name).lstrip('/')} {what}",
        received=received,
        allowed=allowed,
        next_step="save the model again",
    )
