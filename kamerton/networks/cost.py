"""Floating-point operations of a network, counted on its own graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from kamerton.machine.tiled_convolutions import Convolution
from kamerton.networks.layers import WithAuxiliary, evaluating


def _product(output: torch.Tensor, left: torch.Tensor, *_: Any) -> int:
    return 2 * output.numel() * left.shape[-1]


def _backward(gradient: torch.Size, _images: torch.Size, weight: torch.Size, *further: Any, **_: Any) -> int:
    """Count what a convolution's gradients take, of shapes: each wanted one as much as the way through."""
    wanted = further[-1]
    return int(2 * math.prod(gradient) * math.prod(weight[1:]) * sum(wanted[:2]))


OPERATIONS: dict[Any, Callable[..., int]] = {
    F.conv2d: lambda output, _, weight: 2 * output.numel() * weight[0].numel(),
    F.scaled_dot_product_attention: lambda _, query, key: 4 * query.numel() * key.shape[-2],
    **dict.fromkeys((F.linear, torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__), _product),
}
"""What is counted: (output, first input, second input) -> operations."""


class _Counter(TorchFunctionMode):
    """Sums the operations of every call with one image, and those that tiles would compute of ``images``."""

    def __init__(self, instead: Mapping[Any, Callable[..., Any]], images: int, *, side_by_side: bool) -> None:
        super().__init__()
        self.instead = instead
        self.images = images
        self.side_by_side = side_by_side
        self.total = self.in_tiles = 0

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        output = self.instead.get(func, func)(*args, **(kwargs or {}))
        if func in OPERATIONS:
            operations = OPERATIONS[func](output, *(*args, *(kwargs or {}).values())[:2])
            self.total += operations
            if func is F.conv2d and self._in_tiles(Convolution(*args, **(kwargs or {}))):
                self.in_tiles += operations
        return output

    def _in_tiles(self, one: Convolution) -> bool:
        many = one._replace(input=one.input.expand(self.images, *one.input.shape[1:]))
        return (many.gains_side_by_side if self.side_by_side else many.gains) and many.in_reach


def count_training_flops(network: nn.Module, *, size: int, channels: int) -> int:
    """Count the floating-point operations of one image in a training step, forward and backward pass together.

    The first layer needs no gradient of its images, so it is less than three times the forward pass. Counted by PyTorch
    on the graph of a loss, auxiliary heads included.
    """
    from torch.utils.flop_counter import FlopCounterMode

    images, was_training = 2, network.training
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    network.train()
    # PyTorch's own count of a backward pass takes convolutions in groups for whole ones.
    counter = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.convolution_backward: _backward})
    with counter:
        output = network(torch.zeros(images, channels, size, size, device=next(network.parameters()).device))
        heads = (output.logits, *output.auxiliary) if isinstance(output, WithAuxiliary) else (output,)
        torch.autograd.backward(torch.stack(heads).sum())
    network.zero_grad(set_to_none=True)
    network.train(was_training)
    for name, buffer in network.named_buffers():
        buffer.copy_(before[name])
    return int(counter.get_total_flops()) // images


def count_flops(
    network: nn.Module, *, size: int, channels: int, shapes: Mapping[Any, Callable[..., Any]] | None = None
) -> int:
    """Count the floating-point operations of one image's way through a network: a multiply and an add are two.

    Convolutions and matrix products are counted; all else is small beside them. The network may be on ``meta``, and
    then nothing is computed; ``shapes`` are what to call there instead, as `meta_shapes` has them.
    """
    return _counted(network, size, channels, shapes or {}).total


def share_in_tiles(network: nn.Module, *, size: int, channels: int, images: int, side_by_side: bool = False) -> float:
    """Give the share of a network's operations, 0 to 1, that tiles compute faster here in batches of so many images.

    Of images by themselves, or of those of a batch side by side.
    """
    counted = _counted(network, size, channels, {}, images, side_by_side=side_by_side)
    return counted.in_tiles / max(counted.total, 1)


def _counted(
    network: nn.Module,
    size: int,
    channels: int,
    shapes: Mapping[Any, Callable[..., Any]],
    images: int = 1,
    *,
    side_by_side: bool = False,
) -> _Counter:
    counter = _Counter(shapes, images, side_by_side=side_by_side)
    with evaluating(network), torch.no_grad(), counter:
        network(torch.zeros(1, channels, size, size, device=next(network.parameters()).device))
    return counter
