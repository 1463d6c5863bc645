"""A cube on a device gives the batches that reading gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from kamerton.batches.reading import batch_indices, read_batches, shuffled_order
from kamerton.batches.resident import ResidentCube, batches_on, resident
from kamerton.data.cubes.cube import open_cube


@pytest.mark.parametrize(
    "kind", ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
)
def test_its_batches_are_those_that_are_read(kind: str, toy_cube: Path) -> None:
    batches = batch_indices(shuffled_order(30, 0, 0), 7)
    with open_cube(toy_cube) as cube:
        here = ResidentCube(cube, torch.device(kind))
        assert len(here) == len(cube)
        for ours, theirs in zip(here.batches(batches), read_batches(cube, batches), strict=True):
            assert ours[0].dtype == torch.uint8
            for one, other in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(one.cpu().numpy(), other.numpy())


def test_no_batches_are_none(toy_cube: Path) -> None:
    with open_cube(toy_cube) as cube:
        assert list(ResidentCube(cube, torch.device("cpu")).batches([])) == []


def test_on_the_processor_nothing_is_held(toy_cube: Path) -> None:
    with open_cube(toy_cube) as cube:
        assert resident(cube, torch.device("cpu")) is None


@pytest.mark.parametrize(("free", "held"), [(1 << 40, True), (1, False)])
def test_a_card_holds_what_fits(free: int, held: bool, toy_cube: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, free))
    monkeypatch.setattr("kamerton.batches.resident.ResidentCube", lambda cube, device: "held")
    with open_cube(toy_cube) as cube:
        assert (resident(cube, torch.device("cuda", 0)) == "held") is held


def test_batches_on_a_device_are_the_same_from_disk_and_from_there(toy_cube: Path) -> None:
    here, batches = torch.device("cpu"), batch_indices(shuffled_order(30, 0, 0), 7)
    with open_cube(toy_cube) as cube:
        ours, theirs = (list(batches_on(here, one, batches)) for one in (cube, ResidentCube(cube, here)))
    assert len(ours) == len(theirs) == len(batches)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
