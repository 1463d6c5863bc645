"""Weights are read only where file and promise agree, and a header that lies costs nothing."""

from __future__ import annotations

import json
import resource
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from kamerton.errors import OutputError
from kamerton.tensors import NAMES, read_tensors, write_tensors

TENSORS = {"a.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3), "steps": torch.tensor(7)}
META = {name: tensor.to("meta") for name, tensor in TENSORS.items()}


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A sound file of two tensors."""
    save_file(TENSORS, tmp_path / "a.safetensors")
    return tmp_path / "a.safetensors"


def test_the_promised_tensors_come_back_to_the_bit(sound: Path) -> None:
    found = read_tensors(sound, META)
    assert list(found) == list(TENSORS)
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


@pytest.mark.parametrize("dtype", NAMES, ids=str)
def test_every_type_is_known_by_its_name(dtype: torch.dtype, tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2, dtype=dtype)}, tmp_path / "a.safetensors")
    assert read_tensors(tmp_path / "a.safetensors", {"a": torch.zeros(2, dtype=dtype)})["a"].dtype == dtype


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        ({"a.weight": META["a.weight"]}, "unknown: steps"),
        ({**META, "b": META["steps"]}, "missing: b"),
        ({**META, "steps": torch.tensor(7.0)}, r"size mismatch for steps: I64 \(\) instead of F32 \(\)"),
        ({**META, "a.weight": torch.empty(3, 2)}, r"size mismatch for a\.weight: F32 \(2, 3\) instead of F32 \(3, 2\)"),
    ],
)
def test_other_names_types_and_shapes_are_told(sound: Path, expected: dict[str, torch.Tensor], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_tensors(sound, expected)


def with_header(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + length])
        change(header)
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + content[8 + length :]

    return changed


LIES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda content: b"",
    "seven bytes": lambda content: content[:7],
    "a header of exabytes": lambda content: struct.pack("<Q", 2**63) + content[8:],
    "a header of more than the file": lambda content: struct.pack("<Q", len(content)) + content[8:],
    "a long header": lambda content: struct.pack("<Q", 8 << 20) + b"{" + b" " * (8 << 20),
    "a cut end": lambda content: content[:-1],
    "a longer end": lambda content: content + b"x",
    "no JSON": lambda content: content[:8] + b"x" + content[9:],
    "offsets beyond the end": with_header(lambda header: header["a.weight"].update(data_offsets=[8, 2**40])),
    "offsets that overlap": with_header(lambda header: header["a.weight"].update(data_offsets=[0, 24])),
    "a shape of terabytes": with_header(lambda header: header["a.weight"].update(shape=[2**20, 2**20])),
    "an unknown type": with_header(lambda header: header["a.weight"].update(dtype="F1024")),
}


@pytest.mark.parametrize("what", LIES)
def test_a_header_that_lies_is_refused_and_costs_nothing(sound: Path, what: str) -> None:
    read_tensors(sound, META)
    sound.write_bytes(LIES[what](sound.read_bytes()))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"."):
            read_tensors(sound, META)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("room_bytes", [0, 100])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path: Path, room_bytes: int) -> None:
    """safetensors has an error of its own for it; a file may grow to so many bytes, as on a disk without more room."""
    write_tensors(tmp_path / "a.safetensors", {"a": torch.zeros(3)})
    before = (tmp_path / "a.safetensors").read_bytes()
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, usual[1]))
    try:
        with pytest.raises(OutputError, match=r"a\.safetensors cannot be written.*make room"):
            write_tensors(tmp_path / "a.safetensors", {"a": torch.ones(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]
    assert (tmp_path / "a.safetensors").read_bytes() == before


def test_what_is_written_is_read(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6.0).view(2, 3).t(), "b": torch.ones(1, dtype=torch.bool)}
    write_tensors(tmp_path / "a.safetensors", tensors)
    found = read_tensors(tmp_path / "a.safetensors", tensors)
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
