"""The layer that is explained, and where its cells lie."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from kamerton.explaining.layers import FEWEST_CELLS, find_layer, values_and_gradients
from kamerton.networks.efficientnet_lite import convolution
from kamerton.networks.layers import Flatten, GlobalAverage
from kamerton.networks.registry import NETWORKS, build_network


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_table_has_a_layer_that_all_of_the_answer_passes(name: str) -> None:
    size = max(64, NETWORKS[name].smallest_size)
    network = build_network(name, size=size, channels=3, classes=4).eval()
    layer = find_layer(network, (size, size, 3))
    assert layer is not None
    assert layer.side >= FEWEST_CELLS
    images_nchw = torch.rand(2, 3, size, size)
    values, gradients = values_and_gradients(network, layer, images_nchw, torch.tensor([1, 3]))
    assert values.shape == gradients.shape
    assert (gradients[0] != 0).any()
    # The middles of the cells lie within the image.
    assert 0 <= layer.start_px <= layer.start_px + layer.step_px * (layer.side - 1) < size


def test_cells_lie_where_strides_and_margins_have_put_them() -> None:
    convolutions = nn.Sequential(
        nn.Conv2d(1, 1, 7, stride=2), nn.AvgPool2d(3, stride=2, padding=1), nn.Conv2d(1, 1, 3, dilation=2, padding=1)
    )
    for module in convolutions.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.ones_(module.weight)
    layer = find_layer(nn.Sequential(convolutions, Flatten(), nn.Linear(13 * 13, 2)), (65, 65, 1))
    assert layer is not None
    assert layer.side == 13
    images_nchw = torch.zeros(1, 1, 65, 65, requires_grad=True)
    for cell in (4, 7):
        (seen,) = torch.autograd.grad(convolutions(images_nchw)[0, 0, cell, cell], images_nchw)
        middle = (seen[0, 0].sum(0) * torch.arange(65)).sum() / seen.sum()
        assert layer.start_px + cell * layer.step_px == pytest.approx(middle.item(), abs=1e-4)


@pytest.mark.parametrize("size", [64, 65])
def test_cells_lie_right_behind_zeros_that_stand_on_one_side_only(size: int) -> None:
    convolutions = nn.Sequential(
        *(convolution(side, 1, 1, kernel, stride=2) for side, kernel in ((size, 3), (math.ceil(size / 2), 5)))
    ).eval()
    for module in convolutions.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.ones_(module.weight)
    side = math.ceil(size / 4)
    layer = find_layer(nn.Sequential(convolutions, Flatten(), nn.Linear(side * side, 2)), (size, size, 1))
    assert layer is not None
    assert layer.side == side
    images_nchw = torch.zeros(1, 1, size, size, requires_grad=True)
    (seen,) = torch.autograd.grad(convolutions(images_nchw)[0, 0, 5, 5], images_nchw)
    middle = (seen[0, 0].sum(0) * torch.arange(size)).sum() / seen.sum()
    assert layer.start_px + 5 * layer.step_px == pytest.approx(middle.item(), abs=1e-4)


def test_a_cell_is_brightest_at_its_middle() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 5, stride=4, padding=2), nn.ReLU(), Flatten(), nn.Linear(128, 2))
    layer = find_layer(network, (32, 32, 1))
    assert layer is not None
    cells = torch.zeros(1, 8, 8)
    cells[0, 2, 5] = 1
    on_pixels = layer.on_pixels(cells)
    assert divmod(int(on_pixels.argmax()), 32) == (8, 20)
    assert float(on_pixels.max()) == 1


def test_a_branch_beside_a_shortcut_is_no_layer_to_explain() -> None:
    class Beside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.branch = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
            self.head = nn.Sequential(GlobalAverage(), nn.Linear(3, 2))

        def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
            stem = self.stem(images_nchw)
            logits: torch.Tensor = self.head(stem + self.branch(stem))
            return logits

    layer = find_layer(Beside(), (16, 16, 1))
    assert layer is not None
    assert layer.name == "stem"


def test_the_patches_of_a_transformer_are_found_behind_its_class_token() -> None:
    class Transformer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(1, 16, 4, stride=4)
            self.token = nn.Parameter(torch.zeros(1, 1, 16))
            layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0, batch_first=True)
            self.first, self.last = nn.Sequential(layer), nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
            self.dense = nn.Linear(16, 2)

        def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
            tokens = self.patches(images_nchw).flatten(2).transpose(1, 2)
            tokens = torch.cat([self.token.expand(len(tokens), -1, -1), tokens], 1)
            logits: torch.Tensor = self.dense(self.last(self.first(tokens))[:, 0])
            return logits

    torch.manual_seed(0)
    layer = find_layer(Transformer().eval(), (32, 32, 1))
    assert layer is not None
    # The last block's own patches are looked at by nobody.
    assert (layer.name, layer.layout, layer.side) == ("first", "tokens", 8)
    values = torch.arange(65.0).view(1, 65, 1)
    assert torch.equal(layer.cells(values)[0, 0], torch.arange(1.0, 65).view(8, 8))


def test_a_network_without_an_image_inside_has_no_layer() -> None:
    assert find_layer(nn.Sequential(Flatten(), nn.Linear(64, 2)), (8, 8, 1)) is None
