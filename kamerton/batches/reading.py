"""From a cube to a network's input: batches in a reproducible order, prefetched, and scaled on the device.

The order is a pure function of (seed, epoch), so (seed, epoch, step) determine a batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float32, Int64, Real, UInt8
from torch.nn import functional as F

from kamerton.arrays import Rows
from kamerton.config.pictures import PIXEL_SCALE, Preprocessing
from kamerton.data.cubes.cube import LabelledCube

READ_AHEAD = 2
"""Batches that a thread prefetches while the network computes; more would only cost memory."""

StoredImages = UInt8[torch.Tensor, "n height width channels"] | Float32[torch.Tensor, "n height width channels"]

Batch = tuple[StoredImages, Int64[torch.Tensor, " n"]]
"""(images_nhwc as stored, labels)."""

BatchRows = Int64[np.ndarray, "_"]
"""Numbers of the rows of one batch; batches may differ in length, so that their axis has no name."""


def shuffled_order(count: int, seed: int, epoch: int) -> Rows:
    """Permute ``count`` images for an epoch; the order depends on ``seed`` and ``epoch`` only."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def batch_indices(order: Rows, batch_size: int) -> list[BatchRows]:
    """Split an order (n,) into batches; the last one may be smaller, as in Keras."""
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def read_batches(cube: LabelledCube, batches: list[BatchRows], *, pinned: bool = False) -> Iterator[Batch]:
    """Read batches of rows from a cube in order, prefetching the next ones in a thread.

    ``pinned`` puts them into page-locked memory, from where they are copied to a GPU while it computes.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kamerton-read") as thread:
        ahead: list[Future[Batch]] = []
        waiting = iter(batches)
        for rows in islice(waiting, READ_AHEAD):
            ahead.append(thread.submit(_read, cube, rows, pinned))
        while ahead:
            batch = ahead.pop(0).result()
            for rows in islice(waiting, 1):
                ahead.append(thread.submit(_read, cube, rows, pinned))
            yield batch


def in_order(cube: LabelledCube, batch_size: int) -> Iterator[Batch]:
    """Read a whole cube in the order of its rows."""
    return read_batches(cube, batch_indices(np.arange(len(cube)), batch_size))


def _read(cube: LabelledCube, rows: Rows, pinned: bool) -> Batch:
    images_nhwc, labels = torch.from_numpy(cube.read(rows)), torch.from_numpy(cube.labels[rows])
    return (images_nhwc.pin_memory(), labels.pin_memory()) if pinned else (images_nhwc, labels)


def to_network_input(
    images_nhwc: Real[torch.Tensor, "n height width channels"], preprocessing: Preprocessing
) -> Float32[torch.Tensor, "n channels size size"]:
    """Scale and resize stored pixels (n, height, width, channels) to float32 (n, channels, size, size).

    Pixels are divided by `PIXEL_SCALE`; resizing is bilinear with antialiasing, on the images' device.
    """
    n, height, width, channels = images_nhwc.shape
    images_nchw = torch.empty(n, channels, height, width, device=images_nhwc.device)
    # Transposed and converted in one pass over the memory.
    images_nchw.copy_(images_nhwc.permute(0, 3, 1, 2)).div_(PIXEL_SCALE)
    side = (preprocessing.size, preprocessing.size)
    if images_nchw.shape[-2:] == side:
        return images_nchw
    return F.interpolate(images_nchw, size=side, mode="bilinear", antialias=True, align_corners=False)
