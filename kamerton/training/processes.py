"""Several processes that learn together, each from its part of every batch: ``torchrun ... -m -- kamerton train``.

Gradients are averaged by PyTorch's DistributedDataParallel, over Gloo on CPUs and NCCL on GPUs. All that is
counted is summed over the processes, so that each knows the whole, and the first one alone writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import nn

from kamerton.networks.layers import synchronise


@dataclass(frozen=True)
class Part:
    """What one process sees of a batch."""

    rows: npt.NDArray[np.int64]
    """Of the cube; never empty, for every process takes every step."""
    share: slice
    """Their places in the whole batch."""
    counted: int
    """How many of the rows count: none where the batch has fewer images than there are processes."""
    images: int
    """Of the whole batch."""


@dataclass(frozen=True)
class Processes:
    """The processes of a training, seen from one of them."""

    rank: int = 0
    count: int = 1
    control: dist.ProcessGroup | None = None
    """over the CPUs, for what the loop decides: a GPU is not waited for."""

    @property
    def is_first(self) -> bool:
        """Tell whether this process is the one that writes."""
        return self.rank == 0

    def part_of(self, rows: npt.NDArray[np.int64]) -> Part:
        """Give this process's part of a batch, as even as can be."""
        ends = [len(rows) * number // self.count for number in (self.rank, self.rank + 1)]
        counted = ends[1] - ends[0]
        share = slice(*ends) if counted else slice(0, 1)
        return Part(rows[share], share, counted, len(rows))

    def weight(self, part: Part) -> float:
        """What the mean loss of a part counts, so that the average over processes is the mean over the batch."""
        return part.counted * self.count / part.images

    def add_up(self, numbers: torch.Tensor) -> torch.Tensor:
        """Sum over the processes, in place, on the numbers' own device."""
        if self.count > 1:
            dist.all_reduce(numbers)
        return numbers

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Tell for each flag whether a process has raised it."""
        if self.count == 1:
            return flags
        raised = torch.tensor(flags, dtype=torch.uint8, device="cpu")
        dist.all_reduce(raised, dist.ReduceOp.MAX, group=self.control)
        return tuple(map(bool, raised.tolist()))

    def wait(self) -> None:
        """Wait until all are here."""
        self.any(True)

    def share_buffers(self, network: nn.Module) -> None:
        """Give all the first one's running statistics."""
        if self.count > 1:
            for buffer in network.buffers():
                dist.broadcast(buffer, 0)

    def learner(self, network: nn.Module, device: torch.device, *, fixed_order: bool) -> nn.Module:
        """Wrap a network so that its gradients are averaged over the processes.

        With ``fixed_order`` the gradients are summed in the same order in every step, also the first after a resume.
        """
        if self.count == 1:
            return network
        # DistributedDataParallel orders its buckets anew after the first step, unless it looks for unused parameters.
        return nn.parallel.DistributedDataParallel(
            network,
            device_ids=None if device.type == "cpu" else [device.index],
            find_unused_parameters=fixed_order,
        )

    @contextmanager
    def together(self, network: nn.Module) -> Iterator[None]:
        """Let batch normalisation look at the whole batch while the block runs."""
        synchronise(network, together=self.count > 1)
        try:
            yield
        finally:
            synchronise(network, together=False)


ALONE = Processes()


def rank() -> int:
    """Give this process's number among those of torchrun; 0 without it."""
    return int(os.environ.get("RANK", "0"))


def process_count() -> int:
    """Give the number of torchrun's processes; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Join the other processes that torchrun has started, until the block ends; alone without torchrun."""
    if process_count() == 1:
        yield ALONE
        return
    dist.init_process_group("gloo" if device.type == "cpu" else "nccl")
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), dist.new_group(backend="gloo"))
    finally:
        dist.destroy_process_group()
