"""Shards made on a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from kamerton.catalogue.ray_runner import MAX_DEATHS, make_on_ray
from kamerton.errors import DataError
from tests.catalogue.dying_workers import dying

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """One cluster for all: it takes seconds to start."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def test_a_killed_workers_shard_is_taken_by_another(tmp_path: Path) -> None:
    made = list(make_on_ray(partial(dying, tmp_path, 1), range(6), needs_gpu=False))
    assert sorted(made) == [10, 11, 12, 13, 14, 15]
    assert len(list(tmp_path.glob("shard-*"))) == 6


def test_a_shard_that_ends_every_worker_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"Shard 2 ended {MAX_DEATHS} workers"):
        list(make_on_ray(partial(dying, tmp_path, MAX_DEATHS), range(3), needs_gpu=False))
