"""Batches on the device: from a cube that is held in GPU memory, or read from disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from kamerton.batches.reading import Batch, BatchRows, StoredImages, read_batches
from kamerton.data.cubes.cube import LabelledCube

LARGEST_SHARE = 0.5
"""Largest share of the GPU's free memory that a cube may take; the rest is for the network."""


class ResidentCube:
    """All images of a cube, as stored, and its labels, in the memory of one device."""

    def __init__(self, cube: LabelledCube, device: torch.device) -> None:
        self.device = device
        self.images_nhwc: StoredImages | None = None
        for rows, chunk in cube.chunks():
            images = torch.from_numpy(chunk)
            if self.images_nhwc is None:
                shape = (len(cube), *images.shape[1:])
                self.images_nhwc = torch.empty(shape, dtype=images.dtype, device=device)
            self.images_nhwc[rows] = images.to(device)
        self.labels = torch.from_numpy(cube.labels).to(device)

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, batches: Sequence[BatchRows]) -> Iterator[Batch]:
        """Yield batches of rows, gathered on the device; the row numbers are copied there once, all together."""
        assert self.images_nhwc is not None
        if not batches:
            return
        order = torch.from_numpy(np.concatenate(batches)).to(self.device)
        for rows in torch.split(order, [len(batch) for batch in batches]):
            yield self.images_nhwc[rows], self.labels[rows]


def resident(cube: LabelledCube, device: torch.device) -> ResidentCube | None:
    """Copy a cube to the GPU where it fits; None where it does not, or where the device is the CPU."""
    if device.type == "cpu" or cube.stored_bytes > LARGEST_SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    return ResidentCube(cube, device)


def batches_on(
    device: torch.device, cube: LabelledCube | ResidentCube, batches: Sequence[BatchRows]
) -> Iterator[Batch]:
    """Yield batches of rows on the device, wherever the cube is held; copies to a GPU overlap with its work."""
    if isinstance(cube, ResidentCube):
        yield from cube.batches(batches)
        return
    on_gpu = device.type == "cuda"
    for images_nhwc, labels in read_batches(cube, list(batches), pinned=on_gpu):
        yield images_nhwc.to(device, non_blocking=on_gpu), labels.to(device, non_blocking=on_gpu)
