"""ConvNeXt, of the size that timm calls nano: 15.6 million parameters at 1000 classes (Liu et al. 2022)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from kamerton.networks.entry import Network
from kamerton.networks.initialisers import narrow_normal_
from kamerton.networks.layers import ChannelNorm, GlobalAverage, LayerScale, StochasticDepth

WIDTHS = (80, 160, 320, 640)
DEPTHS = (2, 2, 8, 2)

STOCHASTIC_DEPTH = 0.1
"""Share of images for which the last residual branch is left out; the ones before it are in proportion."""

EPSILON = 1e-6


class Block(nn.Module):
    """Convolve each channel by itself, then mix the channels of each pixel, beside a shortcut."""

    def __init__(self, width: int, depth_rate: float) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            OrderedDict(
                each=nn.Conv2d(width, width, 7, padding=3, groups=width),
                norm=ChannelNorm(width, eps=EPSILON),
                widen=nn.Conv2d(width, 4 * width, 1),
                act=nn.GELU(),
                narrow=nn.Conv2d(4 * width, width, 1),
                scale=LayerScale(width),
                depth=StochasticDepth(depth_rate),
            )
        )

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        summed: torch.Tensor = images_nchw + self.branch(images_nchw)
        return summed


def convnext(_size: int, channels: int, classes: int) -> nn.Module:
    """Build the network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    layers: list[nn.Module] = [nn.Conv2d(channels, WIDTHS[0], 4, stride=4), ChannelNorm(WIDTHS[0], eps=EPSILON)]
    rates = iter(torch.linspace(0, STOCHASTIC_DEPTH, sum(DEPTHS), device="cpu").tolist())
    inputs = WIDTHS[0]
    for width, depth in zip(WIDTHS, DEPTHS, strict=True):
        if width != inputs:
            layers += [ChannelNorm(inputs, eps=EPSILON), nn.Conv2d(inputs, width, 2, stride=2)]
        layers += [Block(width, next(rates)) for _ in range(depth)]
        inputs = width
    layers += [GlobalAverage(), ChannelNorm(inputs, eps=EPSILON), nn.Linear(inputs, classes)]
    return nn.Sequential(*layers)


CONVNEXT = Network(
    name="convnext",
    title="ConvNeXt",
    year=2022,
    paper="Liu et al. 2022, arXiv:2201.03545",
    # Below this the last halving has nothing left to halve: 32 -> 8 -> 4 -> 2 -> 1.
    smallest_size=32,
    build=convnext,
    initialise=narrow_normal_,
)
