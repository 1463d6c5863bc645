"""Batches on the device: from a cube that lives there, as stored and shuffled there, or read from disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from kamerton.batches.reading import Batch, BatchRows, StoredImages, read_batches
from kamerton.data.cubes.cube import LabelledCube

LARGEST_SHARE = 0.5
"""Of the card's free memory; the rest is for the network."""


class ResidentCube:
    """All images of a cube, as they are stored, and its labels, on one device."""

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
        """Give the named rows, batch after batch; only their numbers go to the device, all at once."""
        assert self.images_nhwc is not None
        if not batches:
            return
        order = torch.from_numpy(np.concatenate(batches)).to(self.device)
        for rows in torch.split(order, [len(batch) for batch in batches]):
            yield self.images_nhwc[rows], self.labels[rows]


def resident(cube: LabelledCube, device: torch.device) -> ResidentCube | None:
    """Put a cube on a card where it fits; None where it does not, or where the device is the processor."""
    if device.type == "cpu" or cube.stored_bytes > LARGEST_SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    return ResidentCube(cube, device)


def batches_on(
    device: torch.device, cube: LabelledCube | ResidentCube, batches: Sequence[BatchRows]
) -> Iterator[Batch]:
    """Give the named rows on the device, batch after batch, wherever the cube lives; a card computes meanwhile."""
    if isinstance(cube, ResidentCube):
        yield from cube.batches(batches)
        return
    on_card = device.type == "cuda"
    for images_nhwc, labels in read_batches(cube, list(batches), pinned=on_card):
        yield images_nhwc.to(device, non_blocking=on_card), labels.to(device, non_blocking=on_card)
