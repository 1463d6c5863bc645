"""What a network makes of an image before it decides: the numbers that its last dense layer is given."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

Tapped = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Probabilities (n, classes), logits (n, classes) and features (n, features)."""


class WithFeatures(nn.Module):
    """A network that also gives its logits and its features; images (n, channels, size, size) scaled to 0..1.

    The features are the input of the dense layer whose output the network gives, found by watching one pass through
    it, whatever the layer is called; a network that ends in anything else gives its logits in their place.
    """

    def __init__(self, network: nn.Module, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.network = network
        height, width, channels = image_shape
        # A tuple, so that PyTorch does not count the layer's weights twice.
        self._last = (_last_dense(network, (1, channels, height, width)),)

    @property
    def last(self) -> nn.Linear | None:
        """The dense layer that decides; None where the network ends in anything else."""
        return self._last[0]

    def forward(self, images_nchw: torch.Tensor) -> Tapped:
        kept: list[torch.Tensor] = []
        layer = self._last[0]
        if layer is None:
            logits = self.network(images_nchw)
            return logits.softmax(1), logits, logits.clone()
        watching = layer.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
        try:
            logits = self.network(images_nchw)
        finally:
            watching.remove()
        return logits.softmax(1), logits, kept[-1]


@torch.inference_mode()
def _last_dense(network: nn.Module, shape: tuple[int, int, int, int]) -> nn.Linear | None:
    """Find the dense layer whose output is the network's; None where it ends in anything else."""
    outputs: list[tuple[nn.Linear, torch.Tensor]] = []

    def keep(layer: nn.Module, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        if isinstance(layer, nn.Linear) and inputs[0].dim() == 2:
            outputs.append((layer, output))

    watching = [layer.register_forward_hook(keep) for layer in network.modules() if isinstance(layer, nn.Linear)]
    try:
        device = next(network.parameters()).device
        logits = network(torch.zeros(shape, device=device))
    finally:
        for one in watching:
            one.remove()
    return next((layer for layer, output in reversed(outputs) if output is logits), None)
