"""A ``.keras`` file is recognised by its wiring, in whatever order Keras lists its layers."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from kamerton.errors import ModelFileError
from kamerton.formats.importing import import_keras_file
from kamerton.formats.keras.config import layer_count
from kamerton.formats.keras.file import build_keras, has_keras_twin, read_keras, write_keras
from kamerton.formats.keras.graph import FoundLayer, ordered
from kamerton.networks.registry import NETWORKS, build_network

WITH_TWIN = [name for name in NETWORKS if layer_count(name) is not None]


def layers(*sources: tuple[int, ...]) -> list[FoundLayer]:
    return [FoundLayer("Add", {}, feeding) for feeding in sources]


def test_the_order_follows_from_the_wiring_alone() -> None:
    """Two branches of two layers, listed one after the other or by turns."""
    assert ordered(layers((0,), (1,), (0,), (3,), (2, 4))) == [1, 2, 3, 4, 5]
    assert ordered(layers((0,), (0,), (1,), (2,), (3, 4))) == [1, 3, 2, 4, 5]
    assert ordered(layers((0,), (0,), (2,))) == [2, 3], "the first is not needed"
    assert ordered([]) == []


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_counted_where_it_has_a_twin(name: str) -> None:
    network = build_network(name, size=NETWORKS[name].smallest_size, channels=3, classes=3)
    assert (layer_count(name) is not None) == has_keras_twin(network)


@pytest.mark.parametrize("name", WITH_TWIN)
def test_every_networks_file_is_read_back_to_the_bit(keras: Any, tmp_path: Path, name: str) -> None:
    size = NETWORKS[name].smallest_size
    network = build_network(name, size=size, channels=3, classes=3, seed=4)
    for buffer in network.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    write_keras(network, (size, size, 3), tmp_path / "a.keras")
    contents = read_keras(tmp_path / "a.keras")
    assert (contents.network, contents.size, contents.classes) == (name, size, 3)
    state = network.state_dict()
    missing = {key for key in state if key not in contents.state and "num_batches_tracked" not in key}
    assert all(torch.equal(weight, state[key]) for key, weight in contents.state.items())
    assert all(key.startswith("auxiliary") for key in missing)


def test_the_heads_that_an_answer_does_not_need_start_anew(keras: Any, tmp_path: Path) -> None:
    """A GoogLeNet from Keras answers as it did there; only further learning would use its auxiliary heads."""
    network = build_network("googlenet", size=40, channels=3, classes=3, seed=4).eval()
    write_keras(network, (40, 40, 3), tmp_path / "a.keras")
    imported = import_keras_file(tmp_path / "a.keras", tmp_path / "run").load_network()
    pictures = torch.rand(2, 3, 40, 40)
    assert torch.equal(imported(pictures), network(pictures))


def swap_sources(config: dict[str, Any]) -> None:
    """Let the last sum take its two inputs in the other order."""
    add = next(layer for layer in reversed(config["config"]["layers"]) if layer["class_name"] == "Add")
    histories = [part["config"]["keras_history"] for part in add["inbound_nodes"][0]["args"][0]]
    histories[0][:], histories[1][:] = histories[1][:], histories[0][:]


def other_norm(config: dict[str, Any]) -> None:
    norms = [layer for layer in config["config"]["layers"] if layer["class_name"] == "BatchNormalization"]
    norms[3]["config"]["epsilon"] = 0.5


@pytest.mark.parametrize(
    ("change", "says"),
    [(swap_sources, "another wiring|instead of"), (other_norm, "epsilon of layer .* is 0.5 instead of")],
)
def test_a_file_that_differs_in_one_place_is_refused_in_one_short_line(
    keras: Any, tmp_path: Path, change: Callable[[dict[str, Any]], None], says: str
) -> None:
    model = build_keras(build_network("resnet18", size=33, channels=3, classes=3), (33, 33, 3))
    model.save(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(entries["config.json"])
    change(config)
    entries["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "b.keras", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with pytest.raises(ModelFileError, match=says) as caught:
        read_keras(tmp_path / "b.keras")
    assert len(str(caught.value)) < 1000
