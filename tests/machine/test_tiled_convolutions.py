"""Convolutions in tiles give what plain ones give, and only where they gain."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from kamerton.machine import tiled_convolutions
from kamerton.machine.tiled_convolutions import Convolution, TiledConvolutions, tiles_available
from tests.conftest import needs_nnpack

WIDE = {"images": 16, "inputs": 200, "outputs": 240, "height": 20, "width": 20, "kernel": 3}
"""Wide enough to gain."""


class Problem(NamedTuple):
    images_nchw: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor
    gradient: torch.Tensor


class Found(NamedTuple):
    outputs: torch.Tensor
    of_images: torch.Tensor
    of_weight: torch.Tensor
    of_bias: torch.Tensor


def problem(*, images: int, inputs: int, outputs: int, height: int, width: int, kernel: int) -> Problem:
    random = torch.Generator().manual_seed(inputs + 1000 * outputs)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random)

    return Problem(
        normal(images, inputs, height, width),
        normal(outputs, inputs, kernel, kernel) / (inputs * kernel**2) ** 0.5,
        normal(outputs),
        normal(images, outputs, height, width),
    )


def solved(
    given_problem: Problem,
    *,
    tiled: bool,
    side_by_side: bool = True,
    dtype: torch.dtype = torch.float32,
    **moves: int,
) -> Found:
    leaves = [tensor.to(dtype).requires_grad_() for tensor in given_problem[:3]]
    images_nchw, weight, bias = leaves
    options: dict[str, Any] = {"padding": weight.shape[-1] // 2} | moves
    if tiled:
        with TiledConvolutions(side_by_side=side_by_side):
            outputs = F.conv2d(images_nchw, weight, bias, **options)
    else:
        outputs = F.conv2d(images_nchw, weight, bias, **options)
    gradient = given_problem.gradient[: len(outputs), :, : outputs.shape[2], : outputs.shape[3]].to(dtype)
    return Found(outputs.detach(), *torch.autograd.grad(outputs, leaves, gradient))


def error(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float((found - exact).abs().max() / exact.std())


@needs_nnpack
@settings(max_examples=60)
@given(
    images=st.integers(1, 20),
    inputs=st.integers(1, 40),
    outputs=st.integers(2, 40),
    height=st.integers(5, 40),
    width=st.integers(5, 40),
    kernel=st.sampled_from([3, 5]),
    side_by_side=st.booleans(),
)
def test_values_and_gradients_are_those_of_float64(*, side_by_side: bool, **shape: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiled_convolutions, "LEAST_WORK", 0)
        patch.setattr(tiled_convolutions, "LEAST_WORK_SIDE_BY_SIDE", 0)
        patch.setattr(tiled_convolutions, "LEAST_SIDE", 1)
        patch.setattr(tiled_convolutions, "LEAST_IMAGES", 1)
        found = solved(problem(**shape), tiled=True, side_by_side=side_by_side)
    for one, exact in zip(found, solved(problem(**shape), tiled=False, dtype=torch.float64), strict=True):
        torch.testing.assert_close(one.double(), exact, rtol=1e-4, atol=1e-4 * float(exact.abs().max()))


@needs_nnpack
@pytest.mark.parametrize(
    ("side", "kernel", "channels", "allowed"),
    # Sides and kernels of AlexNet, in Fourier's tiles, and one in Winograd's.
    [(14, 3, 300, 1e-5), (30, 5, 96, 1e-5), (30, 3, 140, 3e-4)],
)
@pytest.mark.parametrize("side_by_side", [True, False])
def test_how_near_they_come_to_float64(
    side: int, kernel: int, channels: int, allowed: float, side_by_side: bool
) -> None:
    sides = {"height": side, "width": side, "kernel": kernel}
    wide = problem(images=16, inputs=channels, outputs=channels, **sides)
    assert Convolution(wide.images_nchw, wide.weight, padding=kernel // 2).gains
    exact = solved(wide, tiled=False, dtype=torch.float64)
    for tiled, true in zip(solved(wide, tiled=True, side_by_side=side_by_side), exact, strict=True):
        assert error(tiled, true) < allowed


@needs_nnpack
def test_tiles_are_taken_where_they_gain() -> None:
    wide = problem(**WIDE)
    with TiledConvolutions(side_by_side=True):
        outputs = F.conv2d(wide.images_nchw, wide.weight.requires_grad_(), padding=1)
    assert "Tiled" in type(outputs.grad_fn).__name__


@needs_nnpack
@pytest.mark.parametrize("side_by_side", [True, False])
def test_the_same_bits_again(side_by_side: bool) -> None:
    wide = problem(**WIDE)
    twice = [solved(wide, tiled=True, side_by_side=side_by_side) for _ in range(2)]
    assert all(torch.equal(first, second) for first, second in zip(*twice, strict=True))


@needs_nnpack
def test_called_by_keyword() -> None:
    wide = problem(**WIDE)
    with TiledConvolutions(side_by_side=True):
        found = F.conv2d(input=wide.images_nchw, weight=wide.weight, padding=1)
    torch.testing.assert_close(found, F.conv2d(wide.images_nchw, wide.weight, padding=1), rtol=1e-4, atol=1e-4)


def test_one_image_without_an_axis_for_images() -> None:
    wide = problem(**WIDE)
    with TiledConvolutions(side_by_side=True):
        found = F.conv2d(wide.images_nchw[0], wide.weight, padding=1)
    assert torch.equal(found, F.conv2d(wide.images_nchw[0], wide.weight, padding=1))


def test_a_bias_of_a_wrong_length_is_refused() -> None:
    wide = problem(**WIDE)
    with TiledConvolutions(side_by_side=True), pytest.raises(RuntimeError, match="bias"):
        F.conv2d(wide.images_nchw, wide.weight, wide.bias[:3], padding=1)


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace:DeprecationWarning")
def test_who_traces_gets_plain_convolutions() -> None:
    wide = problem(**WIDE)
    network = torch.nn.Conv2d(200, 240, 3, padding=1)
    with TiledConvolutions(side_by_side=True), torch.no_grad():
        traced = torch.jit.trace(network, wide.images_nchw, check_trace=False)
    assert "nnpack" not in str(traced.graph)
    assert "_convolution" in str(traced.inlined_graph)


@pytest.mark.parametrize("moves", [{"stride": 2}, {"dilation": 2}, {"padding": 0}])
def test_other_convolutions_stay_as_they_are(moves: dict[str, Any]) -> None:
    wide = problem(**WIDE)
    for tiled, plain in zip(solved(wide, tiled=True, **moves), solved(wide, tiled=False, **moves), strict=True):
        assert torch.equal(tiled, plain)


def test_float64_stays_as_it_is() -> None:
    images_nchw, weight = (tensor.double() for tensor in problem(**WIDE)[:2])
    with TiledConvolutions(side_by_side=True):
        found = F.conv2d(images_nchw, weight, padding=1)
    assert torch.equal(found, F.conv2d(images_nchw, weight, padding=1))


def test_groups_stay_as_they_are() -> None:
    wide = problem(**WIDE)
    weight = wide.weight[:, :100]
    with TiledConvolutions(side_by_side=True):
        found = F.conv2d(wide.images_nchw, weight, padding=1, groups=2)
    assert torch.equal(found, F.conv2d(wide.images_nchw, weight, padding=1, groups=2))


def assert_nothing_is_in_tiles() -> None:
    wide = problem(**WIDE)
    assert not tiles_available()
    for tiled, plain in zip(solved(wide, tiled=True), solved(wide, tiled=False), strict=True):
        assert torch.equal(tiled, plain)


def test_a_processor_that_nnpack_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "_nnpack_available", lambda: False)
    assert_nothing_is_in_tiles()


@pytest.mark.parametrize("name", ["_nnpack_available", "_nnpack_spatial_convolution"])
def test_a_pytorch_that_has_nnpack_no_more(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, name)
    assert_nothing_is_in_tiles()


@pytest.mark.parametrize(
    ("images_shape", "weight_shape", "wanted"),
    [
        # AlexNet at 256 px, its second and fourth convolution, and the same at 67 px.
        ((32, 96, 30, 30), (256, 96, 5, 5), True),
        ((32, 384, 14, 14), (384, 384, 3, 3), True),
        ((32, 384, 3, 3), (384, 384, 3, 3), False),
        # ResNet-18's first and last, a shortcut, one galaxy alone, and a long kernel.
        ((32, 64, 64, 64), (64, 64, 3, 3), False),
        ((32, 512, 8, 8), (512, 512, 3, 3), False),
        ((32, 64, 32, 32), (128, 64, 1, 1), False),
        ((1, 384, 14, 14), (384, 384, 3, 3), False),
        ((32, 384, 30, 30), (384, 384, 1, 5), False),
    ],
)
def test_where_answers_gain(images_shape: tuple[int, ...], weight_shape: tuple[int, ...], wanted: bool) -> None:
    images_nchw, weight = torch.empty(images_shape, device="meta"), torch.empty(weight_shape, device="meta")
    assert Convolution(images_nchw, weight, padding=weight_shape[-1] // 2).gains is wanted


@pytest.mark.parametrize(
    ("images_shape", "weight_shape", "wanted"),
    [
        # AlexNet at 128 px, its second and fourth convolution; ResNet-18 at 256 px, its third stage and its last.
        ((32, 96, 14, 14), (256, 96, 5, 5), True),
        ((32, 384, 6, 6), (384, 384, 3, 3), False),
        ((32, 256, 16, 16), (256, 256, 3, 3), True),
        ((32, 512, 8, 8), (512, 512, 3, 3), False),
        ((8, 96, 14, 14), (256, 96, 5, 5), False),
    ],
)
def test_where_they_gain_side_by_side(
    images_shape: tuple[int, ...], weight_shape: tuple[int, ...], wanted: bool
) -> None:
    images_nchw, weight = torch.empty(images_shape, device="meta"), torch.empty(weight_shape, device="meta")
    assert Convolution(images_nchw, weight, padding=weight_shape[-1] // 2).gains_side_by_side is wanted


@needs_nnpack
def test_an_answer_does_not_depend_on_the_galaxies_beside_it() -> None:
    wide = problem(**WIDE)
    others = torch.cat([wide.images_nchw[:1], 1000 * wide.images_nchw[1:].flip(0)])
    with TiledConvolutions(side_by_side=True), torch.no_grad():
        first, again = (F.conv2d(images, wide.weight, padding=1)[0] for images in (wide.images_nchw, others))
    assert torch.equal(first, again)


@needs_nnpack
def test_a_batch_that_is_too_large_for_one_image_is_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = problem(**WIDE)
    whole = solved(wide, tiled=True)
    monkeypatch.setattr(tiled_convolutions, "MOST_NUMBERS", whole.outputs[:3].numel())
    for part, one in zip(solved(wide, tiled=True), whole, strict=True):
        torch.testing.assert_close(part, one, rtol=1e-4, atol=1e-4 * float(one.abs().max()))


@needs_nnpack
def test_what_follows_may_change_the_outputs_in_place() -> None:
    wide = problem(**WIDE)
    weight = wide.weight.clone().requires_grad_()
    with TiledConvolutions(side_by_side=True):
        F.relu(F.conv2d(wide.images_nchw, weight, padding=1), inplace=True).sum().backward()
    assert weight.grad is not None
