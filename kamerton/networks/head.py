"""A network's head: the dense layers that name the classes, one, or more where auxiliary heads do so too."""

from __future__ import annotations

from torch import nn


def head_parameters(network: nn.Module) -> frozenset[str]:
    """Name the parameters of the head; those of all of the network where it has no dense layer.

    These are of the dense layers that have as many outputs as the last one, in the order in which they were built.
    """
    dense = {name: module for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    if not dense:
        return frozenset(name for name, _ in network.named_parameters())
    classes = list(dense.values())[-1].out_features
    named = {path: layer for path, layer in dense.items() if layer.out_features == classes}
    return frozenset(f"{path}.{name}" for path, layer in named.items() for name, _ in layer.named_parameters())
