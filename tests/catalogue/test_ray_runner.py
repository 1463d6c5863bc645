"""Shards made on a Ray cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from kamerton.catalogue.predict import predict
from kamerton.catalogue.ray_runner import MAX_DEATHS, make_on_ray
from kamerton.errors import DataError, KamertonWarning, MissingExtraError
from kamerton.runs.folder import Run
from tests.catalogue.dying_workers import dying, refusing, warning
from tests.conftest import write_toy_cube

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


def test_what_a_worker_warns_of_is_said_here() -> None:
    with pytest.warns(KamertonWarning, match="shard 1 is odd"):
        assert sorted(make_on_ray(warning, range(2), needs_gpu=False)) == [0, 1]


def test_what_a_worker_refuses_is_said_in_its_own_line() -> None:
    with pytest.raises(DataError, match=r"^The disk is not there\. Received: nothing\. Next: mount it\.$"):
        list(make_on_ray(refusing, range(3), needs_gpu=False))


def test_without_ray_its_name_on_pypi_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="`pip install ray`"):
        list(make_on_ray(refusing, range(3), needs_gpu=False))


def test_a_cluster_makes_the_same_bytes(toy_run: Run, tmp_path: Path) -> None:
    cube = write_toy_cube(tmp_path / "new.fits", 30, seed=7)
    for name, on_ray in (("alone", False), ("cluster", True)):
        found = predict(toy_run, cube, out=tmp_path / name, shard_galaxies=8, ray=on_ray)
        assert found.galaxies == 30
    alone, cluster = (
        {path.name: path.read_bytes() for path in (tmp_path / name).glob("part-*")} for name in ("alone", "cluster")
    )
    assert len(alone) == 4
    assert cluster == alone
