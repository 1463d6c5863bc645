"""A GPU: right first, then fast.

    python benchmarks/gpu.py [--network alexnet] [--size 256] [--batch-sizes 32 128 512] [--device cuda]

First the GPU's logits and one step's gradient are held against the CPU in float64, in float32 and at the GPU's
fastest; the script ends with 1 where they are further off than their precision allows. Then for each batch size:
images a second in training and prediction, training's share of the GPU's own matrix rate in bfloat16, and the share of
an epoch's time that the loader costs, with the cube on the GPU and read from disk. ``--device cpu`` tries the script.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from kamerton.batches.reading import batch_indices, shuffled_order
from kamerton.batches.resident import ResidentCube, batches_on
from kamerton.config.pictures import Preprocessing
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.errors import UsageError
from kamerton.machine.computation import Computation, choose_computation
from kamerton.machine.devices import choose_device, describe_device
from kamerton.machine.repeatable import repeatable
from kamerton.networks.cost import count_training_flops
from kamerton.networks.registry import build_network
from kamerton.recipes import load_recipe
from kamerton.training.loop import Trainer
from kamerton.training.losses import loss_of
from kamerton.training.session import Session

CHANNELS, CLASSES, CHECKED = 3, 10, 8
MATRIX_SIDE, STEPS = 8192, 20
ALLOWED = {"float32": (1e-4, 1e-2), "bfloat16": (5e-2, 0.3)}
"""Errors of logits, as a share of the largest, and of the whole gradient, as a share of its length.

Where a ReLU or a maximum is nearly a tie, rounding sends the gradient another way: bfloat16 on the CPU turns AlexNet's
by 0.1 to 0.2 as well.
"""
EXACT = Computation(torch.device("cpu"), deterministic=True)


def wait(device: torch.device) -> None:
    """Wait for the GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Time some work to its very end, after once unseen."""
    work()
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


def outcome(
    network: nn.Module, images: torch.Tensor, labels: torch.Tensor, computation: Computation
) -> list[torch.Tensor]:
    """Give logits and gradients of one step, as float64 on the CPU."""
    network.zero_grad(set_to_none=True)
    with repeatable(deterministic=computation.deterministic):
        with computation.active():
            outputs = network(computation.arranged(images))
        loss, logits = loss_of(outputs, labels, 0.0)
        torch.autograd.backward(loss)
    found = [logits, *(parameter.grad for parameter in network.parameters() if parameter.grad is not None)]
    return [tensor.detach().double().cpu() for tensor in found]


def joined(gradients: list[torch.Tensor]) -> torch.Tensor:
    """Give all gradients as one vector."""
    return torch.cat([gradient.flatten() for gradient in gradients])


def check(name: str, size: int, device: torch.device) -> bool:
    """Hold the GPU against the CPU in float64."""
    images = torch.rand(CHECKED, CHANNELS, size, size, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(CHECKED) % CLASSES
    build = {"size": size, "channels": CHANNELS, "classes": CLASSES}
    right = True
    exact = outcome(build_network(name, **build).eval().double(), images.double(), labels, EXACT)
    for deterministic in (True, False):
        computation = choose_computation(device, deterministic=deterministic)
        network = build_network(name, **build).eval().to(device)
        found = outcome(computation.prepared(network), images.to(device), labels.to(device), computation)
        logits = float((found[0] - exact[0]).abs().max() / exact[0].abs().max())
        ours, theirs = joined(found[1:]), joined(exact[1:])
        gradient = float((ours - theirs).norm() / theirs.norm())
        allowed = ALLOWED[computation.precision]
        fine = logits <= allowed[0] and gradient <= allowed[1]
        right &= fine
        print(
            f"{computation.precision}: logits off by {logits:.1e} of the largest, the gradient by {gradient:.1e} of its"
            f" length{'' if fine else ', MORE THAN ALLOWED'}"
        )
    return right


def matrix_rate(device: torch.device) -> float:
    """Operations a second of a large product in bfloat16."""
    matrix = torch.rand(MATRIX_SIDE, MATRIX_SIDE, device=device).to(torch.bfloat16)
    return STEPS * 2 * MATRIX_SIDE**3 / seconds(lambda: [matrix @ matrix for _ in range(STEPS)], device)


def write_noise(path: Path, count: int, size: int) -> None:
    """Write a labelled cube of noise."""
    names = [f"class {number}" for number in range(CLASSES)]
    with CubeWriter(path, image_shape=(size, size, CHANNELS), dtype=np.uint8, class_names=names) as writer:
        writer.append(np.random.default_rng(0).integers(0, 256, (count, size, size, CHANNELS), np.uint8))
        writer.finish(np.arange(count) % CLASSES)


def measure(given: argparse.Namespace, batch: int, device: torch.device, matrix: float) -> None:
    """Measure one batch size and print its row."""
    recipe = load_recipe("modern")
    network = build_network(given.network, size=given.size, channels=CHANNELS, classes=CLASSES).to(device)
    session = Session.start(network, recipe)
    trainer = Trainer(
        network=network,
        recipe=recipe,
        preprocessing=Preprocessing(given.size, CHANNELS),
        seed=0,
        computation=choose_computation(device, deterministic=False),
    )

    rows = batch_indices(shuffled_order(STEPS * batch, 0, 0), batch)

    def epoch(cube: LabelledCube | ResidentCube) -> None:
        trainer.learner.train()
        for images, labels in batches_on(device, cube, rows):
            trainer.learn(images, labels, session.optimizer, 0)

    with tempfile.TemporaryDirectory() as folder:
        write_noise(Path(folder) / "noise.fits", STEPS * batch, given.size)
        with open_cube(Path(folder) / "noise.fits") as cube:
            here = ResidentCube(cube, device)
            images, labels = next(batches_on(device, here, rows))
            steps = seconds(lambda: [trainer.learn(images, labels, session.optimizer, 0) for _ in range(STEPS)], device)
            on_gpu, from_disk = (seconds(lambda one=one: epoch(one), device) for one in (here, cube))
            validation = seconds(lambda: trainer.validate(here), device)
    count = STEPS * batch
    flops = count_training_flops(network, size=given.size, channels=CHANNELS)
    print(
        f"{batch:6d}  {count / steps:9.0f}  {count / validation:10.0f}  {count / steps * flops / matrix:6.0%}"
        f"  {1 - steps / on_gpu:14.1%}  {1 - steps / from_disk:16.1%}",
        flush=True,
    )


def main() -> None:
    """Check, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="alexnet")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 128, 512])
    parser.add_argument("--device", default="cuda")
    given = parser.parse_args()
    try:
        device = choose_device(given.device)
    except UsageError as error:
        sys.exit(str(error))
    print(f"{describe_device(device)}, PyTorch {torch.__version__}, {given.network} at {given.size} px")
    if not check(given.network, given.size, device):
        sys.exit(1)
    matrix = matrix_rate(device)
    print(f"matrix product in bfloat16: {matrix / 1e12:.1f} TFLOP/s")
    print(" batch   training  prediction   share  loader, on GPU  loader, from disk")
    for batch in given.batch_sizes:
        measure(given, batch, device, matrix)


if __name__ == "__main__":
    main()
