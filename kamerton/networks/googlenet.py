"""GoogLeNet, with batch normalisation (Szegedy et al. 2015; Ioffe & Szegedy 2015).

As PyTorch's reference code has it: 3x3 convolutions where the paper has 5x5 ones. Poolings are padded evenly instead of
rounding sizes up, which gives the same sizes.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import torch
from torch import nn

from kamerton.config.machine import MEASURED_SIZES
from kamerton.networks.entry import Network
from kamerton.networks.initialisers import he_normal_
from kamerton.networks.layers import Flatten, GlobalAverage, WithAuxiliary, conv_norm

AUXILIARY_WEIGHT = 0.3
"""Share of each auxiliary head's loss, as in the paper."""

STAGES = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
"""Filters of each block, as in the paper's table 1: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection."""

convolution = partial(conv_norm, epsilon=1e-3)


def activated(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Build a convolution with batch normalisation and ReLU."""
    return convolution(inputs, outputs, kernel, stride=stride, activation=nn.ReLU(inplace=True))


class Inception(nn.Module):
    """Four branches side by side on the same image, joined along the channels."""

    def __init__(self, inputs: int, filters: tuple[int, ...]) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, pool = filters
        self.outputs = one + three + five + pool
        self.one = activated(inputs, one, 1)
        self.three = nn.Sequential(activated(inputs, reduce3, 1), activated(reduce3, three, 3))
        self.five = nn.Sequential(activated(inputs, reduce5, 1), activated(reduce5, five, 3))
        self.pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), activated(inputs, pool, 1))

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        branches = [self.one, self.three, self.five, self.pool]
        return torch.cat([branch(images_nchw) for branch in branches], 1)


def auxiliary_head(inputs: int, classes: int) -> nn.Sequential:
    """Build a small classifier for the middle of the network, at any size of the images."""
    return nn.Sequential(
        OrderedDict(
            pool=nn.AdaptiveAvgPool2d(4),
            conv=activated(inputs, 128, 1),
            flatten=Flatten(),
            dense1=nn.Linear(4 * 4 * 128, 1024),
            relu=nn.ReLU(inplace=True),
            dropout=nn.Dropout(0.7),
            dense2=nn.Linear(1024, classes),
        )
    )


class GoogLeNet(nn.Module):
    """Images (n, channels, h, w) give logits (n, classes), and while learning those of the two auxiliary heads too."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            activated(channels, 64, 7, stride=2),
            nn.MaxPool2d(3, stride=2, padding=1),
            activated(64, 64, 1),
            activated(64, 192, 3),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        blocks: list[list[Inception]] = []
        outputs = 192
        for stage in STAGES:
            blocks.append([])
            for filters in stage:
                blocks[-1].append(Inception(outputs, filters))
                outputs = blocks[-1][-1].outputs
        first, middle, last = blocks
        self.before = nn.Sequential(*first, nn.MaxPool2d(3, stride=2, padding=1), middle[0])
        self.middle = nn.Sequential(*middle[1:4])
        self.after = nn.Sequential(middle[4], nn.MaxPool2d(3, stride=2, padding=1), *last)
        self.head = nn.Sequential(GlobalAverage(), nn.Dropout(0.2), nn.Linear(outputs, classes))
        self.auxiliary1 = auxiliary_head(middle[0].outputs, classes)
        self.auxiliary2 = auxiliary_head(middle[3].outputs, classes)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor | WithAuxiliary:
        first = self.before(self.stem(images_nchw))
        second = self.middle(first)
        logits: torch.Tensor = self.head(self.after(second))
        if not self.training:
            return logits
        return WithAuxiliary(logits, (self.auxiliary1(first), self.auxiliary2(second)), AUXILIARY_WEIGHT)


def googlenet(_size: int, channels: int, classes: int) -> nn.Module:
    """Build the network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    return GoogLeNet(channels, classes)


GOOGLENET = Network(
    name="googlenet",
    title="GoogLeNet",
    year=2015,
    paper="Szegedy et al. 2015, arXiv:1409.4842",
    # Below this the last feature map is one pixel, and batch normalisation cannot learn from one image of it.
    smallest_size=33,
    build=googlenet,
    initialise=he_normal_,
    channels_last_sizes=MEASURED_SIZES,
)
