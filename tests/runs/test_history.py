"""The history is the CSV that pandas writes, to the last digit."""

from __future__ import annotations

from pathlib import Path

import pytest

from kamerton.errors import OutputError, RunError
from kamerton.runs.folder import Run, create_run
from kamerton.runs.history import HISTORY_COLUMNS, read_history

ROW = {"loss": 0.1 + 0.2, "accuracy": 1 / 3, "val_loss": 1e-17, "val_accuracy": 1.0, "lr": 1e-6, "seconds": 2.5}
FULL_ROW = {**ROW, "images_per_second": 1234.5678901234567}


@pytest.fixture
def new_run(toy_run: Run, tmp_path: Path) -> Run:
    """A run folder with the record of the toy run and nothing else."""
    return create_run(tmp_path / "run", toy_run.record)


def test_history_is_the_csv_that_pandas_writes(new_run: Run) -> None:
    for epoch in range(2):
        new_run.append_history(epoch, FULL_ROW)
    text = new_run.history_path.read_text()
    assert text.splitlines()[0] == ",loss,accuracy,val_loss,val_accuracy,lr,seconds,images_per_second"
    assert new_run.history().to_csv() == text


def test_history_keeps_every_digit(new_run: Run) -> None:
    new_run.append_history(0, FULL_ROW)
    history = new_run.history()
    assert history.iloc[0].to_dict() == FULL_ROW
    assert (list(history.index), tuple(history.columns)) == ([0], HISTORY_COLUMNS)


def test_a_diverged_epoch_is_kept_in_the_history(new_run: Run) -> None:
    new_run.append_history(0, {**FULL_ROW, "loss": float("nan"), "val_loss": float("inf")})
    row = new_run.history().iloc[0]
    assert row["loss"] != row["loss"]
    assert row["val_loss"] == float("inf")


@pytest.mark.parametrize("content", [None, ""])
def test_a_missing_history_is_a_clear_error(new_run: Run, content: str | None) -> None:
    if content is not None:
        new_run.history_path.write_text(content)
    with pytest.raises(RunError, match=r"history\.csv: cannot be read"):
        new_run.history()


def test_a_history_that_cannot_be_written_is_a_clear_error(new_run: Run) -> None:
    new_run.history_path.mkdir()
    with pytest.raises(OutputError, match=r"history\.csv cannot be written"):
        new_run.append_history(0, FULL_ROW)


def test_a_history_written_anew_takes_the_place_of_the_former(new_run: Run) -> None:
    for epoch in range(3):
        new_run.append_history(epoch, FULL_ROW)
    new_run.write_history([FULL_ROW])
    assert len(new_run.history()) == 1
    new_run.write_history([])
    assert not new_run.has_history


@pytest.mark.parametrize("content", ['"', 'a,"b"c\n', ",loss,accuracy,val_loss,val_accuracy\n0,1,1,1,\0\n"])
def test_a_broken_csv_of_another_program_is_a_value_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(ValueError, match=r"."):
        read_history(tmp_path / "a.csv")
