"""The small pieces of a step, each by itself: ``pytest benchmarks/test_pieces.py`` (pytest-benchmark).

Times are of this machine and this minute; compare the pieces with each other, or two commits with
``--benchmark-autosave`` and ``--benchmark-compare``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from kamerton.batches.augment import augment
from kamerton.batches.reading import shuffled_order, to_network_input
from kamerton.config.pictures import Preprocessing
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.evaluation.metrics import classification_metrics
from kamerton.inference.engines import float32_engine
from kamerton.machine.computation import choose_computation
from kamerton.networks.registry import build_network
from kamerton.recipes import load_recipe
from kamerton.training.losses import loss_of
from kamerton.training.optimizers import make_optimizer
from kamerton.training.session import batch_sums

SIZE, BATCH, COUNT, CLASSES = 128, 32, 256, 10
SHAPE = Preprocessing(SIZE, 3)


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelledCube]:
    path = tmp_path_factory.mktemp("pieces") / "noise.fits"
    names = [f"class {number}" for number in range(CLASSES)]
    with CubeWriter(path, image_shape=(SIZE, SIZE, 3), dtype=np.uint8, class_names=names) as writer:
        writer.append(np.random.default_rng(0).integers(0, 256, (COUNT, SIZE, SIZE, 3), np.uint8))
        writer.finish(np.arange(COUNT) % CLASSES)
    with open_cube(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def images_nhwc(cube: LabelledCube) -> torch.Tensor:
    return torch.from_numpy(cube.read(slice(0, BATCH)))


@pytest.fixture(scope="module")
def images_nchw(images_nhwc: torch.Tensor) -> torch.Tensor:
    return to_network_input(images_nhwc, SHAPE)


def test_read_a_shuffled_batch(benchmark: Any, cube: LabelledCube) -> None:
    benchmark(cube.read, shuffled_order(len(cube), 0, 0)[:BATCH])


def test_scale_a_batch(benchmark: Any, images_nhwc: torch.Tensor) -> None:
    benchmark(to_network_input, images_nhwc, SHAPE)


def test_shrink_a_batch(benchmark: Any, images_nhwc: torch.Tensor) -> None:
    benchmark(to_network_input, images_nhwc, Preprocessing(SIZE // 2, 3))


def test_turn_shift_and_zoom_a_batch(benchmark: Any, images_nchw: torch.Tensor) -> None:
    settings = load_recipe("modern").augment
    assert settings is not None
    benchmark(augment, images_nchw, settings, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "resnet18"])
def test_forward_and_backward(benchmark: Any, name: str, images_nchw: torch.Tensor) -> None:
    network = build_network(name, size=SIZE, channels=3, classes=CLASSES).train()
    labels = torch.arange(BATCH) % CLASSES

    def step() -> None:
        network.zero_grad(set_to_none=True)
        torch.autograd.backward(loss_of(network(images_nchw), labels, 0.0)[0])

    benchmark(step)


@pytest.mark.parametrize("recipe", ["notebook", "modern"])
def test_change_the_weights(benchmark: Any, recipe: str) -> None:
    network = build_network("alexnet", size=SIZE, channels=3, classes=CLASSES)
    optimizer = make_optimizer(network, load_recipe(recipe))
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    benchmark(optimizer.step)


def test_count_a_batch(benchmark: Any) -> None:
    benchmark(batch_sums, torch.tensor(1.0), torch.rand(BATCH, CLASSES), torch.arange(BATCH) % CLASSES)


@pytest.mark.parametrize("count", [1, BATCH])
def test_predict(benchmark: Any, count: int, images_nchw: torch.Tensor) -> None:
    network = build_network("alexnet", size=SIZE, channels=3, classes=CLASSES).eval()
    engine = float32_engine(network, (SIZE, SIZE, 3), choose_computation(torch.device("cpu"), deterministic=True))
    with torch.inference_mode():
        benchmark(engine, images_nchw[:count])


def test_measure_ten_thousand_predictions(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, CLASSES, 10_000), rng.dirichlet(np.ones(CLASSES), 10_000)
    benchmark(classification_metrics, labels, probabilities, [f"class {number}" for number in range(CLASSES)])
