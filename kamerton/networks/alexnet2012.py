"""AlexNet as published (Krizhevsky, Sutskever & Hinton 2012), on one device; GaMorNet descends from it.

Local response normalisation follows the paper's formula, and the convolutions that it split over two GPUs are grouped.
The paper's starting weights, for pixels of 0 to 255, would leave images of 0 to 1 almost without effect: it starts as
He et al. (2015) do.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from kamerton.networks.entry import Network
from kamerton.networks.initialisers import he_normal_
from kamerton.networks.layers import Flatten


def side_after_pooling(size: int) -> int:
    """Side of the last feature map for an input of ``size`` pixels: 6 at 224."""
    side = (size + 2 * 2 - 11) // 4 + 1
    for _ in range(3):
        side = (side - 3) // 2 + 1
    return side


def response_norm() -> nn.LocalResponseNorm:
    """Divide by the responses of five neighbouring maps; PyTorch divides alpha by five, and the paper does not."""
    return nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2.0)


def alexnet2012(size: int, channels: int, classes: int) -> nn.Module:
    """Build the network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    side = side_after_pooling(size)
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 96, 11, stride=4, padding=2),
            relu1=nn.ReLU(inplace=True),
            norm1=response_norm(),
            pool1=nn.MaxPool2d(3, stride=2),
            conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
            relu2=nn.ReLU(inplace=True),
            norm2=response_norm(),
            pool2=nn.MaxPool2d(3, stride=2),
            conv3=nn.Conv2d(256, 384, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
            relu4=nn.ReLU(inplace=True),
            conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
            relu5=nn.ReLU(inplace=True),
            pool5=nn.MaxPool2d(3, stride=2),
            flatten=Flatten(),
            dense6=nn.Linear(side * side * 256, 4096),
            relu6=nn.ReLU(inplace=True),
            dropout6=nn.Dropout(0.5),
            dense7=nn.Linear(4096, 4096),
            relu7=nn.ReLU(inplace=True),
            dropout7=nn.Dropout(0.5),
            dense8=nn.Linear(4096, classes),
        )
    )


ALEXNET2012 = Network(
    name="alexnet2012",
    title="AlexNet-2012",
    year=2012,
    paper="Krizhevsky et al. 2012, NeurIPS 25, 1097",
    # Below this the third pooling has nothing left to pool: 63 -> 15 -> 7 -> 3 -> 1.
    smallest_size=63,
    build=alexnet2012,
    initialise=he_normal_,
)
