"""The cost of a network is counted, not typed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from kamerton.networks.cost import count_flops, count_training_flops, share_in_tiles
from kamerton.networks.meta_shapes import SHAPES
from kamerton.networks.registry import NETWORKS, build_network
from tests.conftest import needs_nnpack


def test_alexnet_takes_the_operations_that_its_layers_add_up_to() -> None:
    """Each output of a convolution takes kernel x kernel x channels multiplications and as many additions."""
    sides = (62, 30, 14, 14, 14)
    kernels = ((96, 3 * 11**2), (256, 96 * 5**2), (384, 256 * 3**2), (384, 384 * 3**2), (256, 384 * 3**2))
    convolutions = sum(side**2 * filters * inputs for side, (filters, inputs) in zip(sides, kernels, strict=True))
    dense = 6 * 6 * 256 * 4096 + 4096 * 10
    with torch.device("meta"):
        network = build_network("alexnet", size=256, channels=3, classes=10)
    assert count_flops(network, size=256, channels=3) == 2 * (convolutions + dense)


@pytest.mark.parametrize("training", [True, False])
def test_counting_leaves_the_network_as_it_was(training: bool) -> None:
    network = build_network("lenet5", size=32, channels=3, classes=10).train(training)
    count_flops(network, size=32, channels=3)
    assert network.training is training


@pytest.mark.parametrize("shapes", [SHAPES, None], ids=["shapes alone", "meta"])
@pytest.mark.parametrize("name", NETWORKS)
def test_pytorchs_own_counter_agrees(name: str, shapes: Any) -> None:
    size = max(96, NETWORKS[name].smallest_size)
    with torch.device("meta"):
        network = build_network(name, size=size, channels=3, classes=10).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 3, size, size))
    assert count_flops(network, size=size, channels=3, shapes=shapes) == counter.get_total_flops()


class CallsByKeyword(nn.Module):
    """As networks of other libraries do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.dense = nn.Linear(8, 2)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        maps = F.conv2d(input=images_nchw, weight=self.conv.weight, bias=self.conv.bias)
        maps = torch.cat(tensors=[maps, maps], dim=1)
        pooled = F.avg_pool2d(input=maps, kernel_size=maps.shape[-1]).flatten(1)
        return F.linear(input=pooled, weight=self.dense.weight, bias=self.dense.bias)


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_a_network_that_calls_by_keyword_is_counted(device: str) -> None:
    network = CallsByKeyword().to(device)
    assert count_flops(network, size=8, channels=3) == 2 * (6 * 6 * 4 * 27 + 8 * 2)
    assert share_in_tiles(network, size=8, channels=3, images=64) == 0


def test_a_step_of_the_notebooks_alexnet_takes_the_operations_counted_by_hand() -> None:
    """Three times the way through, but for the gradient of the images: 7.72 GFLOP at 256 px."""
    with torch.device("meta"):
        network = build_network("alexnet", size=256, channels=3, classes=10)
    first = 2 * 62 * 62 * 96 * 11 * 11 * 3
    wanted = 3 * count_flops(network, size=256, channels=3) - first
    assert count_training_flops(network, size=256, channels=3) == wanted
    assert round(wanted / 1e9, 2) == 7.72


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "resnet18"])
def test_counting_a_step_leaves_the_network_as_it_was(name: str) -> None:
    network = build_network(name, size=40, channels=3, classes=10).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    count_training_flops(network, size=40, channels=3)
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@needs_nnpack
@pytest.mark.parametrize(
    ("name", "size", "wanted"), [("alexnet", 256, 0.87), ("alexnet", 67, 0), ("lenet5", 256, 0), ("vgg16", 256, 0.99)]
)
def test_the_share_of_operations_that_tiles_compute(name: str, size: int, wanted: float) -> None:
    network = build_network(name, size=size, channels=3, classes=10)
    assert share_in_tiles(network, size=size, channels=3, images=64) == pytest.approx(wanted, abs=0.005)


def test_a_processor_without_nnpack_computes_nothing_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "_nnpack_available", lambda: False)
    network = build_network("alexnet", size=256, channels=3, classes=10)
    assert share_in_tiles(network, size=256, channels=3, images=64) == 0


def test_a_step_of_convolutions_in_groups_is_three_times_the_way_through_but_for_the_first_gradient() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Flatten())
    first, second = (2 * 9 * 6 * 6 * products for products in (3 * 8, 8))
    assert count_flops(network, size=6, channels=3) == first + second
    assert count_training_flops(network, size=6, channels=3) == 2 * first + 3 * second
