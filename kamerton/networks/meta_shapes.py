"""Shapes of what common layers give on ``meta``, where PyTorch would import its compiler to work them out: a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F


def _same(values: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return values


def _broadcast(values: torch.Tensor, others: torch.Tensor | float) -> torch.Tensor:
    if not isinstance(others, torch.Tensor):
        return values
    return values.expand_as(others) if others.numel() > values.numel() else values


def _dense(values: torch.Tensor, weight: torch.Tensor, *_: Any) -> torch.Tensor:
    return values.new_empty(*values.shape[:-1], len(weight))


def _convolution(
    images_nchw: torch.Tensor, weight: torch.Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0, *rest: Any
) -> torch.Tensor:
    dilated = rest[:1] not in {(), (1,), ((1, 1),)}
    if dilated or isinstance(padding, str):
        return F.conv2d(images_nchw, weight, bias, stride, padding, *rest)
    moves = zip(images_nchw.shape[2:], weight.shape[2:], _pair(stride), _pair(padding), strict=True)
    sides = [(side + 2 * around - kernel) // step + 1 for side, kernel, step, around in moves]
    return images_nchw.new_empty(len(images_nchw), len(weight), *sides)


def _pooled(images_nchw: torch.Tensor, kernel: int, stride: int, padding: int = 0, *rest: Any) -> torch.Tensor:
    if rest[:1] not in {(), (False,)}:
        return F.avg_pool2d(images_nchw, kernel, stride, padding, *rest)
    sides = [(side + 2 * padding - kernel) // stride + 1 for side in images_nchw.shape[2:]]
    return images_nchw.new_empty(*images_nchw.shape[:2], *sides)


def _pair(value: Any) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _joined(parts: list[torch.Tensor], axis: int) -> torch.Tensor:
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    return parts[0].new_empty(shape)


ELEMENTWISE = (
    *(F.relu, F.silu, F.gelu, F.dropout, F.batch_norm, F.layer_norm, F.local_response_norm),
    *(torch.tanh, torch.sigmoid),
)

SHAPES: dict[Any, Callable[..., torch.Tensor]] = {
    **dict.fromkeys(ELEMENTWISE, _same),
    **dict.fromkeys((torch.Tensor.add, torch.Tensor.mul), _broadcast),
    F.conv2d: _convolution,
    F.avg_pool2d: _pooled,
    F.linear: _dense,
    torch.cat: _joined,
    torch.Tensor.mean: torch.Tensor.sum,
}
"""What to call on ``meta`` instead, for a result of the same shape."""
