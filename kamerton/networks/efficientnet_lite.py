"""EfficientNet-Lite0, 1 and 2 (Liu 2020): EfficientNet (Tan & Le 2019) for small machines.

No squeeze and excitation, ReLU6 for SiLU, a stem and a top that do not widen. Padded as TensorFlow pads and with its
standardisation inside, so that weights learned there give the same answers here.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import nn

from kamerton.config.machine import MEASURED_SIZES
from kamerton.networks.efficientnet import STAGES, STOCHASTIC_DEPTH
from kamerton.networks.entry import Network
from kamerton.networks.initialisers import he_normal_
from kamerton.networks.layers import GlobalAverage, Standardise, StochasticDepth, conv_norm

MEAN, DEVIATION = 127 / 255, 128 / 255
"""Of pixels, as the weights of the authors were learned with."""

STEM, TOP = 32, 1280

SMALLEST_VARIANCE = 1e-5
"""Added to the variance over a map, whose root has no slope at zero."""


class Scale(NamedTuple):
    """How much wider and deeper than Lite0, and the share of features that is dropped before the last layer."""

    width: float
    depth: float
    dropout: float


LITE0 = Scale(1.0, 1.0, 0.2)


class Block(nn.Module):
    """Widen, convolve each channel by itself, narrow; with a shortcut where the shapes agree."""

    def __init__(
        self, side: int, inputs: int, outputs: int, *, widening: int, kernel: int, stride: int, depth_rate: float
    ) -> None:
        super().__init__()
        wide = inputs * widening
        branch: OrderedDict[str, nn.Module] = OrderedDict()
        if widening > 1:
            branch["widen"] = convolution(side, inputs, wide, 1, activation=nn.ReLU6(inplace=True))
        branch["each"] = convolution(
            side, wide, wide, kernel, stride=stride, groups=wide, activation=nn.ReLU6(inplace=True)
        )
        branch["narrow"] = convolution(math.ceil(side / stride), wide, outputs, 1)
        self.has_shortcut = stride == 1 and inputs == outputs
        if self.has_shortcut:
            branch["depth"] = StochasticDepth(depth_rate)
        self.branch = nn.Sequential(branch)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.branch(images_nchw)
        return images_nchw + found if self.has_shortcut else found


def convolution(
    side: int,
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: nn.Module | None = None,
) -> nn.Sequential:
    """Build a convolution of images of ``side`` pixels, padded as TensorFlow does: what is odd, at the end."""
    around = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
    before, after = around // 2, around - around // 2
    # The paper's code: Keras's momentum 0.99 and epsilon.
    layers = conv_norm(
        inputs,
        outputs,
        kernel,
        stride=stride,
        groups=groups,
        padding=before if before == after else 0,
        momentum=0.01,
        epsilon=1e-3,
        activation=activation,
    )
    if before == after:
        return layers
    pad = nn.ZeroPad2d((before, after, before, after))
    return nn.Sequential(OrderedDict([("pad", pad), *layers.named_children()]))


class PooledStages(nn.Sequential):
    """Blocks that give the mean and the deviation of every channel at the end of each stage, not the last map."""

    def __init__(self, *blocks: nn.Module, ends: Sequence[int]) -> None:
        super().__init__(*blocks)
        self.ends = frozenset(ends)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        pooled: list[torch.Tensor] = []
        for place, block in enumerate(self):
            images_nchw = block(images_nchw)
            if place in self.ends:
                mean = images_nchw.mean((2, 3), keepdim=True)
                variance = (images_nchw - mean).square().mean((2, 3))
                pooled += [mean.flatten(1), (variance + SMALLEST_VARIANCE).sqrt()]
        return torch.cat(pooled, 1)


def efficientnet_lite(scale: Scale, size: int, channels: int, classes: int) -> nn.Module:
    """Build the network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    stem, blocks, inputs, side = _trunk(scale, size, channels)
    return nn.Sequential(
        OrderedDict(
            standardise=Standardise(channels, MEAN, DEVIATION),
            stem=stem,
            blocks=nn.Sequential(*blocks),
            top=convolution(side, inputs, TOP, 1, activation=nn.ReLU6(inplace=True)),
            average=GlobalAverage(),
            dropout=nn.Dropout(scale.dropout),
            dense=nn.Linear(TOP, classes),
        )
    )


def pooled_stages(scale: Scale, size: int, channels: int, classes: int) -> nn.Module:
    """Build the network without its top, deciding from all its stages; images and logits as `efficientnet_lite`'s."""
    stem, blocks, _, _ = _trunk(scale, size, channels)
    ends = [end - 1 for end in accumulate(_depths(scale))]
    features = 2 * sum(_rounded(scale.width * stage.outputs) for stage in STAGES)
    return nn.Sequential(
        OrderedDict(
            standardise=Standardise(channels, MEAN, DEVIATION),
            stem=stem,
            blocks=PooledStages(*blocks, ends=ends),
            dropout=nn.Dropout(scale.dropout),
            dense=nn.Linear(features, classes),
        )
    )


def _depths(scale: Scale) -> list[int]:
    depths = [stage.depth for stage in STAGES]
    depths[1:-1] = [math.ceil(scale.depth * depth) for depth in depths[1:-1]]
    return depths


def _trunk(scale: Scale, size: int, channels: int) -> tuple[nn.Module, list[nn.Module], int, int]:
    """Build the stem and the blocks, and tell the channels and the side of what the last gives."""
    depths = _depths(scale)
    side = math.ceil(size / 2)
    stem = convolution(size, channels, STEM, 3, stride=2, activation=nn.ReLU6(inplace=True))
    blocks: list[nn.Module] = []
    inputs = STEM
    for stage, depth in zip(STAGES, depths, strict=True):
        outputs = _rounded(scale.width * stage.outputs)
        for place in range(depth):
            stride = 1 if place else stage.stride
            blocks.append(
                Block(
                    side,
                    inputs,
                    outputs,
                    widening=stage.widening,
                    kernel=stage.kernel,
                    stride=stride,
                    depth_rate=STOCHASTIC_DEPTH * len(blocks) / sum(depths),
                )
            )
            inputs, side = outputs, math.ceil(side / stride)
    return stem, blocks, inputs, side


def _rounded(channels: float) -> int:
    """Round to a multiple of eight, and never down by more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _entry(number: int, scale: Scale) -> Network:
    return Network(
        name=f"efficientnet_lite{number}",
        title=f"EfficientNet-Lite{number}",
        year=2020,
        paper="Liu 2020, after Tan & Le 2019, arXiv:1905.11946",
        # Below this the last feature map is one pixel, and batch normalisation cannot learn from one image of it.
        smallest_size=33,
        build=partial(efficientnet_lite, scale),
        initialise=he_normal_,
        channels_last_sizes=range(33, MEASURED_SIZES.stop),
    )


EFFICIENTNET_LITE0 = _entry(0, LITE0)
EFFICIENTNET_LITE1 = _entry(1, Scale(1.0, 1.1, 0.2))
EFFICIENTNET_LITE2 = _entry(2, Scale(1.1, 1.2, 0.3))

EFFICIENTNET_LITE0_STAGES = replace(
    EFFICIENTNET_LITE0,
    name="efficientnet_lite0_stages",
    title="EfficientNet-Lite0, all stages",
    year=2022,
    paper="Liu 2020 with a head that sees all stages, after Evci et al. 2022, arXiv:2201.03529",
    build=partial(pooled_stages, LITE0),
)
