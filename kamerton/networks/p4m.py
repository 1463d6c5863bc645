"""A residual network that sees a galaxy the same whichever way it is turned or mirrored (Cohen & Welling 2016).

Its convolutions are over p4m, the group of shifts, quarter turns and reflections: each map is an orbit of eight, one a
view of the square, and a turned image turns and permutes them. The average over an orbit and the image is then the same
for all eight views. Nothing may look at the image from one corner: the image is halved by average pooling of 2x2 pixels
where its side is even and of 3x3 where it is odd, both with stride 2, and no convolution has a stride.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cache

import torch
from torch import nn
from torch.nn import functional as F

from kamerton.batches.augment import EIGHT, turned
from kamerton.networks.entry import Network
from kamerton.networks.layers import BatchNorm

WIDTHS = (12, 24, 48, 96)
"""Orbits of maps in each stage."""


@cache
def view_between(first: int, second: int) -> int:
    """Find the view that, followed by ``first``, is ``second``."""
    square = torch.arange(4, device="cpu").view(2, 2)
    wanted = turned(square, second)
    return next(n for n in range(EIGHT) if torch.equal(turned(turned(square, n), first), wanted))


def expansion(views: int, kernel: int) -> torch.Tensor:
    """Tell which number of a kernel (views, kernel, kernel) stands where in its eight views: (8, views x kernel**2)."""
    numbers = torch.arange(views * kernel**2, device="cpu").view(views, kernel, kernel)
    rows = []
    for turn in range(EIGHT):
        order = [view_between(turn, part) for part in range(views)] if views > 1 else [0]
        rows.append(turned(numbers[order], turn).flatten())
    return torch.stack(rows)


class GroupConvolution(nn.Module):
    """A convolution over p4m, as a plain convolution with the eight views of its kernel.

    Images (n, inputs x views, h, w) give (n, outputs x 8, h, w); ``views`` is 1 for a picture and 8 behind another
    such convolution.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, views: int = EIGHT) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, views, kernel, kernel))
        self.places: torch.Tensor
        self.register_buffer("places", expansion(views, kernel).to(self.weight.device), persistent=False)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        outputs, inputs, views, kernel, _ = self.weight.shape
        # (outputs, inputs, 8, views x kernel x kernel), then the eight views beside their outputs.
        seen = self.weight.flatten(2)[:, :, self.places].transpose(1, 2)
        return F.conv2d(images_nchw, seen.reshape(outputs * EIGHT, inputs * views, kernel, kernel), padding=kernel // 2)


class OrbitNorm(BatchNorm):
    """Batch normalisation with one mean and variance an orbit."""

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        n, maps, height, width = images_nchw.shape
        stacked = images_nchw.reshape(n, maps // EIGHT, EIGHT * height, width)
        return super().forward(stacked).reshape(n, maps, height, width)


class OrbitAverage(nn.Module):
    """Average over each orbit and the whole image: what is left is the same for all eight views."""

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        n, maps, _, _ = images_nchw.shape
        return images_nchw.reshape(n, maps // EIGHT, -1).mean(2)


def group_conv_norm(inputs: int, outputs: int, kernel: int, *, views: int = EIGHT) -> nn.Sequential:
    """Build a group convolution with batch normalisation."""
    conv = GroupConvolution(inputs, outputs, kernel, views=views)
    return nn.Sequential(conv, OrbitNorm(outputs, momentum=0.1, epsilon=1e-5))


class Block(nn.Module):
    """Two group convolutions beside a shortcut, as in ResNet-18."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            group_conv_norm(inputs, outputs, 3), nn.ReLU(inplace=True), group_conv_norm(outputs, outputs, 3)
        )
        self.shortcut = nn.Identity() if inputs == outputs else group_conv_norm(inputs, outputs, 1)
        self.act = nn.ReLU()

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        summed: torch.Tensor = self.act(self.branch(images_nchw) + self.shortcut(images_nchw))
        return summed


def halving(side: int) -> nn.AvgPool2d:
    """Halve an image of ``side`` pixels, rounding down, without preferring a corner."""
    return nn.AvgPool2d(2 + side % 2, stride=2)


def p4m_resnet(size: int, channels: int, classes: int) -> nn.Module:
    """Build the network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=group_conv_norm(channels, WIDTHS[0], 5, views=1), act=nn.ReLU(inplace=True), pool=halving(size)
    )
    side, inputs = size // 2, WIDTHS[0]
    for number, width in enumerate(WIDTHS, start=1):
        layers[f"pool{number}"] = halving(side)
        layers[f"block{number}"] = Block(inputs, width)
        side, inputs = side // 2, width
    return nn.Sequential(layers | OrderedDict(average=OrbitAverage(), dense=nn.Linear(inputs, classes)))


def he_normal_orbits_(network: nn.Module) -> None:
    """Start as He et al. (2015), group convolutions too: each has inputs x views x kernel**2 inputs."""
    for module in network.modules():
        if isinstance(module, GroupConvolution | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)


P4M_RESNET = Network(
    name="p4m_resnet",
    title="p4m-ResNet",
    year=2016,
    paper="Cohen & Welling 2016, arXiv:1602.07576",
    # Below this the last pooling has nothing left to pool: 32 -> 16 -> 8 -> 4 -> 2 -> 1.
    smallest_size=32,
    build=p4m_resnet,
    initialise=he_normal_orbits_,
)
