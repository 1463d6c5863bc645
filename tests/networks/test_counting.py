"""The table of networks tells the truth about every network of the registry."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest

from kamerton.networks.counting import count_networks
from kamerton.networks.registry import NETWORKS, build_network, count_parameters


@functools.cache
def counted(size: int, channels: int = 3, classes: int = 10) -> dict[str, dict[str, Any]]:
    """Count all networks once for the tests of each."""
    return {row["name"]: row for row in count_networks(size=size, channels=channels, classes=classes)}


def test_every_network_has_a_row_in_the_order_of_the_registry() -> None:
    assert list(counted(256)) == list(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_parameters_are_those_of_the_network_that_is_built(name: str) -> None:
    size = NETWORKS[name].smallest_size
    assert counted(size, channels=2, classes=4)[name]["parameters"] == sum(
        count_parameters(build_network(name, size=size, channels=2, classes=4))
    )


def test_alexnet_has_the_notebooks_parameters() -> None:
    assert counted(256)["alexnet"]["parameters"] == 41_546_506


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_too_large_for_the_images_has_no_parameters(name: str) -> None:
    row = counted(NETWORKS[name].smallest_size - 1)[name]
    assert row["parameters"] is None
    assert row["smallest_size_px"] == NETWORKS[name].smallest_size


@pytest.mark.parametrize("name", NETWORKS)
def test_a_row_tells_where_the_network_comes_from(name: str) -> None:
    row = counted(256)[name]
    entry = NETWORKS[name]
    assert (row["title"], row["year"], row["paper"]) == (entry.title, entry.year, entry.paper)
    assert str(entry.year) in entry.paper


def test_a_program_can_read_the_rows() -> None:
    rows = count_networks(size=32)
    assert json.loads(json.dumps(rows)) == rows
