"""Checkpoints are whole or not there, two are kept, and a damaged one is named and passed over."""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from kamerton.errors import OutputError, RunError
from kamerton.runs.checkpoints import CHECKPOINTS_KEPT, keep_newest
from kamerton.training.checkpoint import read_checkpoint, restore_newest, write_checkpoint
from kamerton.training.schedules import ReduceOnPlateau
from kamerton.training.session import RunningTally, Tally
from tests.training.sealing import reseal
from tests.training.test_session import learn, same, session


def two_checkpoints(folder: Path) -> None:
    """One after two batches and one after five."""
    learner = learn(session(), 2)
    write_checkpoint(folder, learner)
    write_checkpoint(folder, learn(learner, 3))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_session_comes_back_from_disk_to_the_bit(tmp_path: Path) -> None:
    learner = learn(session(), 3)
    write_checkpoint(tmp_path / "checkpoint", learner)
    again = session(seed=4)
    assert restore_newest(tmp_path / "checkpoint", again, pytest.fail)
    assert same(learner, again)


def test_a_diverged_session_comes_back_too(tmp_path: Path) -> None:
    learner = learn(session(), 1)
    assert isinstance(learner.schedule, ReduceOnPlateau)
    learner.tally, learner.schedule.best = RunningTally(Tally(math.nan)), -math.inf
    write_checkpoint(tmp_path / "checkpoint", learner)
    json.loads(next((tmp_path / "checkpoint").glob("*.json")).read_text(), parse_constant=pytest.fail)
    again = session()
    restore_newest(tmp_path / "checkpoint", again, pytest.fail)
    assert math.isnan(again.tally.value().loss_sum)
    assert isinstance(again.schedule, ReduceOnPlateau)
    assert again.schedule.best == -math.inf


def test_the_two_newest_are_kept(tmp_path: Path) -> None:
    learner = session()
    for _ in range(4):
        write_checkpoint(tmp_path / "c", learn(learner, 1))
    assert names(tmp_path / "c") == [
        "000000-000000003.json", "000000-000000003.safetensors",
        "000000-000000004.json", "000000-000000004.safetensors",
    ]  # fmt: skip
    assert CHECKPOINTS_KEPT == 2


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    two_checkpoints(tmp_path / "c")
    half = tmp_path / "c" / ".000000-000000009.partial.safetensors"
    half.mkdir()
    for leftover in (half / ".tmpLtOpgO", half / "000000-000000009.safetensors"):
        leftover.write_text("half")
    for name in ("000000-000000009.safetensors", ".000000-000000009.partial.json"):
        (tmp_path / "c" / name).write_text("half")
    keep_newest(tmp_path / "c", 1)
    assert names(tmp_path / "c") == ["000000-000000005.json", "000000-000000005.safetensors"]


def test_files_of_others_beside_checkpoints_stay(tmp_path: Path) -> None:
    two_checkpoints(tmp_path / "c")
    foreign = (".x.partial.json", ".tmpLtOpgO", "best.safetensors", "notes.json", "000000-5.json")
    for name in foreign:
        (tmp_path / "c" / name).write_text("mine")
    keep_newest(tmp_path / "c", 1)
    assert restore_newest(tmp_path / "c", session(), pytest.fail)
    assert set(names(tmp_path / "c")) == {*foreign, "000000-000000005.json", "000000-000000005.safetensors"}


def test_without_a_checkpoint_there_is_nothing_to_restore(tmp_path: Path) -> None:
    assert not restore_newest(tmp_path / "none", session(), pytest.fail)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGE: list[Callable[[Path], None]] = [flip_a_bit, cut, empty, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("suffix", ["json", "safetensors"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    tmp_path: Path, damage: Callable[[Path], None], suffix: str
) -> None:
    two_checkpoints(tmp_path / "c")
    damage(tmp_path / "c" / f"000000-000000005.{suffix}")
    again = session()
    said: list[str] = []
    assert restore_newest(tmp_path / "c", again, said.append)
    assert again.step == 2
    without_json = damage is Path.unlink and suffix == "json"
    assert without_json or (len(said) == 1 and "000000-000000005" in said[0] and "damaged" in said[0])


def test_where_all_are_damaged_nothing_is_silently_begun_anew(tmp_path: Path) -> None:
    two_checkpoints(tmp_path / "c")
    for path in (tmp_path / "c").glob("*.safetensors"):
        cut(path)
    with pytest.raises(RunError, match="no checkpoint is whole"):
        restore_newest(tmp_path / "c", session(), lambda _: None)


def test_a_checkpoint_of_another_network_is_passed_over(tmp_path: Path) -> None:
    two_checkpoints(tmp_path / "c")
    newest = tmp_path / "c/000000-000000005.json"
    numbers, tensors = read_checkpoint(newest, session())
    assert numbers.step == 5
    other = session()
    other.network = torch.nn.Sequential(torch.nn.Linear(2, 2))
    with pytest.raises(RunError, match="no checkpoint is whole"):
        restore_newest(tmp_path / "c", other, lambda _: None)
    assert set(tensors) > {"network/conv1.weight", "exp_avg/conv1.weight", "exp_avg_sq/conv1.weight"}


def change_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content["session"])
    path.write_text(json.dumps(content))


LIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no schedule": (lambda numbers: numbers.pop("schedule"), "schedule: field required"),
    "a schedule without its best": (lambda numbers: numbers["schedule"].pop("best"), "schedule.best: field required"),
    "text for a number": (lambda numbers: numbers.update(step="seven"), "step: "),
    "an epoch without its history": (lambda numbers: numbers.update(epoch=1), "0 rows of history at epoch 1"),
    "a step before the first": (lambda numbers: numbers.update(step=-3), "batch -3"),
    "a history of text": (lambda numbers: numbers.update(epoch=1, history=["x"]), "history.0"),
    "no averages": (lambda numbers: numbers.update(adam_steps=0), "unknown: exp_avg"),
    "a field of its own": (lambda numbers: numbers.update(command="rm"), "command: "),
}


@pytest.mark.parametrize("what", LIES)
def test_a_checkpoint_that_lies_with_right_hashes_is_named_and_the_one_before_is_used(
    what: str, tmp_path: Path
) -> None:
    two_checkpoints(tmp_path / "c")
    change, says = LIES[what]
    change_json(tmp_path / "c/000000-000000005.json", change)
    reseal(tmp_path / "c")
    again = session()
    said: list[str] = []
    assert restore_newest(tmp_path / "c", again, said.append)
    assert again.step == 2
    assert len(said) == 1
    assert says in said[0]
    assert said[0].isprintable()


@pytest.mark.parametrize("change", ["drop", "reshape", "retype"])
def test_tensors_of_another_network_with_right_hashes_are_passed_over(change: str, tmp_path: Path) -> None:
    two_checkpoints(tmp_path / "c")
    path = tmp_path / "c/000000-000000005.safetensors"
    tensors = load_file(path)
    name = "exp_avg/conv1.weight"
    if change == "drop":
        del tensors[name]
    else:
        tensors[name] = tensors[name][:1].contiguous() if change == "reshape" else tensors[name].double()
    save_file(tensors, path)
    reseal(tmp_path / "c")
    again = session()
    said: list[str] = []
    assert restore_newest(tmp_path / "c", again, said.append)
    assert (again.step, len(said)) == (2, 1)
    assert name in said[0]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from tests.training.sealing import reseal
from tests.training.test_session import learn, session
from kamerton.errors import OutputError
from kamerton.training.checkpoint import write_checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
learner, folder = learn(session(), 2), Path(sys.argv[1])
write_checkpoint(folder, learner)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    write_checkpoint(folder, learn(learner, 3))
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize("room_bytes", [0, 1000, 100_000])
def test_a_full_disk_stops_with_the_last_checkpoint_intact(tmp_path: Path, room_bytes: int) -> None:
    """A file may grow to so many bytes and no further, as on a disk that has no more."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "c"), str(room_bytes)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert found.stdout.count("\n") == 1
    assert "cannot be written" in found.stdout
    assert names(tmp_path / "c") == ["000000-000000002.json", "000000-000000002.safetensors"]
    again = session()
    assert restore_newest(tmp_path / "c", again, pytest.fail)
    assert again.step == 2
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_checkpoint(tmp_path / "file" / "c", session())
