"""Run folders that lie: one line of refusal, before memory is spent."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import load_file, save_file

from kamerton.errors import RunError, UsageError
from kamerton.runs.folder import RECORD_BYTES, Run, open_run
from kamerton.runs.history import HISTORY_BYTES

PEAK_BYTES = 32 << 20
"""What a refusal may cost."""


@pytest.fixture
def copy(toy_run: Run, tmp_path: Path) -> Run:
    """A copy of the toy run that a test may spoil."""
    shutil.copytree(toy_run.path, tmp_path / "run")
    run = open_run(tmp_path / "run")
    run.load_network()
    run.history()
    run.seen()
    return run


@contextmanager
def refused(says: str) -> Iterator[None]:
    tracemalloc.start()
    try:
        with pytest.raises(RunError, match=says) as caught:
            yield
        assert tracemalloc.get_traced_memory()[1] < PEAK_BYTES
    finally:
        tracemalloc.stop()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 3000


def edit(run: Run, change: Callable[[dict[str, Any]], object]) -> None:
    place = run.path / "run.json"
    table = json.loads(place.read_text(encoding="utf-8"))
    change(table)
    place.write_text(json.dumps(table), encoding="utf-8")


RECORDS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no classes": (lambda table: table.update(class_names=[]), "class_names: not one name a class"),
    "a class twice": (lambda table: table.update(class_names=["a", "a", "b"]), "class_names: not one name a class"),
    "a network that is a path": (lambda table: table.update(network="../../etc/passwd"), "Unknown network"),
    "a network that draws": (lambda table: table.update(network="\x1b[2J\n"), r"Unknown network .*x1b\[2J"),
    "images of terabytes": (lambda table: table["preprocessing"].update(size=10**9), "Bad value for size"),
    "the largest images": (lambda table: table["preprocessing"].update(size=4096), "size mismatch"),
    "images too small": (lambda table: table["preprocessing"].update(size=2), "run.json: Images are too small"),
    "many classes": (lambda table: table.update(class_names=list(map(str, range(20_000)))), "size mismatch"),
    "a seed beyond all": (lambda table: table.update(seed=10**30), "seed: "),
    "a negative seed": (lambda table: table.update(seed=-1), "seed: "),
}


@pytest.mark.parametrize("what", RECORDS)
def test_a_record_that_lies_is_refused(copy: Run, what: str) -> None:
    change, says = RECORDS[what]
    edit(copy, change)
    with refused(says):
        open_run(copy.path).load_network()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[" * 500_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply|cannot be read as a run"),
        ('{"network": ' + "9" * 100_000 + "}", "cannot be read as a run"),
        ('"' + "x" * 1_000_000 + '"', "the whole"),
        (" " * (RECORD_BYTES + 1), "too long"),
    ],
)
def test_a_record_of_any_text_is_refused(copy: Run, content: str, says: str) -> None:
    (copy.path / "run.json").write_text(content)
    with refused(says):
        open_run(copy.path)


def test_a_record_that_is_a_device_is_refused(copy: Run) -> None:
    (copy.path / "run.json").unlink()
    (copy.path / "run.json").symlink_to("/dev/zero")
    with refused("not a plain file"):
        open_run(copy.path)


WEIGHTS: dict[str, tuple[Callable[[dict[str, torch.Tensor]], object], str]] = {
    "one more": (lambda state: state.update(evil=torch.zeros(1)), "unknown: evil"),
    "one less": (lambda state: state.pop("dense5.bias"), r"missing: dense5\.bias"),
    "another type": (lambda state: state.update({"dense5.bias": torch.zeros(3, dtype=torch.float64)}), "F64"),
    "another shape": (
        lambda state: state.update({"dense5.bias": torch.zeros(3, 1)}),
        r"\(3, 1\) instead of F32 \(3,\)",
    ),
}


@pytest.mark.parametrize("what", WEIGHTS)
def test_weights_that_do_not_fit_are_refused(copy: Run, what: str) -> None:
    change, says = WEIGHTS[what]
    state = load_file(copy.weights_path)
    change(state)
    save_file(state, copy.weights_path)
    with refused(f"not the weights of lenet5.*{says}"):
        copy.load_network()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("," * 200_000, "columns that are not those"),
        (",loss,accuracy,val_loss\n0,1,1,1\n", "columns that are not those"),
        (",loss,accuracy,val_loss,val_accuracy\n0,1,1\n", "3 fields in line 2 instead of 5"),
        (",loss,accuracy,val_loss,val_accuracy\n0,1,1,1,x\n", "could not convert"),
        (",loss,accuracy,val_loss,val_accuracy\nx,1,1,1,1\n", "invalid literal"),
        (",loss,accuracy,val_loss,val_accuracy\n" + "9" * 30 + ",1,1,1,1\n", "the number of an epoch"),
        (",loss,accuracy,val_loss,val_accuracy\n0,1,1,1," + '"' + "1" * 200_000, "field larger|unexpected end"),
        ("\n" * (HISTORY_BYTES + 1), "too long"),
    ],
)
def test_a_history_that_is_none_is_refused(copy: Run, content: str, says: str) -> None:
    copy.history_path.write_text(content)
    with refused(f"history.csv: cannot be read.*({says})"):
        copy.history()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc", "a/b", "a\\b", "a\0b"])
def test_a_data_set_is_no_path(toy_run: Run, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a path"):
        toy_run.evaluation_path(name)


SEEN: dict[str, tuple[pa.Table, str]] = {
    "numbers": (pa.table({"split": ["train"], "sha256": [1]}), "something else than text"),
    "nothing": (pa.table({"split": ["train", None], "sha256": ["a", "b"]}), "something else than text"),
    "other columns": (pa.table({"a": ["train"]}), "cannot tell"),
    "a column twice": (pa.table([["train"], ["a"], ["b"]], names=["split", "sha256", "sha256"]), "cannot tell|strict"),
    "a bomb": (pa.table({"split": ["train"] * 5_000_000, "sha256": ["a"] * 5_000_000}), "cannot be in a file"),
}


@pytest.mark.parametrize("what", SEEN)
def test_fingerprints_that_are_none_are_refused(copy: Run, what: str) -> None:
    table, says = SEEN[what]
    parquet.write_table(table, copy.seen_path)
    with refused(f"cannot tell which galaxies the run has seen.*({says})|{says}"):
        copy.seen()
