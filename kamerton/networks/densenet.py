"""DenseNet-121 (Huang, Liu, van der Maaten & Weinberger 2017)."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import torch
from torch import nn

from kamerton.config.machine import MEASURED_SIZES
from kamerton.networks.entry import Network
from kamerton.networks.initialisers import he_normal_
from kamerton.networks.layers import BatchNorm, GlobalAverage, conv_norm

GROWTH = 32
"""Maps that each layer adds."""

DEPTHS = (6, 12, 24, 16)
"""Layers of each dense block."""

batch_norm = partial(BatchNorm, momentum=0.1, epsilon=1e-5)


class DenseLayer(nn.Module):
    """Add ``GROWTH`` maps, made from all the maps so far."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.norm = batch_norm(inputs)
        self.act = nn.ReLU(inplace=True)
        self.narrow = conv_norm(inputs, 4 * GROWTH, 1, activation=nn.ReLU(inplace=True))
        self.conv = nn.Conv2d(4 * GROWTH, GROWTH, 3, padding=1, bias=False)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        added = self.conv(self.narrow(self.act(self.norm(images_nchw))))
        return torch.cat([images_nchw, added], 1)


def transition(inputs: int) -> nn.Sequential:
    """Halve the maps and the image."""
    conv = nn.Conv2d(inputs, inputs // 2, 1, bias=False)
    return nn.Sequential(batch_norm(inputs), nn.ReLU(inplace=True), conv, nn.AvgPool2d(2))


def densenet121(_size: int, channels: int, classes: int) -> nn.Module:
    """Build the network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    blocks: list[nn.Module] = []
    maps = 64
    for number, depth in enumerate(DEPTHS):
        if number:
            blocks.append(transition(maps))
            maps //= 2
        blocks.append(nn.Sequential(*(DenseLayer(maps + layer * GROWTH) for layer in range(depth))))
        maps += depth * GROWTH
    return nn.Sequential(
        OrderedDict(
            stem=conv_norm(channels, 64, 7, stride=2, activation=nn.ReLU(inplace=True)),
            pool=nn.MaxPool2d(3, stride=2, padding=1),
            blocks=nn.Sequential(*blocks),
            norm=batch_norm(maps),
            act=nn.ReLU(inplace=True),
            average=GlobalAverage(),
            dense=nn.Linear(maps, classes),
        )
    )


DENSENET121 = Network(
    name="densenet121",
    title="DenseNet-121",
    year=2017,
    paper="Huang et al. 2017, arXiv:1608.06993",
    # Below this the last feature map is one pixel, and batch normalisation cannot learn from one image of it.
    smallest_size=61,
    build=densenet121,
    initialise=he_normal_,
    channels_last_sizes=MEASURED_SIZES,
)
