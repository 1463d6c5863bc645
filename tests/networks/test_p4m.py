"""The equivariant network answers the same for all eight views of a galaxy."""

from __future__ import annotations

import pytest
import torch

from kamerton.batches.augment import EIGHT as VIEWS
from kamerton.batches.augment import turned as view
from kamerton.networks.layers import evaluating
from kamerton.networks.p4m import WIDTHS, GroupConvolution, group_conv_norm, halving, view_between
from kamerton.networks.registry import build_network


def turned(maps_nchw: torch.Tensor, number: int) -> torch.Tensor:
    """What a view of the picture makes of its maps: each is seen so, and the eight of an orbit change places."""
    orbits = maps_nchw.unflatten(1, (-1, VIEWS))
    order = [view_between(number, place) for place in range(VIEWS)]
    return view(orbits[:, :, order], number).flatten(1, 2)


def test_the_eight_views_are_different_and_make_a_group() -> None:
    square = torch.arange(9).view(3, 3)
    views = {tuple(view(square, number).flatten().tolist()) for number in range(VIEWS)}
    assert len(views) == VIEWS
    for first in range(VIEWS):
        assert sorted(view_between(first, second) for second in range(VIEWS)) == list(range(VIEWS))


@pytest.mark.parametrize("number", range(VIEWS))
@pytest.mark.parametrize("side", [6, 7])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_a_group_convolution_turns_with_the_picture(side: int, kernel: int, number: int) -> None:
    torch.manual_seed(1)
    layers = [group_conv_norm(2, 3, kernel, views=1), group_conv_norm(3, 2, kernel)]
    network = torch.nn.Sequential(*layers, halving(side)).double()
    for layer in layers:
        convolution = layer[0]
        assert isinstance(convolution, GroupConvolution)
        torch.nn.init.normal_(convolution.weight)
    picture = torch.rand(2, 2, side, side, dtype=torch.float64)
    wanted = turned(network(picture), number)
    torch.testing.assert_close(network(view(picture, number)), wanted, rtol=0, atol=1e-9)
    assert not torch.allclose(network(picture), wanted) or number == 0


@pytest.mark.parametrize("size", [32, 33, 47, 64, 67, 96, 101])
def test_the_answer_is_the_same_for_all_eight_views(size: int) -> None:
    network = build_network("p4m_resnet", size=size, channels=3, classes=5, seed=2).double().train()
    pictures = torch.rand(4, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(size))
    network(pictures)
    with evaluating(network), torch.no_grad():
        wanted = network(pictures)
        for number in range(VIEWS):
            torch.testing.assert_close(network(view(pictures, number)), wanted, rtol=0, atol=1e-9)
    assert wanted.std(0).max() > 1e-4, "an answer that does not depend on the picture would prove nothing"


def test_the_answer_is_the_same_in_single_precision_too() -> None:
    network = build_network("p4m_resnet", size=64, channels=3, classes=5).eval()
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        answers = torch.stack([network(view(pictures, number)).softmax(1) for number in range(VIEWS)])
    assert (answers - answers[0]).abs().max() < 1e-5


def test_another_network_answers_otherwise_for_another_view() -> None:
    """What the equivariance is worth: without it the views differ a lot."""
    network = build_network("resnet18", size=64, channels=3, classes=5).eval()
    pictures = torch.rand(2, 3, 64, 64)
    assert (network(view(pictures, 1)) - network(pictures)).abs().max() > 1e-3


def test_its_weights_are_one_kernel_for_eight_views() -> None:
    network = build_network("p4m_resnet", size=64, channels=3, classes=5)
    last = [module for module in network.modules() if hasattr(module, "places")][-1]
    assert isinstance(last, GroupConvolution)
    assert tuple(last.weight.shape[:3]) == (WIDTHS[-1], WIDTHS[-2], VIEWS)
    assert "places" not in "".join(network.state_dict())
