"""The two files that the notebook writes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from kamerton.errors import (
    KamertonWarning,
    OutputError,
)
from kamerton.training.train import train
from tests.training.toys import COLUMNS, Recorder


@pytest.mark.parametrize(
    ("network", "size", "stem"), [("lenet5", None, "LeNet5_full"), ("alexnet", 67, "AlexNet_full")]
)
def test_notebook_paths_are_the_notebooks(tiny: Path, here: Path, network: str, size: int | None, stem: str) -> None:
    run = train(tiny, network=network, size=size, recipe="notebook", epochs=2, out="run", notebook_paths=True)
    assert (here / f"Models/{stem}.keras").read_bytes() == run.keras_path.read_bytes()
    history = pd.read_csv(here / f"ResultLearning/{stem}.csv", index_col=0)
    pd.testing.assert_frame_equal(history, run.history()[COLUMNS[:4]])
    assert {path.name for path in here.iterdir()} == {"run", "Models", "ResultLearning"}


def test_the_notebooks_folders_may_be_there_already(tiny: Path, here: Path) -> None:
    for folder in ("Models", "ResultLearning"):
        (here / folder).mkdir()
        (here / folder / "AlexNet_full.csv").write_text("old")
    train(tiny, network="lenet5", recipe="notebook", epochs=1, out="run", notebook_paths=True)
    assert (here / "Models" / "LeNet5_full.keras").exists()
    assert (here / "ResultLearning" / "AlexNet_full.csv").read_text() == "old"


def test_without_notebook_paths_only_the_run_is_written(tiny: Path, here: Path) -> None:
    train(tiny, network="lenet5", epochs=1, out="run")
    assert [path.name for path in here.iterdir()] == ["run"]


@pytest.mark.parametrize("existing", ["Models/LeNet5_full.keras", "ResultLearning/LeNet5_full.csv"])
def test_an_earlier_result_of_the_notebook_is_refused_before_any_training(
    tiny: Path, here: Path, existing: str
) -> None:
    (here / existing).parent.mkdir()
    (here / existing).write_text("a week of work")
    watcher = Recorder()
    with pytest.raises(OutputError, match=rf"{existing} exists already"):
        train(tiny, network="lenet5", epochs=1, out="run", notebook_paths=True, watcher=watcher)
    assert (here / existing).read_text() == "a week of work"
    assert watcher.begun == []
    assert not (here / "run").exists()


@pytest.mark.parametrize("folder", ["Models", "ResultLearning"])
def test_a_file_in_the_way_of_the_notebooks_folders_is_found_before_any_training(
    tiny: Path, here: Path, folder: str
) -> None:
    (here / folder).write_text("a file in the way")
    watcher = Recorder()
    with pytest.raises(OutputError, match=rf"{folder}/.* cannot be written.*Not a directory"):
        train(tiny, network="lenet5", recipe="notebook", epochs=1, out="run", notebook_paths=True, watcher=watcher)
    assert watcher.begun == []
    assert not (here / "run").exists()


def test_the_notebooks_files_of_another_recipe_are_told(tiny: Path, here: Path) -> None:
    with pytest.warns(KamertonWarning, match=r"trained otherwise.*the recipe modern"):
        train(tiny, network="lenet5", epochs=1, out="run", notebook_paths=True)
