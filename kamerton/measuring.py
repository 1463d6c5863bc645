"""How fast this machine is, and how much of it each network gets: ``kamerton bench``."""

from __future__ import annotations

import dataclasses
import operator
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from kamerton.batches.augment import augment
from kamerton.batches.reading import batch_indices, read_batches, shuffled_order, to_network_input
from kamerton.checks import several
from kamerton.config.machine import BenchSettings
from kamerton.config.pictures import Preprocessing
from kamerton.config.recipe import Recipe
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.inference.engines import BATCH_IMAGES, float32_engine
from kamerton.machine.computation import Computation, choose_computation
from kamerton.machine.devices import describe_device
from kamerton.machine.repeatable import repeatable
from kamerton.networks.cost import count_flops, count_training_flops
from kamerton.networks.layouts import fastest_layout
from kamerton.networks.registry import build_network, find_network
from kamerton.progress import Advance, Progress, Silent
from kamerton.recipes import load_recipe
from kamerton.training.loop import Trainer
from kamerton.training.session import Session

REPEATS = "measurements"
MATRIX_SIDE = 3072
CHANNELS, CLASSES = 3, 10


@dataclass(frozen=True)
class NetworkRates:
    """What one network reaches."""

    network: str
    flops_an_image: int
    training_flops_an_image: int
    training_images_per_second: float
    prediction_images_per_second: float
    training_share: float
    """Of the ceiling, the matrix product's rate over the counted operations, measured in turn.

    Counted are a plain convolution's products; in tiles there are fewer, and the share may pass 1.
    """
    prediction_share: float
    one_image_seconds: float
    """To predict a single image."""


@dataclass(frozen=True)
class Bench:
    """Rates of this machine; each is the median of the repeats."""

    device: str
    threads: int
    size: int
    batch_size: int
    """Of training; predictions are made in the batches of `kamerton.inference.engines`."""
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
            f"{self.device}, {self.threads} threads, {self.size} px, batches of {self.batch_size} to train",
            f"matrix product   {self.matrix_gflops_per_second:8.1f} GFLOP/s, the ceiling",
            f"loader           {self.loader_images_per_second:8.1f} images/s",
            f"start-up         {self.start_up_seconds:8.2f} s",
        ]
        for rates in self.networks:
            lines.append(
                f"{rates.network:16} training {rates.training_images_per_second:8.1f} images/s, "
                f"{rates.training_share:.0%} of the ceiling; prediction {rates.prediction_images_per_second:8.1f} "
                f"images/s, {rates.prediction_share:.0%}; one image {rates.one_image_seconds * 1e3:.0f} ms"
            )
        return lines


def bench(
    networks: str | Iterable[str] = BenchSettings.networks,
    *,
    size: int = BenchSettings.size,
    batch_size: int = BenchSettings.batch_size,
    repeats: int = BenchSettings.repeats,
    watcher: Progress | None = None,
) -> Bench:
    """Measure the CPU's matrix product, then each network's training and prediction as shares of it.

    Raises UnknownNameError, and UsageError for a size too small for a network, before anything is measured.
    """
    settings = BenchSettings(several(networks, str), size, batch_size, repeats)
    for name in settings.networks:
        find_network(name)
        with torch.device("meta"):
            build_network(name, size=settings.size, channels=CHANNELS, classes=CLASSES)
    watcher = watcher or Silent()
    matrix = statistics.median(_matrix_rate() for _ in range(settings.repeats))
    # Each is repeated, and once more before to warm up; only telling lies between.
    with watcher.task("measuring this machine", 2 * (settings.repeats + 1), REPEATS) as advance:
        loader_images_per_second = _loader_rate(settings, advance)
        start_up_seconds = _start_up_seconds(settings, advance)
    return Bench(
        device=describe_device(torch.device("cpu")),
        threads=torch.get_num_threads(),
        size=settings.size,
        batch_size=settings.batch_size,
        matrix_gflops_per_second=matrix / 1e9,
        loader_images_per_second=loader_images_per_second,
        start_up_seconds=start_up_seconds,
        networks=tuple(_network_rates(name, settings, watcher) for name in settings.networks),
    )


def _median_seconds(work: Callable[[], object], repeats: int, advance: Advance) -> float:
    """Time some work, once unseen and then so many times."""
    work()
    advance()
    seconds = []
    for _ in range(repeats):
        seconds.append(_seconds(work))
        advance()
    return statistics.median(seconds)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _matrix_rate() -> float:
    """Operations a second of a large matrix product in float32."""
    matrix, product = torch.rand(MATRIX_SIDE, MATRIX_SIDE), torch.empty(MATRIX_SIDE, MATRIX_SIDE)
    torch.mm(matrix, matrix, out=product)
    return 2 * MATRIX_SIDE**3 / _seconds(lambda: torch.mm(matrix, matrix, out=product))


@dataclass(frozen=True)
class _Timing:
    """One repeat: some work and, for the machine's speed changes all the time, a matrix product just before it."""

    seconds: float
    matrix_rate: float
    """Operations a second of the matrix product."""

    @classmethod
    def of(cls, work: Callable[[], object]) -> Self:
        """Time both."""
        matrix_rate = _matrix_rate()
        return cls(_seconds(work), matrix_rate)


@dataclass(frozen=True)
class _Rate:
    """What some work on ``images`` images of ``flops`` operations each reached in the median of its repeats."""

    images_per_second: float
    share: float
    """Of the ceiling."""

    @classmethod
    def of(cls, timings: Sequence[_Timing], images: int, flops: int) -> Self:
        """Take the medians, of the shares too: each is of one moment."""
        rates = [images / timing.seconds for timing in timings]
        ceilings = [timing.matrix_rate / flops for timing in timings]
        return cls(statistics.median(rates), statistics.median(map(operator.truediv, rates, ceilings)))


def _network_rates(name: str, settings: BenchSettings, watcher: Progress) -> NetworkRates:
    """Time steps, and then predictions with the network that they made."""
    network = build_network(name, size=settings.size, channels=CHANNELS, classes=CLASSES)
    training_flops = count_training_flops(network, size=settings.size, channels=CHANNELS)
    flops = count_flops(network, size=settings.size, channels=CHANNELS)
    computation = _computation(name, settings)
    with watcher.task(f"measuring {name}", 2 * (settings.repeats + 1), REPEATS) as advance:
        steps = _time_training(network, computation, settings, advance)
        batches, single = _time_prediction(network, computation, settings, advance)
    training = _Rate.of(steps, settings.batch_size, training_flops)
    prediction = _Rate.of(batches, BATCH_IMAGES, flops)
    return NetworkRates(
        network=name,
        flops_an_image=flops,
        training_flops_an_image=training_flops,
        training_images_per_second=training.images_per_second,
        prediction_images_per_second=prediction.images_per_second,
        training_share=training.share,
        prediction_share=prediction.share,
        one_image_seconds=statistics.median(single),
    )


def _time_training(
    network: nn.Module, computation: Computation, settings: BenchSettings, advance: Advance
) -> list[_Timing]:
    """Time steps of the notebook's recipe; one more for warming up is left out."""
    recipe = load_recipe("notebook")
    trainer = Trainer(
        network=network, recipe=recipe, preprocessing=_preprocessing(settings), seed=0, computation=computation
    )
    optimizer = Session.start(network, recipe).optimizer
    images_nhwc, labels = _noise(settings, settings.batch_size), torch.arange(settings.batch_size) % CLASSES
    network.train()
    timings = []
    with repeatable(deterministic=True):
        for _ in range(settings.repeats + 1):
            timings.append(_Timing.of(lambda: trainer.learn(images_nhwc, labels, optimizer, 0)))
            advance()
    return timings[1:]


def _time_prediction(
    network: nn.Module, computation: Computation, settings: BenchSettings, advance: Advance
) -> tuple[list[_Timing], list[float]]:
    """Time whole batches and, in turn, the seconds of single images; one more of each for warming up is left out."""
    engine = float32_engine(network.eval(), (settings.size, settings.size, CHANNELS), computation)
    preprocessing, images_nhwc = _preprocessing(settings), _noise(settings, BATCH_IMAGES)
    batches, single = [], []
    with torch.inference_mode():
        for _ in range(settings.repeats + 1):
            batches.append(_Timing.of(lambda: engine(to_network_input(images_nhwc, preprocessing))))
            single.append(_seconds(lambda: engine(to_network_input(images_nhwc[:1], preprocessing))))
            advance()
    return batches[1:], single[1:]


def _computation(name: str, settings: BenchSettings) -> Computation:
    """Choose how `kamerton train` computes a network."""
    device = torch.device("cpu")
    layout = fastest_layout(find_network(name), settings.size, device, deterministic=True)
    return choose_computation(device, deterministic=True, layout=layout)


def _preprocessing(settings: BenchSettings) -> Preprocessing:
    return Preprocessing(settings.size, CHANNELS)


def _noise(settings: BenchSettings, count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, settings.size, settings.size, CHANNELS), dtype=torch.uint8)


def _loader_rate(settings: BenchSettings, advance: Advance) -> float:
    """Images a second that a cube on disk gives: shuffled, turned, shifted and zoomed, on their way to a network."""
    size, count = settings.size, 4 * settings.batch_size
    recipe = load_recipe("modern")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.fits"
        with CubeWriter(path, image_shape=(size, size, CHANNELS), dtype=np.uint8, class_names=("noise",)) as writer:
            writer.append(np.random.default_rng(0).integers(0, 256, (count, size, size, CHANNELS), np.uint8))
            writer.finish(np.zeros(count, np.int64))
        with open_cube(path) as cube:
            return count / _median_seconds(lambda: _load(cube, recipe, settings), settings.repeats, advance)


def _load(cube: LabelledCube, recipe: Recipe, settings: BenchSettings) -> None:
    assert recipe.augment is not None
    batches = batch_indices(shuffled_order(len(cube), 0, 0), settings.batch_size)
    for images_nhwc, _ in read_batches(cube, batches):
        images_nchw = to_network_input(images_nhwc, _preprocessing(settings))
        augment(images_nchw, recipe.augment, torch.Generator().manual_seed(0))


def _start_up_seconds(settings: BenchSettings, advance: Advance) -> float:
    command = [sys.executable, "-m", "kamerton", "--help"]
    return _median_seconds(lambda: subprocess.run(command, check=True, capture_output=True), settings.repeats, advance)
