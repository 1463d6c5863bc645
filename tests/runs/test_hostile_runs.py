"""Run folders that lie: one line of refusal, before memory is spent."""

from __future__ import annotations

import dataclasses
import json
import math
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
from kamerton.files import json_sha256
from kamerton.runs.folder import RECORD_BYTES, Run, open_even_if_changed, open_run
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
    "no threads": (lambda table: table.update(threads=0), "threads: "),
    "threads beyond all": (lambda table: table.update(threads=10**9), "threads: "),
    "fewer parameters than none": (lambda table: table.update(parameters=-5), "parameters: "),
    "a data set of fewer than none": (lambda table: table["data"]["train"].update(galaxies=-1), "galaxies: "),
    "a seed beyond all": (lambda table: table.update(seed=10**30), "seed: "),
    "an epoch below all": (lambda table: table["results"].update(epoch=-1), "results.epoch: "),
    "an epoch beyond all": (lambda table: table["results"].update(epoch=99), "results.epoch: no epoch .*1 to 2"),
    "weights of no epoch": (lambda table: table["results"].update(epoch=None), "results.epoch: no epoch .*1 to 2"),
    "a negative seed": (lambda table: table.update(seed=-1), "seed: "),
}


@pytest.mark.parametrize("what", RECORDS)
def test_a_record_that_lies_is_refused(copy: Run, what: str) -> None:
    change, says = RECORDS[what]
    edit(copy, change)
    with refused(says):
        # Who changes the record may make its fingerprint fit, too.
        open_even_if_changed(copy.path).load_network()


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "exchanged class names": lambda table: table["class_names"].reverse(),
    "another size": lambda table: table["preprocessing"].update(size=64),
    "other data": lambda table: table["data"]["train"].update(fingerprint="0" * 64),
    "other weights": lambda table: table["results"].update(weights="0" * 64),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_record_that_was_changed_after_the_training_is_refused(copy: Run, what: str) -> None:
    edit(copy, CHANGES[what])
    with refused(r"run\.json: changed since the training ended.*class names.*`kamerton verify"):
        open_run(copy.path)


def test_a_record_that_was_moved_is_none_that_was_changed(copy: Run) -> None:
    edit(copy, lambda table: table["data"]["train"].update(path="/elsewhere.fits"))
    assert open_run(copy.path).record.data["train"].path == "/elsewhere.fits"


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
        (",loss,accuracy,val_loss,val_accuracy\n", "no epoch in it"),
        (",loss,accuracy,val_loss,val_accuracy,seconds\n0,1,1,1,1,inf\n", "seconds: not numbers from 0"),
        (",loss,accuracy,val_loss,val_accuracy,lr\n0,1,1,1,1,-1\n", "lr: not numbers from 0"),
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
    "numbers": (pa.table({"split": ["train"], "sha256": [1]}), "sha256: int64 instead of string"),
    "nothing": (pa.table({"split": ["train", None], "sha256": ["a", "b"]}), "split: some rows are empty"),
    "other columns": (pa.table({"a": ["train"]}), "columns a"),
    "a column twice": (pa.table([["train"], ["a"], ["b"]], names=["split", "sha256", "sha256"]), "columns split"),
    "a bomb": (pa.table({"split": ["train"] * 5_000_000, "sha256": ["a"] * 5_000_000}), "cannot be in a file"),
    "too few": (pa.table({"split": ["train"], "sha256": ["a" * 64]}), "1 galaxy in train and 0 .*run.json has 70"),
    "another split": (
        pa.table({"split": ["test"] * 90, "sha256": [f"{row:064d}" for row in range(90)]}),
        "0 galaxies in train and 0 .* of 90 in all",
    ),
}


def spoil(name: str, value: Any) -> Callable[[pa.Table], pa.Table]:
    """Put a value into the first row of a column."""
    return lambda table: table.set_column(
        table.column_names.index(name), name, pa.array([value, *table[name].to_pylist()[1:]], table[name].type)
    )


LIES: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
    "a galaxy more": (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "71 galaxies in train"),
    "a galaxy less": (lambda table: table.slice(1), "69 galaxies in train"),
    "no likeness": (lambda table: table.drop_columns("likeness"), "columns split, sha256, id, ra, dec"),
    "half a feature": (
        lambda table: table.set_column(5, "likeness", pa.array([b"x"] * 90)),
        "likeness: binary instead",
    ),
    "beyond the sky": (spoil("dec", 91.0), "ra, dec: not on the sky"),
    "half a position": (spoil("ra", math.nan), "ra, dec: not on the sky"),
    "infinity": (spoil("ra", math.inf), "ra, dec: not on the sky"),
    "no id": (spoil("id", None), "id: some rows are empty"),
    "another galaxy": (spoil("sha256", "f" * 64), "other galaxies than when the training ended"),
    "another id": (spoil("id", "PGC 1"), "other galaxies than when the training ended"),
    "another place": (spoil("ra", 1.5), "other galaxies than when the training ended"),
    "another picture": (spoil("likeness", b"x" * 1024), "other galaxies than when the training ended"),
}


@pytest.mark.parametrize("what", LIES)
def test_galaxies_that_the_run_has_not_seen_are_refused(copy: Run, what: str) -> None:
    lie, says = LIES[what]
    parquet.write_table(
        lie(parquet.read_table(copy.seen_path)), copy.seen_path, compression="none", use_dictionary=False
    )
    with pytest.raises(RunError, match=f"cannot tell which galaxies the run has seen.*{says}") as caught:
        copy.seen()
    assert "\n" not in str(caught.value)


def test_a_run_of_the_days_when_only_pixels_were_kept_is_read(copy: Run) -> None:
    table = parquet.read_table(copy.seen_path).select(["split", "sha256"])
    parquet.write_table(table, copy.seen_path)
    digests = {
        split: sorted({row["sha256"] for row in table.to_pylist() if row["split"] == split})
        for split in ("train", "valid")
    }
    assert copy.record.results is not None
    results = dataclasses.replace(copy.record.results, galaxies=json_sha256(digests))
    copy.update(dataclasses.replace(copy.record, results=results))
    seen = copy.seen()
    assert seen is not None
    assert {split: (len(marks), marks.ids, marks.features) for split, marks in seen.items()} == {
        "train": (70, None, None),
        "valid": (20, None, None),
    }


@pytest.mark.parametrize("what", SEEN)
def test_fingerprints_that_are_none_are_refused(copy: Run, what: str) -> None:
    table, says = SEEN[what]
    parquet.write_table(table, copy.seen_path)
    with refused(f"cannot tell which galaxies the run has seen.*({says})|{says}"):
        copy.seen()
