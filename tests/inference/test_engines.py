"""Every engine gives the same probabilities, and which one computes follows from the computation."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from kamerton.config.machine import ChosenLayout
from kamerton.errors import UsageError
from kamerton.inference.engines import BATCH_IMAGES, Engine, float32_engine, int8_answers
from kamerton.machine.computation import choose_computation
from kamerton.networks.registry import build_network
from kamerton.runs.folder import Run
from tests.conftest import needs_nnpack

SHAPE = (256, 256, 3)
"""At 256 px nearly all of AlexNet is computed in tiles."""
BOTH: tuple[ChosenLayout, ChosenLayout] = ("tiles", "plain")

BOTH_IN_MEMORY: tuple[ChosenLayout, ChosenLayout] = ("plain", "channels_last")


@pytest.fixture(scope="module")
def confident() -> nn.Module:
    """AlexNet with probabilities from 0 to nearly 1, as a trained network has."""
    torch.manual_seed(0)
    network = build_network("alexnet", size=256, channels=3, classes=10).eval()
    network.get_parameter("dense7.weight").data *= 300
    return network


@pytest.fixture(scope="module")
def images_nchw() -> torch.Tensor:
    return torch.rand(BATCH_IMAGES, 3, 256, 256, generator=torch.Generator().manual_seed(0))


def engine(network: nn.Module, layout: ChosenLayout) -> Engine:
    return float32_engine(network, SHAPE, choose_computation(torch.device("cpu"), deterministic=True, layout=layout))


def predicted(network: nn.Module, layout: ChosenLayout, images_nchw: torch.Tensor) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        return engine(network, layout)(images_nchw)


@needs_nnpack
def test_whole_batches_in_tiles_give_the_probabilities_of_onnx_runtime(
    confident: nn.Module, images_nchw: torch.Tensor
) -> None:
    tiles, plain = (predicted(confident, name, images_nchw) for name in BOTH)
    assert plain.max() > 0.9
    assert not np.array_equal(tiles, plain), "nothing was computed in tiles"
    np.testing.assert_allclose(tiles, plain, rtol=0, atol=1e-5)


@needs_nnpack
def test_less_than_a_whole_batch_is_never_in_tiles(confident: nn.Module, images_nchw: torch.Tensor) -> None:
    few_nchw = images_nchw[: BATCH_IMAGES // 4]
    tiles, plain = (predicted(confident, name, few_nchw) for name in BOTH)
    np.testing.assert_array_equal(tiles, plain)


@needs_nnpack
def test_pytorch_alone_computes_in_tiles_or_not_as_told(
    confident: nn.Module, images_nchw: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    few_nchw = images_nchw[: BATCH_IMAGES // 4]
    with torch.inference_mode():
        plain = confident(few_nchw).softmax(1).numpy()
    np.testing.assert_array_equal(predicted(confident, "plain", few_nchw), plain)
    assert not np.array_equal(predicted(confident, "tiles", few_nchw), plain)


def test_pytorch_alone_gives_the_same_probabilities_with_channels_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    images_nchw = torch.rand(4, 3, 33, 33, generator=torch.Generator().manual_seed(0))
    found = []
    for layout in BOTH_IN_MEMORY:
        network = build_network("googlenet", size=33, channels=3, classes=5).eval()
        computation = choose_computation(torch.device("cpu"), deterministic=True, layout=layout)
        with torch.inference_mode():
            found.append(float32_engine(network, (33, 33, 3), computation)(images_nchw))
    assert network.get_parameter("stem.0.conv.weight").is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-5)


def test_int8_is_for_the_processor(toy_run: Run) -> None:
    with pytest.raises(UsageError, match=r"on the CPU.*cuda.*leave int8 out"):
        int8_answers(toy_run.load_network(), toy_run, torch.device("cuda"))


def test_int8_needs_onnx_runtime(toy_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kamerton.inference.engines.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="no onnxruntime"):
        int8_answers(toy_run.load_network(), toy_run, torch.device("cpu"))
