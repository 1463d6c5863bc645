"""Plain convolutions and those in tiles, forward and backward, in turn: where tiles gain.

    python benchmarks/convolutions.py

A line a shape: GFLOP/s of both, counted as plain products, and the median ratio. The last column tells what
`kamerton.machine.tiled_convolutions.Convolution.gains_side_by_side` chooses; it should say "tiles" where the ratio is
well above 1.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch.nn import functional as F

from kamerton.machine import tiled_convolutions
from kamerton.machine.memory import keep_freed_memory
from kamerton.machine.tiled_convolutions import KERNELS, Convolution, TiledConvolutions

IMAGES = 32
CHANNELS = ((64, 64), (96, 96), (128, 128), (96, 256), (192, 192), (256, 256), (384, 384), (512, 512))
SIDES = (6, 8, 12, 14, 16, 24, 28, 30, 56)
MOST_GFLOP = 150
"""A shape with more is left out: it gains in any case, and would take long."""


def seconds(work: Callable[[], object]) -> float:
    """Time some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(inputs: int, outputs: int, side: int, kernel: int, repeats: int) -> str | None:
    """Time one shape; the first time of each is for warming up."""
    gflop = 3 * 2 * IMAGES * inputs * outputs * side**2 * kernel**2 / 1e9
    if gflop > MOST_GFLOP:
        return None
    images_nchw = torch.randn(IMAGES, inputs, side, side, requires_grad=True)
    weight = torch.randn(outputs, inputs, kernel, kernel, requires_grad=True)
    gradient = torch.randn(IMAGES, outputs, side, side)

    def step() -> None:
        torch.autograd.grad(F.conv2d(images_nchw, weight, padding=kernel // 2), (images_nchw, weight), gradient)

    def tiled_step() -> None:
        with TiledConvolutions(side_by_side=True):
            step()

    pairs = [(seconds(step), seconds(tiled_step)) for _ in range(repeats + 1)][1:]
    plain, tiled = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(first / second for first, second in pairs)
    return f"{gflop / plain:8.0f} {gflop / tiled:8.0f} {ratio:8.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    keep_freed_memory()
    rules = {name: getattr(tiled_convolutions, name) for name in ("LEAST_WORK_SIDE_BY_SIDE", "LEAST_SIDE")}
    print("kernel inputs outputs  side    plain    tiled    ratio  chosen")
    for kernel in KERNELS:
        for inputs, outputs in CHANNELS:
            for side in SIDES:
                images_nchw = torch.empty(IMAGES, inputs, side, side, device="meta")
                weight = torch.empty(outputs, inputs, kernel, kernel, device="meta")
                chosen = (
                    "tiles" if Convolution(images_nchw, weight, padding=kernel // 2).gains_side_by_side else "plain"
                )
                for name in rules:
                    setattr(tiled_convolutions, name, 0)
                found = measure(inputs, outputs, side, kernel, repeats)
                for name, value in rules.items():
                    setattr(tiled_convolutions, name, value)
                if found is not None:
                    print(f"{kernel:6} {inputs:6} {outputs:7} {side:5} {found}  {chosen}", flush=True)


if __name__ == "__main__":
    main()
