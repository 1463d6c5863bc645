"""LeNet-5, as it is usually built today (LeCun, Bottou, Bengio & Haffner 1998).

Average pooling without weights, tanh and a softmax take the place of the paper's trained subsampling, scaled tanh and
Gaussian connections, and the second convolution sees every map.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from kamerton.networks.entry import Network
from kamerton.networks.initialisers import glorot_uniform_
from kamerton.networks.layers import Flatten


def side_after_pooling(size: int) -> int:
    """Side of the last feature map for an input of ``size`` pixels: 5 at 32."""
    for _ in range(2):
        size = (size - 4) // 2
    return size


def lenet5(size: int, channels: int, classes: int) -> nn.Module:
    """Build the network; images (n, channels, size, size) scaled to 0..1 give logits (n, classes)."""
    side = side_after_pooling(size)
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 6, 5),
            tanh1=nn.Tanh(),
            pool1=nn.AvgPool2d(2),
            conv2=nn.Conv2d(6, 16, 5),
            tanh2=nn.Tanh(),
            pool2=nn.AvgPool2d(2),
            flatten=Flatten(),
            dense3=nn.Linear(side * side * 16, 120),
            tanh3=nn.Tanh(),
            dense4=nn.Linear(120, 84),
            tanh4=nn.Tanh(),
            dense5=nn.Linear(84, classes),
        )
    )


LENET5 = Network(
    name="lenet5",
    title="LeNet-5",
    year=1998,
    paper="LeCun et al. 1998, Proc. IEEE 86, 2278",
    # Below this the second pooling has nothing left to pool: 16 -> 12 -> 6 -> 2 -> 1.
    smallest_size=16,
    build=lenet5,
    initialise=glorot_uniform_,
)
