"""A network's Keras twin, as a plan: which Keras layers it consists of, and where each weight goes.

The plan is read off the network's own graph (torch.fx), layer by layer, so a new network needs nothing here as long as
it is made of known layers. No Keras is imported: the same plan writes a ``.keras`` file and checks one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import fx, nn

from kamerton.errors import UsageError
from kamerton.networks.layers import (
    BatchNorm,
    ChannelNorm,
    Flatten,
    GlobalAverage,
    LayerScale,
    Standardise,
    StochasticDepth,
    evaluating,
)

Axes = tuple[int, ...]


@dataclass(frozen=True)
class TwinLayer:
    """One Keras layer: its class and settings, what feeds it, and its weights in Keras's order."""

    name: str
    keras_class: str
    config: dict[str, Any]
    inputs: tuple[str, ...]
    tensors: tuple[tuple[str, Axes], ...] = ()
    """(name in the state dict, order of its axes in Keras)"""


@dataclass(frozen=True)
class Twin:
    """How one kind of PyTorch layer is said in Keras."""

    keras_class: str
    config: Callable[[Any], dict[str, Any]]
    tensors: tuple[tuple[str, Axes], ...] = ()


def _conv_config(conv: nn.Conv2d) -> dict[str, Any]:
    if conv.padding_mode != "zeros":
        raise UsageError("A convolution has no Keras twin", received=f"padding {conv.padding_mode}", allowed="zeros")
    shared = {
        "kernel_size": list(conv.kernel_size),
        "strides": list(conv.stride),
        "padding": "same" if _is_same(conv) else "valid",
        "dilation_rate": list(conv.dilation),
        "use_bias": conv.bias is not None,
        "activation": "linear",
    }
    if _is_depthwise(conv):
        return {"depth_multiplier": 1, **shared}
    return {"filters": conv.out_channels, "groups": conv.groups, **shared}


def _is_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels == module.out_channels


def _is_same(module: nn.Module) -> bool:
    """Tell whether the padding is that which Keras calls "same": the sides stay, with as much on either side."""
    if not isinstance(module, nn.Conv2d | nn.MaxPool2d) or _pair(module.padding) == [0, 0]:
        return False
    wanted = [d * (k - 1) / 2 for k, d in zip(_pair(module.kernel_size), _pair(module.dilation), strict=True)]
    return _pair(module.stride) == [1, 1] and _pair(module.padding) == wanted


def _pool_config(pool: nn.MaxPool2d | nn.AvgPool2d) -> dict[str, Any]:
    counts_padding = getattr(pool, "count_include_pad", True) or _pair(pool.padding) == [0, 0]
    if pool.ceil_mode or not counts_padding or _pair(getattr(pool, "dilation", 1)) != [1, 1]:
        raise UsageError(
            "A pooling has no Keras twin", received=str(pool), allowed="sizes rounded down, padding that counts"
        )
    return {
        "pool_size": _pair(pool.kernel_size),
        "strides": _pair(pool.stride),
        "padding": "same" if _is_same(pool) else "valid",
    }


def _pair(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else [value, value]


TWINS: dict[type[nn.Module], Twin] = {
    nn.Conv2d: Twin("Conv2D", _conv_config, (("weight", (2, 3, 1, 0)), ("bias", (0,)))),
    nn.Linear: Twin(
        "Dense",
        lambda dense: {"units": dense.out_features, "use_bias": dense.bias is not None, "activation": "linear"},
        (("weight", (1, 0)), ("bias", (0,))),
    ),
    BatchNorm: Twin(
        "BatchNormalization",
        lambda norm: {"axis": -1, "momentum": 1 - norm.momentum, "epsilon": norm.eps},
        (("weight", (0,)), ("bias", (0,)), ("running_mean", (0,)), ("running_var", (0,))),
    ),
    ChannelNorm: Twin(
        "LayerNormalization",
        lambda norm: {"axis": [-1], "epsilon": norm.eps},
        (("weight", (0,)), ("bias", (0,))),
    ),
    # A number for each channel is a convolution of each channel with one pixel.
    LayerScale: Twin(
        "DepthwiseConv2D",
        lambda _: {"kernel_size": [1, 1], "depth_multiplier": 1, "use_bias": False, "activation": "linear"},
        (("weight", (2, 3, 0, 1)),),
    ),
    Standardise: Twin(
        "DepthwiseConv2D",
        lambda _: {"kernel_size": [1, 1], "depth_multiplier": 1, "use_bias": True, "activation": "linear"},
        (("weight", (2, 3, 0, 1)), ("bias", (0,))),
    ),
    nn.ZeroPad2d: Twin("ZeroPadding2D", lambda pad: {"padding": [list(pad.padding[2:]), list(pad.padding[:2])]}),
    nn.MaxPool2d: Twin("MaxPooling2D", _pool_config),
    nn.AvgPool2d: Twin("AveragePooling2D", _pool_config),
    GlobalAverage: Twin("GlobalAveragePooling2D", lambda average: {"keepdims": average.keep_sides}),
    Flatten: Twin("Flatten", lambda _: {}),
    nn.Dropout: Twin("Dropout", lambda dropout: {"rate": dropout.p}),
    StochasticDepth: Twin("Dropout", lambda depth: {"rate": depth.rate, "noise_shape": [None, 1, 1, 1]}),
}

DEPTHWISE = Twin("DepthwiseConv2D", _conv_config, (("weight", (2, 3, 0, 1)), ("bias", (0,))))
"""A convolution of each channel by itself, which Keras trains on any machine, unlike Conv2D in groups."""

ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.Tanh: "tanh",
    nn.SiLU: "silu",
    nn.Sigmoid: "sigmoid",
    nn.GELU: "gelu",
}

FUNCTIONS: dict[Any, Twin] = {
    operator.add: Twin("Add", lambda _: {}),
    operator.mul: Twin("Multiply", lambda _: {}),
    torch.cat: Twin("Concatenate", lambda _: {"axis": -1}),
}
"""What a ``forward`` may do with the results of layers; all are joined along the channels."""

UNTRACEABLE = (fx.proxy.TraceError, TypeError, ValueError, RuntimeError, AttributeError, LookupError, AssertionError)
"""What torch.fx raises for a network whose graph depends on its images."""


class _LayerTracer(fx.Tracer):
    """Follows a network down to the layers that Keras knows, and to what has weights of its own; no further."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        has_weights = any(True for _ in m.parameters(recurse=False))
        known = type(m) in TWINS or type(m) in ACTIVATIONS
        return known or has_weights or super().is_leaf_module(m, module_qualified_name)


def twin_layers(network: nn.Module) -> list[TwinLayer]:
    """Plan the Keras twin of ``network`` in evaluation, in the order of its graph; the last layer gains the softmax.

    Layers that only learning uses, as auxiliary heads, are left out. Raises UsageError naming the first layer that
    Keras has no word for.
    """
    with evaluating(network):
        try:
            graph = _LayerTracer().trace(network)
        except UNTRACEABLE as error:
            raise UsageError(
                "The network has no Keras twin: its graph cannot be followed",
                received=f"{type(network).__name__}: {str(error)[:200]}",
                allowed="a network whose layers are the same for every image",
            ) from error
    layers: dict[str, TwinLayer] = {}
    layer_of: dict[fx.Node, str] = {}
    for node in graph.nodes:
        if node.op == "placeholder":
            layer_of[node] = "input"
        elif node.op == "output":
            _add_activation(layers, layer_of[node.args[0]], "softmax")
        else:
            layer_of[node] = _add_layer(layers, network, node, layer_of)
    return list(layers.values())


def _add_layer(layers: dict[str, TwinLayer], network: nn.Module, node: fx.Node, layer_of: dict[fx.Node, str]) -> str:
    """Add the layer of one node of the graph and give its name."""
    module = network.get_submodule(str(node.target)) if node.op == "call_module" else None
    inputs = tuple(layer_of[source] for source in node.all_input_nodes)
    if isinstance(module, nn.Identity):
        return inputs[0]
    activation = _activation(module)
    if activation and len(node.all_input_nodes[0].users) == 1:
        return _add_activation(layers, inputs[0], activation)
    if activation:
        return _add_activation_layer(layers, inputs[0], activation, str(node.name))
    twin = _twin(module, node)
    if module is None:
        layers[node.name] = TwinLayer(node.name, twin.keras_class, twin.config(None), inputs)
        return node.name
    path = str(node.target)
    present = module.state_dict()
    tensors = tuple((f"{path}.{name}", axes) for name, axes in twin.tensors if name in present)
    name = path.replace(".", "_")
    padding = _zero_padding(module, node, network)
    if padding is not None:
        padded = f"{name}_padding"
        layers[padded] = TwinLayer(padded, "ZeroPadding2D", {"padding": padding}, inputs)
        inputs = (padded,)
    layers[name] = TwinLayer(name, twin.keras_class, twin.config(module), inputs, tensors)
    return name


def _twin(module: nn.Module | None, node: fx.Node) -> Twin:
    """Find how Keras says a node of the graph."""
    if module is None:
        along_channels = node.target is not torch.cat or node.args[1:] == (1,)
        twin = FUNCTIONS.get(node.target) if len(node.all_input_nodes) > 1 and along_channels else None
    else:
        twin = DEPTHWISE if _is_depthwise(module) else TWINS.get(type(module))
    if twin is None:
        kind = _import_name(type(module)) if module is not None else node.op
        raise UsageError(
            "A layer has no Keras twin",
            received=f"{node.target} ({kind})",
            allowed=", ".join(map(_import_name, (*TWINS, *ACTIVATIONS))),
        )
    return twin


def _import_name(kind: type[nn.Module]) -> str:
    """Name a layer so that PyTorch's and Kamerton's of the same name, as Flatten, are told apart."""
    package = "nn" if kind.__module__.startswith("torch.nn.") else kind.__module__
    return f"{package}.{kind.__name__}"


def _activation(module: nn.Module | None) -> str | None:
    """Give Keras's word for an activation; its GELU is the exact one."""
    if isinstance(module, nn.GELU) and module.approximate != "none":
        return None
    return ACTIVATIONS.get(type(module)) if module is not None else None


def _zero_padding(module: nn.Module, node: fx.Node, network: nn.Module) -> list[list[int]] | None:
    """Give the zeros that must be put around the images first: ((top, bottom), (left, right)), or None for none.

    PyTorch pads as much on either side, Keras does so for a stride of one only. Max pooling takes zeros for nothing
    where the images are not negative.
    """
    if not isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) or _is_same(module):
        return None
    rows, columns = _pair(module.padding)
    if rows == columns == 0:
        return None
    if isinstance(module, nn.MaxPool2d) and not _never_negative(node.all_input_nodes[0], network):
        raise UsageError(
            "A pooling has no Keras twin", received=str(module), allowed="padding only behind ReLU, or a stride of one"
        )
    return [[rows, rows], [columns, columns]]


def _never_negative(node: fx.Node, network: nn.Module) -> bool:
    """Tell whether what a node gives is zero or more for any images: it comes from ReLU, perhaps pooled or joined."""
    if node.op == "call_module":
        module = network.get_submodule(str(node.target))
        if isinstance(module, nn.ReLU | nn.ReLU6):
            return True
        if not isinstance(module, nn.MaxPool2d | nn.AvgPool2d | nn.Dropout):
            return False
    elif node.target not in {torch.cat, operator.add}:
        return False
    return all(_never_negative(source, network) for source in node.all_input_nodes)


def _add_activation(layers: dict[str, TwinLayer], source: str, activation: str) -> str:
    """Let the source layer end with the activation where it can, as one writes it in Keras; else add a layer for it."""
    layer = layers[source]
    if layer.config.get("activation") == "linear":
        layers[source] = replace(layer, config={**layer.config, "activation": activation})
        return source
    return _add_activation_layer(layers, source, activation, f"{source}_{activation}")


def _add_activation_layer(layers: dict[str, TwinLayer], source: str, activation: str, name: str) -> str:
    layers[name] = TwinLayer(name, "Activation", {"activation": activation}, (source,))
    return name


def keras_arrays(layer: TwinLayer, state: dict[str, torch.Tensor]) -> list[Any]:
    """Give a layer's weights as NumPy arrays with Keras's axes, in Keras's order."""
    return [state[name].detach().cpu().permute(axes).contiguous().numpy() for name, axes in layer.tensors]


def keras_shapes(layer: TwinLayer, state: dict[str, torch.Tensor]) -> list[tuple[int, ...]]:
    """Give the shapes of a layer's weights with Keras's axes."""
    return [tuple(state[name].shape[axis] for axis in axes) for name, axes in layer.tensors]


def torch_tensor(array: Float32[np.ndarray, "*axes"], axes: Axes) -> torch.Tensor:
    """Turn a weight with Keras's axes back into PyTorch's."""
    back = sorted(range(len(axes)), key=axes.__getitem__)
    return torch.from_numpy(array).permute(back).contiguous()
