"""EfficientNet-B0 (Tan & Le 2019).

Strided convolutions are padded evenly, as PyTorch's reference code has it; the paper's own code pads one side more.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from kamerton.config.machine import MEASURED_SIZES
from kamerton.networks.entry import Network
from kamerton.networks.initialisers import he_normal_
from kamerton.networks.layers import GlobalAverage, StochasticDepth, conv_norm

STOCHASTIC_DEPTH = 0.2
"""Share of images for which the last residual branch is left out; the ones before it are in proportion."""


class Stage(NamedTuple):
    """A row of the paper's table 1."""

    widening: int
    kernel: int
    stride: int
    outputs: int
    depth: int


STAGES = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)

# The paper's code: Keras's momentum 0.99 and epsilon.
convolution = partial(conv_norm, momentum=0.01, epsilon=1e-3)


class SqueezeExcite(nn.Module):
    """Weigh the channels by what the whole image holds (Hu et al. 2018)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.weights = nn.Sequential(
            GlobalAverage(keep_sides=True),
            nn.Conv2d(channels, squeezed, 1),
            nn.SiLU(inplace=True),
            nn.Conv2d(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        weights: torch.Tensor = self.weights(images_nchw)
        return images_nchw * weights


class InvertedResidual(nn.Module):
    """Widen, convolve each channel by itself, weigh the channels, narrow; with a shortcut where the shapes agree."""

    def __init__(self, inputs: int, stage: Stage, stride: int, depth_rate: float) -> None:
        super().__init__()
        wide = inputs * stage.widening
        branch: OrderedDict[str, nn.Module] = OrderedDict()
        if stage.widening > 1:
            branch["widen"] = convolution(inputs, wide, 1, activation=nn.SiLU(inplace=True))
        branch["each"] = convolution(
            wide, wide, stage.kernel, stride=stride, groups=wide, activation=nn.SiLU(inplace=True)
        )
        branch["weigh"] = SqueezeExcite(wide, inputs // 4)
        branch["narrow"] = convolution(wide, stage.outputs, 1)
        self.has_shortcut = stride == 1 and inputs == stage.outputs
        if self.has_shortcut:
            branch["depth"] = StochasticDepth(depth_rate)
        self.branch = nn.Sequential(branch)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.branch(images_nchw)
        return images_nchw + found if self.has_shortcut else found


def efficientnet_b0(_size: int, channels: int, classes: int) -> nn.Module:
    """Build the network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    blocks: list[nn.Module] = []
    inputs, count = 32, sum(stage.depth for stage in STAGES)
    for stage in STAGES:
        for place in range(stage.depth):
            rate = STOCHASTIC_DEPTH * len(blocks) / count
            blocks.append(InvertedResidual(inputs, stage, 1 if place else stage.stride, rate))
            inputs = stage.outputs
    return nn.Sequential(
        OrderedDict(
            stem=convolution(channels, 32, 3, stride=2, activation=nn.SiLU(inplace=True)),
            blocks=nn.Sequential(*blocks),
            top=convolution(inputs, 1280, 1, activation=nn.SiLU(inplace=True)),
            average=GlobalAverage(),
            dropout=nn.Dropout(0.2),
            dense=nn.Linear(1280, classes),
        )
    )


EFFICIENTNET_B0 = Network(
    name="efficientnet_b0",
    title="EfficientNet-B0",
    year=2019,
    paper="Tan & Le 2019, arXiv:1905.11946",
    # Below this the last feature map is one pixel, and batch normalisation cannot learn from one image of it.
    smallest_size=33,
    build=efficientnet_b0,
    initialise=he_normal_,
    channels_last_sizes=MEASURED_SIZES,
)
