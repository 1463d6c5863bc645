"""A network's Keras twin, as a plan: which Keras layers it consists of, and where each weight goes.

The plan is read off the network's own graph (torch.fx), layer by layer, so a new network needs nothing here as long as
it is made of known layers. No Keras is imported: the same plan writes a ``.keras`` file and checks one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx, nn

from kamerton.errors import UsageError
from kamerton.networks.layers import BatchNorm, Flatten

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
    same = tuple((side - 1) // 2 for side in conv.kernel_size)
    paddings = {(0, 0): "valid"} | ({same: "same"} if conv.stride == (1, 1) else {})
    if conv.padding not in paddings:
        raise UsageError(
            "A convolution has no Keras twin", received=f"padding {conv.padding}", allowed=", ".join(map(str, paddings))
        )
    return {
        "filters": conv.out_channels,
        "kernel_size": list(conv.kernel_size),
        "strides": list(conv.stride),
        "padding": paddings[conv.padding],
        "dilation_rate": list(conv.dilation),
        "groups": conv.groups,
        "use_bias": conv.bias is not None,
        "activation": "linear",
    }


def _pool_config(pool: nn.MaxPool2d | nn.AvgPool2d) -> dict[str, Any]:
    def pair(value: Any) -> list[int]:
        return list(value) if isinstance(value, tuple) else [value, value]

    if pair(pool.padding) != [0, 0] or pool.ceil_mode:
        raise UsageError("A pooling has no Keras twin", received=str(pool), allowed="no padding, sizes rounded down")
    return {"pool_size": pair(pool.kernel_size), "strides": pair(pool.stride), "padding": "valid"}


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
    nn.MaxPool2d: Twin("MaxPooling2D", _pool_config),
    nn.AvgPool2d: Twin("AveragePooling2D", _pool_config),
    Flatten: Twin("Flatten", lambda _: {}),
    nn.Dropout: Twin("Dropout", lambda dropout: {"rate": dropout.p}),
}

ACTIVATIONS: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.Tanh: "tanh"}


class _LayerTracer(fx.Tracer):
    """Follows a network down to the layers that Keras knows, and no further."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m) in TWINS or type(m) in ACTIVATIONS or super().is_leaf_module(m, module_qualified_name)


def twin_layers(network: nn.Module) -> list[TwinLayer]:
    """Plan the Keras twin of ``network``, in the order of its graph; the last layer gains the softmax.

    Raises UsageError naming the first layer that Keras has no word for.
    """
    graph = _LayerTracer().trace(network)
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
    kind = type(module)
    inputs = tuple(layer_of[source] for source in node.all_input_nodes)
    if module is not None and kind in ACTIVATIONS and len(node.all_input_nodes[0].users) == 1:
        return _add_activation(layers, inputs[0], ACTIVATIONS[kind])
    if module is None or kind not in TWINS:
        raise UsageError(
            "A layer has no Keras twin",
            received=f"{node.target} ({kind.__name__ if module else node.op})",
            allowed=", ".join(known.__name__ for known in TWINS),
        )
    twin = TWINS[kind]
    path = str(node.target)
    present = module.state_dict()
    tensors = tuple((f"{path}.{name}", axes) for name, axes in twin.tensors if name in present)
    name = path.replace(".", "_")
    layers[name] = TwinLayer(name, twin.keras_class, twin.config(module), inputs, tensors)
    return name


def _add_activation(layers: dict[str, TwinLayer], source: str, activation: str) -> str:
    """Let the source layer end with the activation where it can, as one writes it in Keras; else add a layer for it."""
    layer = layers[source]
    if layer.config.get("activation") == "linear":
        layers[source] = replace(layer, config={**layer.config, "activation": activation})
        return source
    name = f"{source}_{activation}"
    layers[name] = TwinLayer(name, "Activation", {"activation": activation}, (source,))
    return name


def keras_arrays(layer: TwinLayer, state: dict[str, torch.Tensor]) -> list[Any]:
    """Give a layer's weights as NumPy arrays with Keras's axes, in Keras's order."""
    return [state[name].detach().cpu().permute(axes).contiguous().numpy() for name, axes in layer.tensors]


def keras_shapes(layer: TwinLayer, state: dict[str, torch.Tensor]) -> list[tuple[int, ...]]:
    """Give the shapes of a layer's weights with Keras's axes."""
    return [tuple(state[name].shape[axis] for axis in axes) for name, axes in layer.tensors]


def torch_tensor(array: Any, axes: Axes) -> torch.Tensor:
    """Turn a weight with Keras's axes back into PyTorch's."""
    back = sorted(range(len(axes)), key=axes.__getitem__)
    return torch.from_numpy(array).permute(back).contiguous()
