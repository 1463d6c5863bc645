"""AlexNet with batch normalisation, as the notebook builds it (after Krizhevsky, Sutskever & Hinton 2012)."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from kamerton.networks.entry import Network
from kamerton.networks.initialisers import glorot_uniform_
from kamerton.networks.layers import BatchNorm, Flatten


def side_after_pooling(size: int) -> int:
    """Side of the last feature map for an input of ``size`` pixels: 6 at 256."""
    side = (size - 11) // 4 + 1
    for _ in range(3):
        side = (side - 3) // 2 + 1
    return side


def alexnet(size: int, channels: int, classes: int) -> nn.Module:
    """Build the network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    side = side_after_pooling(size)
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 96, 11, stride=4),
            relu1=nn.ReLU(inplace=True),
            norm1=BatchNorm(96),
            pool1=nn.MaxPool2d(3, stride=2),
            conv2=nn.Conv2d(96, 256, 5, padding=2),
            relu2=nn.ReLU(inplace=True),
            norm2=BatchNorm(256),
            pool2=nn.MaxPool2d(3, stride=2),
            conv3=nn.Conv2d(256, 384, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            norm3=BatchNorm(384),
            conv4=nn.Conv2d(384, 384, 3, padding=1),
            relu4=nn.ReLU(inplace=True),
            norm4=BatchNorm(384),
            conv5=nn.Conv2d(384, 256, 3, padding=1),
            relu5=nn.ReLU(inplace=True),
            norm5=BatchNorm(256),
            pool5=nn.MaxPool2d(3, stride=2),
            flatten=Flatten(),
            dense6=nn.Linear(side * side * 256, 4096),
            relu6=nn.ReLU(inplace=True),
            dropout6=nn.Dropout(0.5),
            dense7=nn.Linear(4096, classes),
        )
    )


ALEXNET = Network(
    name="alexnet",
    title="AlexNet",
    year=2012,
    paper="Krizhevsky et al. 2012, NeurIPS 25, 1097",
    # Below this the third pooling has nothing left to pool: 67 -> 15 -> 7 -> 3 -> 1.
    smallest_size=67,
    build=alexnet,
    initialise=glorot_uniform_,
)
