"""What a network costs, counted on its own graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from kamerton.networks.layers import evaluating


def _convolution(output: torch.Tensor, images_nchw: torch.Tensor, weight: torch.Tensor) -> int:
    return 2 * output.numel() * weight[0].numel()


def _product(output: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> int:
    return 2 * output.numel() * left.shape[-1]


def _attention(output: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> int:
    return 4 * query.numel() * key.shape[-2]


OPERATIONS: dict[Any, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], int]] = {
    F.conv2d: _convolution,
    F.linear: _product,
    torch.matmul: _product,
    torch.Tensor.matmul: _product,
    torch.Tensor.__matmul__: _product,
    F.scaled_dot_product_attention: _attention,
}
"""What is counted: (output, first input, second input) -> operations."""


class _Counter(TorchFunctionMode):
    """Sums up the operations of all that is called; PyTorch's own counter takes a second to be imported."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if func in OPERATIONS:
            self.total += OPERATIONS[func](output, args[0], args[1])
        return output


def count_flops(network: nn.Module, *, size: int, channels: int) -> int:
    """Count the floating-point operations of one image's way through a network: a multiply and an add are two.

    Convolutions and matrix products are counted; all else is small beside them. The network may be on ``meta``, and then
    nothing is computed.
    """
    device = next(network.parameters()).device
    with evaluating(network), torch.no_grad(), _Counter() as counter:
        network(torch.zeros(1, channels, size, size, device=device))
    return counter.total
