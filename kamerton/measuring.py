"""How fast this machine is, and how much of it each network gets: ``kamerton bench``."""

from __future__ import annotations

import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kamerton.config import BenchSettings, Preprocessing, Recipe
from kamerton.data.augment import augment
from kamerton.data.batches import batch_indices, read_batches, shuffled_order, to_network_input
from kamerton.data.cubes import CubeWriter, open_cube
from kamerton.inference import answer_with
from kamerton.networks import build_network, find_network
from kamerton.networks.cost import count_flops
from kamerton.provenance import describe_device
from kamerton.training.loop import Trainer
from kamerton.training.progress import Silent
from kamerton.training.recipes import load_recipe
from kamerton.training.repeatable import repeatable
from kamerton.training.session import Session

MATRIX_SIDE = 3072
TRAINING_FACTOR = 3
"""A step takes about three times the operations of an answer: forward, and the gradients of inputs and weights."""

CHANNELS, CLASSES = 3, 10


@dataclass(frozen=True)
class NetworkRates:
    """What one network reaches."""

    network: str
    flops_an_image: int
    training_images_per_second: float
    prediction_images_per_second: float
    training_share: float
    """Of the ceiling: the matrix product's rate over the counted operations."""
    prediction_share: float


@dataclass(frozen=True)
class Bench:
    """Rates of this machine; each is the median of the repeats."""

    device: str
    threads: int
    size: int
    batch_size: int
    matrix_gflops_per_second: float
    loader_images_per_second: float
    """Read from a cube, shuffled, turned, shifted and zoomed."""
    start_up_seconds: float
    """Of ``kamerton --help``."""
    networks: tuple[NetworkRates, ...]

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return dataclasses.asdict(self)

    def describe(self) -> list[str]:
        """Say it in lines."""
        lines = [
            f"{self.device}, {self.threads} threads, {self.size} px, batch {self.batch_size}",
            f"matrix product   {self.matrix_gflops_per_second:8.1f} GFLOP/s, the ceiling",
            f"loader           {self.loader_images_per_second:8.1f} images/s",
            f"start-up         {self.start_up_seconds:8.2f} s",
        ]
        for rates in self.networks:
            lines.append(
                f"{rates.network:16} training {rates.training_images_per_second:8.1f} images/s, "
                f"{rates.training_share:.0%} of the ceiling; prediction {rates.prediction_images_per_second:8.1f} "
                f"images/s, {rates.prediction_share:.0%}"
            )
        return lines


def bench(networks: Sequence[str] = ("alexnet",), settings: BenchSettings | None = None) -> Bench:
    """Measure the processor's matrix product, then each network's training and prediction as shares of it.

    Raises UnknownNameError, and UsageError for a size too small for a network, before anything is measured.
    """
    settings = settings or BenchSettings()
    for name in networks:
        find_network(name)
        with torch.device("meta"):
            build_network(name, size=settings.size, channels=CHANNELS, classes=CLASSES)
    matrix = _matrix_rate(settings)
    return Bench(
        device=describe_device(torch.device("cpu")),
        threads=torch.get_num_threads(),
        size=settings.size,
        batch_size=settings.batch_size,
        matrix_gflops_per_second=matrix / 1e9,
        loader_images_per_second=_loader_rate(settings),
        start_up_seconds=_start_up_seconds(settings),
        networks=tuple(_network_rates(name, settings, matrix) for name in networks),
    )


def _median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Time some work, once unseen and then so many times."""
    work()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _matrix_rate(settings: BenchSettings) -> float:
    """Operations a second of a large matrix product in float32."""
    matrix = torch.rand(MATRIX_SIDE, MATRIX_SIDE)
    return 2 * MATRIX_SIDE**3 / _median_seconds(lambda: matrix @ matrix, settings.repeats)


def _network_rates(name: str, settings: BenchSettings, matrix: float) -> NetworkRates:
    size, batch = settings.size, settings.batch_size
    network = build_network(name, size=size, channels=CHANNELS, classes=CLASSES)
    flops = count_flops(network, size=size, channels=CHANNELS)
    recipe = load_recipe("notebook")
    preprocessing = Preprocessing(size, CHANNELS)
    images_nhwc = torch.randint(0, 256, (batch, size, size, CHANNELS), dtype=torch.uint8)
    labels = torch.arange(batch) % CLASSES
    session = Session.start(network, recipe)
    trainer = Trainer(network, recipe, preprocessing, 0, torch.device("cpu"), Silent())
    with repeatable(deterministic=True):
        network.train()
        step = _median_seconds(lambda: trainer.learn(images_nhwc, labels, session.optimizer, 0), settings.repeats)
    answer = answer_with(network.eval(), (size, size, CHANNELS))
    with torch.inference_mode():
        predict = _median_seconds(lambda: answer(to_network_input(images_nhwc, preprocessing)), settings.repeats)
    training, prediction = batch / step, batch / predict
    return NetworkRates(
        network=name,
        flops_an_image=flops,
        training_images_per_second=training,
        prediction_images_per_second=prediction,
        training_share=training * TRAINING_FACTOR * flops / matrix,
        prediction_share=prediction * flops / matrix,
    )


def _loader_rate(settings: BenchSettings) -> float:
    """Images a second that a cube on disk gives: shuffled, turned, shifted and zoomed, on their way to a network."""
    size, count = settings.size, 4 * settings.batch_size
    recipe = load_recipe("modern")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.fits"
        with CubeWriter(path, image_shape=(size, size, CHANNELS), dtype=np.uint8, class_names=("noise",)) as writer:
            writer.append(np.random.default_rng(0).integers(0, 256, (count, size, size, CHANNELS), np.uint8))
            writer.finish(np.zeros(count, np.int64))
        with open_cube(path) as cube:
            return count / _median_seconds(lambda: _load(cube, recipe, settings), settings.repeats)


def _load(cube: Any, recipe: Recipe, settings: BenchSettings) -> None:
    assert recipe.augment is not None
    batches = batch_indices(shuffled_order(len(cube), 0, 0), settings.batch_size)
    for images_nhwc, _ in read_batches(cube, batches):
        images_nchw = to_network_input(images_nhwc, Preprocessing(settings.size, CHANNELS))
        augment(images_nchw, recipe.augment, torch.Generator().manual_seed(0))


def _start_up_seconds(settings: BenchSettings) -> float:
    command = [sys.executable, "-m", "kamerton", "--help"]
    return _median_seconds(lambda: subprocess.run(command, check=True, capture_output=True), settings.repeats)
