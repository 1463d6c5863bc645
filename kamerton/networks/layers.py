"""What the networks are built of; layers named as Keras's mean what Keras's mean."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation with Keras's defaults and Keras's running variance (Ioffe & Szegedy 2015).

    Keras averages the variance of the batch as it is; PyTorch multiplies it by n / (n - 1) first. Keras's momentum 0.99
    is PyTorch's 0.01: the share of the new value. With ``together`` a batch is that of all processes.
    """

    together = False

    def __init__(self, channels: int, *, momentum: float = 0.01, epsilon: float = 1e-3) -> None:
        super().__init__(channels, eps=epsilon, momentum=momentum)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(images_nchw)
        assert self.running_var is not None
        assert self.momentum is not None
        if self.together:
            return self._over_processes(images_nchw)
        with_bessel = self.running_var.clone()
        normalised = F.batch_norm(
            images_nchw, self.running_mean, with_bessel, self.weight, self.bias, True, self.momentum, self.eps
        )
        n = images_nchw.numel() // images_nchw.shape[1]
        # PyTorch's new value is kept + momentum * variance * n / (n - 1): take the last factor back.
        kept = self.running_var * (1 - self.momentum)
        self.running_var.copy_(kept + (with_bessel - kept) * ((n - 1) / n))
        return normalised

    def _over_processes(self, images_nchw: torch.Tensor) -> torch.Tensor:
        """Normalise by the mean and variance over the images of all processes, which may have different numbers."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.momentum is not None
        own = images_nchw.new_tensor([images_nchw.numel() // images_nchw.shape[1]])
        sums = _over_processes(torch.cat([images_nchw.sum((0, 2, 3)), own]))
        mean = sums[:-1] / sums[-1]
        centred = images_nchw - mean.view(1, -1, 1, 1)
        variance = _over_processes(centred.square().sum((0, 2, 3))) / sums[-1]
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normalised: torch.Tensor = centred * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        return normalised


class _OverProcesses(torch.autograd.Function):
    """The sum over processes; each of them has a part in what every other one makes of it."""

    @staticmethod
    def forward(_: Any, numbers: torch.Tensor) -> torch.Tensor:
        total = numbers.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, *gradients: torch.Tensor) -> torch.Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def _over_processes(numbers: torch.Tensor) -> torch.Tensor:
    total: torch.Tensor = _OverProcesses.apply(numbers)  # type: ignore[no-untyped-call]
    return total


def synchronise(network: nn.Module, *, together: bool) -> None:
    """Let batch normalisation look at the images of all processes, or at its own again."""
    for module in network.modules():
        if isinstance(module, BatchNorm):
            module.together = together


class Flatten(nn.Module):
    """Flatten to (batch, rows x columns x channels), in the order of Keras's channels-last images.

    A dense layer behind it then has the same kernel here and in Keras.
    """

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        return images_nchw.permute(0, 2, 3, 1).flatten(1)


class GlobalAverage(nn.Module):
    """Average each channel over the whole image: (n, channels), or (n, channels, 1, 1) with ``keep_sides``."""

    def __init__(self, *, keep_sides: bool = False) -> None:
        super().__init__()
        self.keep_sides = keep_sides

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        return images_nchw.mean((2, 3), keepdim=self.keep_sides)


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels alone, of images (n, c, h, w) or vectors (n, c) (Ba et al. 2016)."""

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        last = images_nchw.dim() - 1
        return super().forward(images_nchw.movedim(1, last)).movedim(last, 1)


class LayerScale(nn.Module):
    """Multiply each channel by a learned number that starts near zero (Touvron et al. 2021)."""

    def __init__(self, channels: int, start: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1, 1), start))

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        return images_nchw * self.weight.view(1, -1, 1, 1)


class Standardise(nn.Module):
    """Take a mean from every channel and divide by a deviation: part of the network, and not learned."""

    def __init__(self, channels: int, mean: float, deviation: float) -> None:
        super().__init__()
        self.weight: torch.Tensor
        self.bias: torch.Tensor
        self.register_buffer("weight", torch.full((channels, 1, 1, 1), 1 / deviation))
        self.register_buffer("bias", torch.full((channels,), -mean / deviation))

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        return images_nchw * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class StochasticDepth(nn.Module):
    """Leave out a residual branch for a share ``rate`` of the images while learning (Huang et al. 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        if not self.training or self.rate == 0:
            return images_nchw
        kept = torch.empty(len(images_nchw), 1, 1, 1, dtype=images_nchw.dtype, device=images_nchw.device)
        return images_nchw * kept.bernoulli_(1 - self.rate) / (1 - self.rate)


class WithAuxiliary(NamedTuple):
    """What a network with auxiliary heads gives while it learns: its loss is main + weight x sum of the others."""

    logits: torch.Tensor
    auxiliary: tuple[torch.Tensor, ...]
    """Logits (n, classes) of each auxiliary head."""
    weight: float


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode until the block ends, and then back into the mode it was in."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


def conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    padding: int | None = None,
    momentum: float = 0.1,
    epsilon: float = 1e-5,
    activation: nn.Module | None = None,
) -> nn.Sequential:
    """Build a convolution that keeps the sides, up to its stride, batch normalisation and perhaps an activation.

    Padding is what keeps the sides unless told. Momentum and epsilon are PyTorch's own unless told, as in its reference
    networks.
    """
    around = (kernel - 1) // 2 if padding is None else padding
    layers: dict[str, nn.Module] = {
        "conv": nn.Conv2d(inputs, outputs, kernel, stride, around, groups=groups, bias=False),
        "norm": BatchNorm(outputs, momentum=momentum, epsilon=epsilon),
    }
    if activation is not None:
        layers["act"] = activation
    return nn.Sequential(OrderedDict(layers))
