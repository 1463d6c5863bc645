"""ResNet-18 and ResNet-50 (He, Zhang, Ren & Sun 2016).

The three-layer blocks halve the image in their 3x3 convolution, as the reference code of PyTorch does, not in the first
1x1 one of the paper: the same parameters, a little more accurate.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from kamerton.config.machine import MEASURED_SIZES
from kamerton.networks.entry import Network
from kamerton.networks.initialisers import he_normal_
from kamerton.networks.layers import GlobalAverage, conv_norm

SMALLEST_SIZE = 33
"""Below this the last feature map is one pixel, and batch normalisation cannot learn from one image of it."""

WIDTHS = (64, 128, 256, 512)


class Residual(nn.Module):
    """A branch of convolutions beside a shortcut, which is a 1x1 convolution where the shapes differ."""

    def __init__(self, branch: nn.Module, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.branch = branch
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride=stride)
        self.act = nn.ReLU()

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        summed: torch.Tensor = self.act(self.branch(images_nchw) + self.shortcut(images_nchw))
        return summed


def basic_block(inputs: int, width: int, stride: int) -> Residual:
    """Two 3x3 convolutions."""
    branch = nn.Sequential(
        conv_norm(inputs, width, 3, stride=stride, activation=nn.ReLU(inplace=True)),
        conv_norm(width, width, 3),
    )
    return Residual(branch, inputs, width, stride)


def bottleneck(inputs: int, width: int, stride: int) -> Residual:
    """A 3x3 convolution between two 1x1 ones, which narrow and widen fourfold."""
    branch = nn.Sequential(
        conv_norm(inputs, width, 1, activation=nn.ReLU(inplace=True)),
        conv_norm(width, width, 3, stride=stride, activation=nn.ReLU(inplace=True)),
        conv_norm(width, 4 * width, 1),
    )
    return Residual(branch, inputs, 4 * width, stride)


def resnet(
    _size: int,
    channels: int,
    classes: int,
    *,
    block: Callable[[int, int, int], Residual],
    depths: tuple[int, ...],
    widening: int = 1,
) -> nn.Module:
    """Build a network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    stages: list[nn.Module] = []
    inputs = 64
    for number, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True)):
        blocks: list[nn.Module] = []
        for place in range(depth):
            blocks.append(block(inputs, width, 2 if number and not place else 1))
            inputs = width * widening
        stages.append(nn.Sequential(*blocks))
    return nn.Sequential(
        OrderedDict(
            stem=conv_norm(channels, 64, 7, stride=2, activation=nn.ReLU(inplace=True)),
            pool=nn.MaxPool2d(3, stride=2, padding=1),
            stages=nn.Sequential(*stages),
            average=GlobalAverage(),
            dense=nn.Linear(inputs, classes),
        )
    )


resnet18 = partial(resnet, block=basic_block, depths=(2, 2, 2, 2))
resnet50 = partial(resnet, block=bottleneck, depths=(3, 4, 6, 3), widening=4)


RESNET18 = Network(
    name="resnet18",
    title="ResNet-18",
    year=2016,
    paper="He et al. 2016, arXiv:1512.03385",
    smallest_size=SMALLEST_SIZE,
    build=resnet18,
    initialise=he_normal_,
    # At 256 px it is as fast or faster without.
    channels_last_sizes=range(64, 193),
)


RESNET50 = Network(
    name="resnet50",
    title="ResNet-50",
    year=2016,
    paper="He et al. 2016, arXiv:1512.03385",
    smallest_size=SMALLEST_SIZE,
    build=resnet50,
    initialise=he_normal_,
    channels_last_sizes=MEASURED_SIZES,
)
