"""The same shards, made by every machine of a Ray cluster that sees the same files.

An actor makes one shard after another as the driver hands them out; nothing of Ray is kept in the catalogue. A shard
whose worker dies is handed to another: it is whole or absent, as for a process that was killed anywhere else.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kamerton.errors import DataError, KamertonError, KamertonWarning, MissingExtraError

MAX_DEATHS = 3
"""Workers that may die over one shard; more would be the shard's fault, or that of a machine without memory."""

Make = Callable[[int], int]
"""Makes a shard, and gives its galaxies."""


def make_on_ray(begin: Callable[[], Make], shards: Sequence[int], *, needs_gpu: bool) -> Iterator[int]:
    """Make shards on a Ray cluster, and give the galaxies of each as it is made.

    ``begin`` runs once in each worker. The cluster is that of ``RAY_ADDRESS``, or one of this machine's processors.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            "Ray is not installed", next_step="install it with `pip install ray`, or leave --ray out"
        ) from error
    with _cluster(ray):
        yield from _shared(ray, begin, shards, needs_gpu=needs_gpu)


@contextmanager
def _cluster(ray: Any) -> Iterator[None]:
    if ray.is_initialized():
        yield
        return
    # Ray reads RAY_ADDRESS by itself.
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()


class _Worker:
    """An actor, which gets a shard at a time."""

    def __init__(self, begin: Callable[[], Make]) -> None:
        self._begin = begin
        self._make: Make | None = None

    def make(self, shard: int) -> tuple[int, list[str]]:
        """Make a shard, and give its galaxies and what was said of them; the first waits until all is opened."""
        if self._make is None:
            self._make = self._begin()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", KamertonWarning)
            galaxies = self._make(shard)
        return galaxies, [str(one.message) for one in said if issubclass(one.category, KamertonWarning)]


def _shared(ray: Any, begin: Callable[[], Make], shards: Sequence[int], *, needs_gpu: bool) -> Iterator[int]:
    remote = ray.remote(num_cpus=1, num_gpus=int(needs_gpu))(_Worker)
    waiting, deaths = list(reversed(shards)), dict.fromkeys(shards, 0)
    resources = ray.cluster_resources()
    count = max(1, min(len(shards), int(resources.get("GPU" if needs_gpu else "CPU", 1))))
    busy: dict[Any, tuple[Any, int]] = {}

    def hand_out(worker: Any) -> None:
        if waiting:
            shard = waiting.pop()
            busy[worker.make.remote(shard)] = worker, shard

    for _ in range(count):
        hand_out(remote.remote(begin))
    while busy:
        done, _ = ray.wait(list(busy))
        worker, shard = busy.pop(done[0])
        try:
            galaxies, said = ray.get(done[0])
        except ray.exceptions.RayTaskError as error:
            # Ray's own would say where in its code it was carried along.
            if isinstance(error.cause, KamertonError):
                raise error.cause from None
            raise
        except ray.exceptions.RayActorError as error:
            deaths[shard] += 1
            if deaths[shard] == MAX_DEATHS:
                raise DataError(
                    f"Shard {shard} ended {MAX_DEATHS} workers",
                    received=str(error).splitlines()[0],
                    next_step="look at the memory of the machines; --resume goes on with what is made",
                ) from error
            waiting.append(shard)
            worker = remote.remote(begin)
        else:
            # A terminal on another machine shows nothing.
            for line in said:
                warnings.warn(line, KamertonWarning, stacklevel=2)
            yield galaxies
        hand_out(worker)
