"""What a network costs, and what all networks of an ensemble cost together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from kamerton.networks.cost import count_flops
from kamerton.networks.registry import build_network
from kamerton.runs.folder import Run
from kamerton.runs.record import RunRecord


@dataclass(frozen=True)
class Cost:
    """What a network costs; the means are over its runs, None where it is not known.

    Of an ensemble these are sums over its members, each of which answers for every galaxy.
    """

    parameters: int
    flops_an_image: int
    training_seconds: float | None
    images_a_second: float | None
    """While it learned."""
    peak_memory_bytes: int | None
    """The largest of its runs, and of an ensemble's members, which are trained in turn."""
    weights_bytes: int | None = None
    """Of the file of weights."""

    @property
    def peak_memory_mib(self) -> float | None:
        """The same in MiB."""
        return None if self.peak_memory_bytes is None else self.peak_memory_bytes / 2**20


def cost_of(runs: Sequence[Run]) -> Cost:
    """Count what runs cost that repeat one training, or what one ensemble costs."""
    first = runs[0].record
    if first.members:
        return _cost_of_members(first)
    histories = [run.history() for run in runs if run.has_history]
    seconds = [float(history["seconds"].sum()) for history in histories if "seconds" in history]
    rates = [float(history["images_per_second"].median()) for history in histories if "images_per_second" in history]
    return Cost(
        parameters=first.parameters,
        flops_an_image=_flops(first),
        training_seconds=float(np.mean(seconds)) if seconds else None,
        images_a_second=float(np.mean(rates)) if rates else None,
        peak_memory_bytes=_largest(run.record.peak_memory_bytes for run in runs),
        weights_bytes=_size(runs[0].weights_path),
    )


def _cost_of_members(ensemble: RunRecord) -> Cost:
    members = ensemble.members
    seconds = [member.training_seconds for member in members]
    known = [one for one in seconds if one is not None]
    return Cost(
        parameters=ensemble.parameters,
        flops_an_image=sum(map(_flops, ensemble.trained)),
        training_seconds=sum(known) if len(known) == len(members) else None,
        images_a_second=None,
        peak_memory_bytes=_largest(one.peak_memory_bytes for one in ensemble.trained),
        weights_bytes=sum(member.weights_bytes for member in members),
    )


def _flops(record: RunRecord) -> int:
    size, channels = record.preprocessing.size, record.preprocessing.channels
    with torch.device("meta"):
        network = build_network(record.network, **record.network_shape, seed=0)
    return count_flops(network, size=size, channels=channels)


def _largest(peaks: Iterable[int | None]) -> int | None:
    return max((peak for peak in peaks if peak is not None), default=None)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
