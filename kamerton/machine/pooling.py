"""The largest of a few pixels, found with channels last in memory, where several are compared at once.

PyTorch compares channel by channel where images lie as (n, channels, height, width), and takes three times as long. The
largest, its place and so its gradient are the same to the bit; the gradient is quicker in the images' own order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

NCHW = 4
"""Axes of images."""


def max_pool2d(
    images_nchw: torch.Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Pool as ``torch.nn.functional.max_pool2d`` does; what lies otherwise in memory, or elsewhere, it pools itself."""
    is_plain = images_nchw.dim() == NCHW and images_nchw.is_contiguous() and images_nchw.device.type == "cpu"
    if return_indices or not is_plain:
        return F.max_pool2d(images_nchw, kernel_size, stride, padding, dilation, ceil_mode, return_indices)  # type: ignore[call-overload]
    how = [_pair(kernel_size), _pair(stride or kernel_size), _pair(padding), _pair(dilation), ceil_mode]
    return _MaxPooling.apply(images_nchw, *how)  # type: ignore[no-untyped-call]


def _pair(value: Any) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


class _MaxPooling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images_nchw: torch.Tensor, *how: Any) -> torch.Tensor:
        channels_last = images_nchw.contiguous(memory_format=torch.channels_last)
        largest, places = torch.ops.aten.max_pool2d_with_indices(channels_last, *how)
        ctx.save_for_backward(images_nchw, places.contiguous())
        ctx.how = how
        pooled: torch.Tensor = largest.contiguous()
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        images_nchw, places = ctx.saved_tensors
        of_images = torch.ops.aten.max_pool2d_with_indices_backward(gradient, images_nchw, *ctx.how, places)
        return (of_images, *(None for _ in ctx.how))
