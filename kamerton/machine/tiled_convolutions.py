"""Convolutions of wide layers in tiles, where Winograd's and Fourier's transforms save most of the products.

A convolution with a small kernel k x k costs k**2 products a pixel and pair of channels. On tiles of 8x8 pixels it
costs 1.8 for k = 3 in Winograd's way (Lavin & Gray 2016), and on tiles of 16x16 it costs 3.6 for k = 5 in Fourier's
(Vasilache et al. 2015). The library NNPACK, a part of PyTorch, has both, and takes tiles of 8x8 unless they are more
than four times as many; PyTorch's own choice never falls on NNPACK where oneDNN is built in.

Sums run in another order than in a plain convolution, always the same one, whatever the number of threads; NNPACK keeps
the number that it found at its first use. In shares of the values' scatter, Fourier's results are off by 3e-7 (root
mean square), nearer to float64 than plain ones; Winograd's by 5e-6, up to twenty times as far. A value that is not
finite spoils its whole tile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import harmonic_mean
from typing import Any, NamedTuple

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from kamerton.machine.mosaics import Mosaic
from kamerton.machine.pooling import max_pool2d

KERNELS = (3, 5)
LARGEST_TILE = 16
"""Pixels, of NNPACK."""

MOST_NUMBERS = 1 << 26
"""Of inputs or outputs that are laid side by side at once: 256 MiB."""

WORTH_LAYING = 0.8
"""Of the tiles of images by themselves: those of a mosaic must be fewer, for it is a copy."""

LEAST_WORK, LEAST_WORK_SIDE_BY_SIDE, LEAST_SIDE, LEAST_IMAGES = 12_500, 9_500, 12, 16
"""Below these the transforms cost more than they save (benchmarks/convolutions.py): see `Convolution.gains`."""


def tiles_available() -> bool:
    """Tell whether this PyTorch computes in tiles on this CPU: NNPACK is its own business, and may leave it."""
    available = getattr(torch, "_nnpack_available", None)
    return available is not None and hasattr(torch, "_nnpack_spatial_convolution") and bool(available())


class TiledConvolutions(TorchFunctionMode):
    """Compute wide convolutions of float32 images on the CPU in tiles until the block ends, gradients too.

    ``side_by_side`` computes the batches that a network learns from as one image (`kamerton.machine.mosaics`), in two
    thirds of the time, and pools them quicker. Answers keep images apart, so that a galaxy's does not depend on those
    beside it.
    """

    def __init__(self, *, side_by_side: bool) -> None:
        super().__init__()
        self.side_by_side = side_by_side

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        # Whoever traces or compiles a network wants its plain convolutions.
        if torch._C._get_tracing_state() or torch.compiler.is_compiling():
            return func(*args, **(kwargs or {}))
        if func is F.max_pool2d and self.side_by_side and torch.is_grad_enabled():
            return max_pool2d(*args, **(kwargs or {}))
        if func is not F.conv2d:
            return func(*args, **(kwargs or {}))
        convolution = Convolution(*args, **(kwargs or {}))
        side_by_side = self.side_by_side and torch.is_grad_enabled()
        if not (convolution.gains_side_by_side if side_by_side else convolution.gains) or not convolution.in_reach:
            return F.conv2d(*convolution)
        return _TiledConvolution.apply(*convolution[:3], side_by_side)  # type: ignore[no-untyped-call]


class Convolution(NamedTuple):
    """What ``F.conv2d`` is called with, by its own names."""

    input: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None = None
    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1

    @property
    def gains(self) -> bool:
        """Whether tiles can compute a convolution of such shapes, and faster.

        Products grow with kernel x side x channels, transforms less: that number, with the harmonic mean of inputs and
        outputs, parts gain from loss.
        """
        return self._has_tiles and self._work >= LEAST_WORK

    @property
    def gains_side_by_side(self) -> bool:
        """Whether it gains where a batch is computed as one image, its gradients too."""
        return self._has_tiles and self._work >= LEAST_WORK_SIDE_BY_SIDE

    @property
    def _work(self) -> float:
        outputs, inputs, kernel, _ = self.weight.shape
        return kernel * min(self.input.shape[2:], default=0) * harmonic_mean((inputs, outputs))

    @property
    def _has_tiles(self) -> bool:
        """Whether there are tiles for it, and images enough for them."""
        rows, columns = self.weight.shape[2:]
        return (
            self.input.dim() == 4
            and _pair(self.stride) == _pair(self.dilation) == (1, 1)
            and self.groups == 1
            and rows == columns
            and rows in KERNELS
            and _pair(self.padding) == (rows // 2, rows // 2)
            and min(self.input.shape[2:]) >= LEAST_SIDE
            and len(self.input) >= LEAST_IMAGES
        )

    @property
    def in_reach(self) -> bool:
        """Whether NNPACK computes such numbers here; `tiles_available` also makes it ready.

        NNPACK reads a bias without looking at its length.
        """
        return (
            self.input.device.type == "cpu"
            and self.input.dtype == self.weight.dtype == torch.float32
            and (self.bias is None or (self.bias.dtype, len(self.bias)) == (torch.float32, len(self.weight)))
            and tiles_available()
        )


def _pair(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


class _TiledConvolution(torch.autograd.Function):
    """A convolution that keeps the sides of its images, with its two gradients as further convolutions."""

    @staticmethod
    def forward(
        ctx: Any, images_nchw: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, side_by_side: bool
    ) -> torch.Tensor:
        ctx.save_for_backward(images_nchw, weight)
        ctx.side_by_side = side_by_side
        return _convolved(images_nchw, weight, bias, side_by_side=side_by_side)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        images_nchw, weight = ctx.saved_tensors
        of_images, of_weight, of_bias, _ = ctx.needs_input_grad
        how = {"side_by_side": ctx.side_by_side}
        return (
            _gradient_of_images(gradient, weight, **how) if of_images else None,
            _gradient_of_weight(gradient, images_nchw, weight.shape[-1], **how) if of_weight else None,
            gradient.sum((0, 2, 3)) if of_bias else None,
            None,
        )


def _in_tiles(
    images_nchw: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, *, padding: int
) -> torch.Tensor:
    return torch._nnpack_spatial_convolution(images_nchw, weight, bias, [padding, padding], [1, 1])


def _convolved(
    images_nchw: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, *, side_by_side: bool
) -> torch.Tensor:
    """Convolve images by themselves, or a batch as one image, or as a few where that would be too large.

    Where a kernel of 3 would be computed in Fourier's tiles by itself it is, for Winograd's are not so near to float64.
    """
    kernel = weight.shape[-1]
    if not side_by_side or (kernel == min(KERNELS) and _fills_large_tiles(images_nchw.shape[2:], kernel)):
        return _in_tiles(images_nchw, weight, bias, padding=kernel // 2)

    def whole(part: torch.Tensor) -> torch.Tensor:
        mosaic = Mosaic.of(part, kernel)
        return mosaic.take(_in_tiles(mosaic.lay(part), weight, bias, padding=kernel // 2))

    parts = math.ceil(max(weight.shape[:2]) * images_nchw[:, 0].numel() / MOST_NUMBERS)
    if parts == 1:
        return whole(images_nchw)
    return torch.cat([whole(part) for part in images_nchw.tensor_split(min(parts, len(images_nchw)))])


def _fills_large_tiles(sides: Sequence[int], kernel: int) -> bool:
    """Tell whether NNPACK takes its tiles of 16 pixels for images by themselves, which it does in Fourier's way."""
    large, small = (
        math.prod(math.ceil(side / (tile + 1 - kernel)) for side in sides) for tile in (LARGEST_TILE, LARGEST_TILE // 2)
    )
    return small > 4 * large


def _gradient_of_images(gradient: torch.Tensor, weight: torch.Tensor, *, side_by_side: bool) -> torch.Tensor:
    """Convolve with the turned kernel, inputs and outputs exchanged."""
    return _convolved(gradient, weight.flip(2, 3).transpose(0, 1), side_by_side=side_by_side)


def _gradient_of_weight(
    gradient: torch.Tensor, images_nchw: torch.Tensor, kernel: int, *, side_by_side: bool
) -> torch.Tensor:
    """Convolve the images with the gradient as the kernel, summed over images as else over channels.

    A kernel as large as an image fits no tile, so that both are cut into patches: those of the gradient side by side,
    those of the images overlapping by what the kernel needs. The patches of all images are then summed over. Images
    that would fill their patches badly are laid side by side first.
    """
    mosaic = Mosaic.of(images_nchw, kernel)
    alone, together = _patched(len(gradient), gradient.shape[2:], kernel), _patched(1, mosaic.sides, kernel)
    if side_by_side and together < WORTH_LAYING * alone:
        gradient, images_nchw = mosaic.lay(gradient), mosaic.lay(images_nchw)
    (height, more_rows), (width, more_columns) = (_patch(side, kernel) for side in gradient.shape[2:])
    around = kernel // 2
    gradient = F.pad(gradient, (0, more_columns, 0, more_rows))
    images_nchw = F.pad(images_nchw, (around, around + more_columns, around, around + more_rows))
    patches = _patches(images_nchw, (height, width), overlap=kernel - 1)
    kernels = _patches(gradient, (height, width), overlap=0)
    return _in_tiles(patches, kernels, padding=0).transpose(0, 1)


def _patched(images: int, sides: Sequence[int], kernel: int) -> int:
    """Count the pixels of the tiles that the patches of images take."""
    sizes = [_patch(side, kernel) for side in sides]
    count = images * math.prod((side + more) // patch for side, (patch, more) in zip(sides, sizes, strict=True))
    small = all(patch + kernel - 1 <= LARGEST_TILE // 2 for patch, _ in sizes)
    return count * (LARGEST_TILE // 2 if small else LARGEST_TILE) ** 2


def _patch(side: int, kernel: int) -> tuple[int, int]:
    """Give the side of equal patches that fit a tile with the overlap, and what the last one has too many."""
    count = math.ceil(side / (LARGEST_TILE + 1 - kernel))
    patch = math.ceil(side / count)
    return patch, count * patch - side


def _patches(images_nchw: torch.Tensor, sides: tuple[int, int], *, overlap: int) -> torch.Tensor:
    """Cut images into patches: (channels, images x patches, height + overlap, width + overlap)."""
    height, width = sides
    cut = images_nchw.unfold(2, height + overlap, height).unfold(3, width + overlap, width)
    return cut.transpose(0, 1).flatten(1, 3)
