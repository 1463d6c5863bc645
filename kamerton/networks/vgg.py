"""VGG-16, configuration D (Simonyan & Zisserman 2015).

The paper started it from a shallower network already trained; here it starts as He et al. (2015) do for such networks.
"""

from __future__ import annotations

from torch import nn

from kamerton.networks.entry import Network
from kamerton.networks.initialisers import he_normal_
from kamerton.networks.layers import Flatten

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Filters of the 3x3 convolutions before each pooling."""


def vgg16(size: int, channels: int, classes: int) -> nn.Module:
    """Build the network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    layers: list[nn.Module] = []
    inputs = channels
    for stage in STAGES:
        for filters in stage:
            layers += [nn.Conv2d(inputs, filters, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = filters
        layers.append(nn.MaxPool2d(2))
    side = size // 2 ** len(STAGES)
    layers += [Flatten(), nn.Linear(side * side * inputs, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5)]
    layers += [nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(4096, classes)]
    return nn.Sequential(*layers)


VGG16 = Network(
    name="vgg16",
    title="VGG-16",
    year=2015,
    paper="Simonyan & Zisserman 2015, arXiv:1409.1556",
    # Below this the fifth pooling has nothing left to pool: 32 -> 16 -> 8 -> 4 -> 2 -> 1.
    smallest_size=32,
    build=vgg16,
    initialise=he_normal_,
)
