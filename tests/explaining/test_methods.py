"""Maps of what speaks for a class."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kamerton.batches.augment import EIGHT, turned
from kamerton.config.answers import ExplainMethod
from kamerton.errors import MissingExtraError, UsageError
from kamerton.explaining.layers import find_layer, values_and_gradients
from kamerton.explaining.methods import METHODS, gradcam, hirescam, over_eight_views, subject_of, turned_back
from kamerton.networks.layers import Flatten
from kamerton.networks.registry import build_network

SIZE, CELLS = 32, 16


def network_of_one_corner() -> nn.Module:
    """Build a network whose second class is there where its top left corner is bright, and nothing else counts."""
    torch.manual_seed(0)
    dense = nn.Linear(CELLS * CELLS * 2, 2)
    with torch.no_grad():
        dense.weight.zero_()
        dense.weight.view(2, CELLS, CELLS, 2)[1, :4, :4] = 1
        dense.bias.copy_(torch.tensor([0.0, -6.0]))
    convolution = nn.Conv2d(3, 2, 3, padding=1)
    nn.init.constant_(convolution.weight, 0.05)
    return nn.Sequential(convolution, nn.ReLU(inplace=True), nn.MaxPool2d(2), Flatten(), dense).eval()


@pytest.mark.parametrize("method", ["hirescam", "occlusion"])
def test_the_map_points_to_the_corner_that_alone_counts(method: ExplainMethod) -> None:
    network = network_of_one_corner()
    maps = METHODS[method](network, (SIZE, SIZE, 3)).maps
    found = maps(subject_of(network), torch.rand(3, 3, SIZE, SIZE) + 0.5, torch.tensor([1, 1, 1]))
    reach = 10 if method == "hirescam" else 14
    inside = found[:, :reach, :reach].clamp(min=0).sum()
    assert float(inside / found.clamp(min=0).sum()) > 0.95


def test_the_other_class_is_not_explained_by_that_corner() -> None:
    network = network_of_one_corner()
    maps = METHODS["hirescam"](network, (SIZE, SIZE, 3)).maps
    assert not maps(subject_of(network), torch.rand(1, 3, SIZE, SIZE), torch.tensor([0])).any()


def test_hirescam_adds_up_to_the_logit_behind_one_dense_layer() -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), Flatten(), nn.Linear(4 * 30 * 30, 5)).eval()
    layer = find_layer(network, (SIZE, SIZE, 3))
    assert layer is not None
    images_nchw, classes = torch.rand(4, 3, SIZE, SIZE), torch.tensor([0, 1, 4, 4])
    found = hirescam(*values_and_gradients(network, layer, images_nchw, classes)).sum((1, 2))
    dense = network.get_submodule("3")
    assert isinstance(dense, nn.Linear)
    torch.testing.assert_close(found, network(images_nchw).gather(1, classes[:, None])[:, 0] - dense.bias[classes])


@pytest.mark.parametrize("method", ["hirescam", "gradcam"])
@pytest.mark.parametrize("size", [48, 61])
def test_the_map_of_p4m_turns_with_the_galaxy(method: ExplainMethod, size: int) -> None:
    network = build_network("p4m_resnet", size=size, channels=3, classes=3).eval()
    maps = METHODS[method](network, (size, size, 3)).maps
    images_nchw, classes = torch.rand(2, 3, size, size), torch.tensor([0, 2])
    upright = maps(subject_of(network), images_nchw, classes)
    assert float(upright.abs().max()) > 0
    for number in range(EIGHT):
        found = turned_back(maps(subject_of(network), turned(images_nchw, number), classes), number)
        torch.testing.assert_close(found, upright, rtol=1e-3, atol=1e-3 * float(upright.abs().max()))


def test_a_map_over_eight_views_turns_with_the_galaxy_whatever_the_network() -> None:
    network = build_network("lenet5", size=SIZE, channels=3, classes=3).eval()
    maps = over_eight_views(METHODS["hirescam"](network, (SIZE, SIZE, 3)).maps)
    images_nchw, classes = torch.rand(2, 3, SIZE, SIZE), torch.tensor([0, 2])
    upright = maps(subject_of(network), images_nchw, classes)
    for number in range(EIGHT):
        found = turned_back(maps(subject_of(network), turned(images_nchw, number), classes), number)
        torch.testing.assert_close(found, upright, rtol=1e-4, atol=1e-6)


def test_turning_back_undoes_each_view() -> None:
    squares = torch.rand(1, 5, 5)
    assert all(torch.equal(turned_back(turned(squares, number), number), squares) for number in range(EIGHT))


def test_a_network_without_an_image_inside_is_refused_for_a_weighted_layer() -> None:
    with pytest.raises(UsageError, match="use --method occlusion"):
        METHODS["hirescam"](nn.Sequential(Flatten(), nn.Linear(64, 2)), (8, 8, 1))


def test_gradcam_is_captums() -> None:
    attr = pytest.importorskip("captum.attr")
    network = build_network("resnet18", size=64, channels=3, classes=4).eval()
    layer = find_layer(network, (64, 64, 3))
    assert layer is not None
    images_nchw, classes = torch.rand(2, 3, 64, 64), torch.tensor([1, 2])
    ours = gradcam(*values_and_gradients(network, layer, images_nchw, classes))
    peer = attr.LayerGradCam(network, network.get_submodule(layer.name))
    theirs = peer.attribute(images_nchw, target=classes, relu_attributions=True)[:, 0]
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-7)


def test_integrated_gradients_add_up_to_what_the_galaxy_has_over_its_sky() -> None:
    pytest.importorskip("captum.attr")
    network = build_network("lenet5", size=SIZE, channels=3, classes=3).eval()
    maps = METHODS["integrated"](network, (SIZE, SIZE, 3)).maps
    images_nchw, classes = torch.rand(2, 3, SIZE, SIZE), torch.tensor([0, 2])
    from kamerton.explaining.sky import sky_like

    subject = subject_of(network)
    gained = subject.logits(images_nchw, classes) - subject.logits(sky_like(images_nchw), classes)
    torch.testing.assert_close(maps(subject, images_nchw, classes).sum((1, 2)), gained, rtol=0.05, atol=0.01)


def test_integrated_gradients_name_the_extra_that_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "captum", None)
    with pytest.raises(MissingExtraError, match="pip install captum"):
        METHODS["integrated"](network_of_one_corner(), (SIZE, SIZE, 3))
