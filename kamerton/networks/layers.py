"""Layers that mean what Keras's layers of the same name mean."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation with Keras's defaults and Keras's running variance (Ioffe & Szegedy 2015).

    Keras averages the variance of the batch as it is; PyTorch multiplies it by n / (n - 1) first. Keras's momentum 0.99
    is PyTorch's 0.01: the share of the new value.
    """

    def __init__(self, channels: int, *, momentum: float = 0.01, epsilon: float = 1e-3) -> None:
        super().__init__(channels, eps=epsilon, momentum=momentum)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(images_nchw)
        assert self.running_var is not None
        assert self.momentum is not None
        with_bessel = self.running_var.clone()
        normalised = F.batch_norm(
            images_nchw, self.running_mean, with_bessel, self.weight, self.bias, True, self.momentum, self.eps
        )
        n = images_nchw.numel() // images_nchw.shape[1]
        # PyTorch's new value is kept + momentum * variance * n / (n - 1): take the last factor back.
        kept = self.running_var * (1 - self.momentum)
        self.running_var.copy_(kept + (with_bessel - kept) * ((n - 1) / n))
        return normalised


class Flatten(nn.Module):
    """Flatten to (batch, rows x columns x channels), in the order of Keras's channels-last images.

    A dense layer behind it then has the same kernel here and in Keras.
    """

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        return images_nchw.permute(0, 2, 3, 1).flatten(1)


def glorot_uniform_(network: nn.Module) -> None:
    """Start every convolution and dense layer as Keras does (Glorot & Bengio 2010): uniform kernels, zero biases."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
