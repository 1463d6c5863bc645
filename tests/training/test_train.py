"""A training leaves a whole run folder, or refuses before it writes anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from kamerton.config.machine import Layout
from kamerton.config.pictures import Preprocessing
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import (
    CubeError,
    DownloadError,
    OutputError,
    UnknownNameError,
    UsageError,
)
from kamerton.machine import tiled_convolutions
from kamerton.machine.tiled_convolutions import tiles_available
from kamerton.networks.registry import build_network, count_parameters
from kamerton.recipes import load_recipe, recipe_folder
from kamerton.runs.folder import Run, open_run
from kamerton.training.progress import Silent
from kamerton.training.train import train
from tests.conftest import CLASS_NAMES, needs_nnpack, write_toy_cube
from tests.training.toys import COLUMNS, IMAGES, Recorder, folder_of, nothing_is_left


def test_a_run_folder_holds_settings_history_weights_and_the_keras_twin(toy_run: Run) -> None:
    files = {path.name for path in toy_run.path.iterdir() if path.is_file()}
    assert files == {"run.json", "history.csv", "model.safetensors", "model.keras", "galaxies.parquet"}


def test_the_history_begins_with_the_notebooks_columns(toy_run: Run) -> None:
    table = pd.read_csv(toy_run.history_path)
    assert list(table.columns) == ["Unnamed: 0", *COLUMNS]
    assert list(table.iloc[:, 0]) == [0, 1]
    assert (table[["seconds", "images_per_second"]] > 0).all(axis=None)


def test_the_network_has_learned(toy_splits: Path, tmp_path: Path) -> None:
    run = train(toy_splits, network="lenet5", recipe="notebook", epochs=6, batch_size=8, out=tmp_path / "run")
    history = run.history()
    assert history["loss"].iloc[-1] < 0.7 * history["loss"].iloc[0]
    assert history["val_accuracy"].iloc[-1] > 0.6, "three classes make 0.33 by chance"


def test_the_weights_kept_are_those_of_the_last_epoch(toy_run: Run, toy_splits: Path) -> None:
    with open_cube(toy_splits / "valid.fits") as cube:
        logits = toy_run.load_network()(torch.from_numpy(cube.read(slice(None))).permute(0, 3, 1, 2) / 255)
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(cube.labels)).item()
    assert toy_run.history()["val_loss"].iloc[-1] == pytest.approx(loss, rel=1e-5)


def test_the_record_holds_every_resolved_setting(tiny: Path, tmp_path: Path) -> None:
    run = train(tiny, network="lenet5", epochs=1, batch_size=7, size=18, seed=5, out=tmp_path / "run")
    record = open_run(run.path).record
    assert record.recipe == load_recipe("modern", epochs=1, batch_size=7)
    assert (record.network, record.seed, record.class_names) == ("lenet5", 5, CLASS_NAMES)
    assert record.preprocessing == Preprocessing(size=18, channels=3)
    assert record.parameters == sum(count_parameters(build_network("lenet5", size=18, channels=3, classes=3)))
    assert record.weights_chosen_by == "best val_loss"
    assert record.device.startswith(("cpu", "cuda"))
    assert record.convolutions == ("mosaic" if tiles_available() else "plain")
    assert (record.precision, record.channels_last, record.compiled) == ("float32", False, False)


@needs_nnpack
def test_convolutions_are_in_tiles_as_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small layers would gain nothing from tiles, and are made to take them."""
    for name in ("LEAST_WORK_SIDE_BY_SIDE", "LEAST_SIDE", "LEAST_IMAGES"):
        monkeypatch.setattr(tiled_convolutions, name, 0)
    for name in ("train", "valid"):
        write_toy_cube(tmp_path / f"{name}.fits", 6, 67)
    monkeypatch.setattr(tiled_convolutions, "LEAST_WORK", 0)
    asked: dict[str, Layout] = {"mosaic": "mosaic", "again": "auto", "tiles": "tiles", "plain": "plain"}
    mosaic, again, tiles, plain = (
        train(tmp_path, network="alexnet", epochs=1, layout=layout, out=tmp_path / name)
        for name, layout in asked.items()
    )
    assert mosaic.weights_path.read_bytes() == again.weights_path.read_bytes()
    assert len({run.weights_path.read_bytes() for run in (mosaic, tiles, plain)}) == 3
    assert [run.record.layout for run in (mosaic, again, tiles, plain)] == ["mosaic", "mosaic", "tiles", "plain"]


def test_channels_last_is_recorded_and_gives_the_same_bits_each_time(tiny: Path, tmp_path: Path) -> None:
    asked: dict[str, Layout] = {"first": "channels_last", "again": "channels_last", "plain": "plain"}
    first, again, plain = (
        train(tiny, network="lenet5", epochs=1, layout=layout, out=tmp_path / name) for name, layout in asked.items()
    )
    assert first.weights_path.read_bytes() == again.weights_path.read_bytes()
    assert [open_run(run.path).record.layout for run in (first, plain)] == ["channels_last", "plain"]
    assert first.history()["val_loss"].to_numpy() == pytest.approx(plain.history()["val_loss"].to_numpy(), rel=1e-4)


def test_another_layout_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"layout.*winograd.*'auto', 'plain', 'channels_last', 'tiles' or 'mosaic'"):
        train(tiny, network="lenet5", layout="winograd", out=tmp_path / "run")  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_the_record_holds_fingerprints_of_both_cubes(toy_run: Run, toy_splits: Path) -> None:
    assert list(toy_run.record.data) == ["train", "valid"]
    for split, seen in toy_run.record.data.items():
        with open_cube(toy_splits / f"{split}.fits") as cube:
            assert (seen.path, seen.galaxies) == (str(toy_splits / f"{split}.fits"), len(cube))
            assert seen.fingerprint == cube.fingerprint()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tiny: Path, tmp_path: Path) -> None:
    first, again, other = (
        train(tiny, network="lenet5", epochs=1, seed=seed, out=tmp_path / name).weights_path.read_bytes()
        for name, seed in (("first", 3), ("again", 3), ("other", 4))
    )
    assert first == again
    assert first != other


def test_the_last_batch_is_kept_though_it_is_smaller(tiny: Path, tmp_path: Path) -> None:
    watcher = Recorder()
    train(tiny, network="lenet5", epochs=2, batch_size=8, out=tmp_path / "run", watcher=watcher)
    assert watcher.begun == [(0, 2, 3), (1, 2, 3)], "20 galaxies are batches of 8, 8 and 4"
    assert len(watcher.seen) == 6


def test_a_watcher_is_told_what_the_history_receives(tiny: Path, tmp_path: Path) -> None:
    watcher = Recorder()
    run = train(tiny, network="lenet5", epochs=2, batch_size=8, out=tmp_path / "run", watcher=watcher)
    history = run.history()
    assert watcher.ended == [(epoch, row.to_dict()) for epoch, row in history.iterrows()]
    last_step = watcher.seen[-1]
    assert last_step[:2] == (history["loss"].iloc[-1], history["accuracy"].iloc[-1])
    assert last_step[2] > 0


def test_every_epoch_is_on_disk_as_it_ends(tiny: Path, tmp_path: Path) -> None:
    watcher = Recorder(tmp_path / "run")
    train(tiny, network="lenet5", epochs=3, out=tmp_path / "run", watcher=watcher)
    assert watcher.lines_on_disk == [2, 3, 4], "a header and one line an epoch"
    assert watcher.closed


def test_a_stopped_training_keeps_its_epochs_and_claims_no_weights(tiny: Path, tmp_path: Path) -> None:
    class Stopper(Recorder):
        def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
            super().end_epoch(epoch, row)
            if epoch == 1:
                raise KeyboardInterrupt

    watcher = Stopper()
    with pytest.raises(KeyboardInterrupt):
        train(tiny, network="lenet5", epochs=3, out=tmp_path / "run", watcher=watcher)
    assert len(open_run(tmp_path / "run").history()) == 2
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "run.json",
        "history.csv",
        "galaxies.parquet",
        "checkpoint",
    }
    assert watcher.closed


def test_without_a_name_the_run_lies_in_runs(tiny: Path, here: Path) -> None:
    run = train(tiny, network="lenet5", epochs=1)
    assert run.path.parent == Path("runs")
    assert run.name.startswith("lenet5-")
    assert (here / run.path / "model.safetensors").exists()


def test_an_existing_run_is_not_touched(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "history.csv").write_text("a week of work")
    with pytest.raises(OutputError, match="run exists already"):
        train(tiny, network="lenet5", epochs=1, out=tmp_path / "run")
    assert {path.name: path.read_text() for path in (tmp_path / "run").iterdir()} == {"history.csv": "a week of work"}


def test_a_place_that_cannot_be_written_is_found_before_any_training(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    watcher = Recorder()
    with pytest.raises(OutputError, match=r"file/run cannot be written.*Not a directory"):
        train(tiny, network="lenet5", epochs=1, out=tmp_path / "file" / "run", watcher=watcher)
    assert watcher.begun == []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"network": "alexnet"}, "too small for AlexNet.*16 x 16 pixels.*67 x 67"),
        ({"network": "lenet5", "size": 15}, "too small for LeNet-5.*15 x 15"),
        ({"network": "lenet5", "size": 0}, "Bad value for size.*Received: 0"),
        ({"network": "lenet5", "size": -4}, "Bad value for size"),
        ({"network": "lenet5", "seed": -1}, "Bad value for seed"),
        ({"network": "lenet5", "epochs": 0}, "Bad value for epochs"),
        ({"network": "lenet5", "epochs": "3"}, "Bad value for epochs.*Received: '3'"),
        ({"network": "lenet5", "epochs": 1.5}, "Bad value for epochs.*Received: 1.5"),
        ({"network": "lenet5", "size": "64"}, "Bad value for size.*Received: '64'"),
        ({"network": "lenet5", "batch_size": 0}, "Bad value for batch size"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_and_nothing_is_left(
    tiny: Path, here: Path, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        train(tiny, **settings)
    assert nothing_is_left(here)


@pytest.mark.parametrize("what", ["network", "recipe"])
def test_an_unknown_name_is_answered_with_the_known(tiny: Path, here: Path, what: str) -> None:
    settings: dict[str, Any] = {"network": "lenet5", what: "nothing"}
    with pytest.raises(UnknownNameError, match=f"Unknown {what} 'nothing'.*Allowed: "):
        train(tiny, **settings)
    assert nothing_is_left(here)


def test_a_folder_without_cubes_is_answered_with_the_missing_file(here: Path) -> None:
    with pytest.raises(CubeError, match=r"train\.fits: cannot be opened.*No such file"):
        train("nowhere", network="lenet5")
    assert nothing_is_left(here)


def test_a_cube_in_the_place_of_its_folder_is_answered_with_the_folder(tiny: Path, here: Path) -> None:
    with pytest.raises(UsageError, match=rf"needs the folder of its cubes.*Next: give {tiny}\.$"):
        train(tiny / "train.fits", network="lenet5")
    assert nothing_is_left(here)


def test_a_cube_that_was_not_split_is_answered_with_the_command_that_does(tmp_path: Path, here: Path) -> None:
    cube = write_toy_cube(tmp_path / "galaxies.fits", 9, 16)
    with pytest.raises(UsageError, match=rf"`kamerton data split {cube} data`"):
        train(cube, network="lenet5")
    assert nothing_is_left(here)


def test_learned_weights_that_cannot_be_had_leave_no_run(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> Any:
        raise DownloadError("weights that cannot be fetched")

    monkeypatch.setattr("kamerton.training.train.open_start", unreachable)
    with pytest.raises(DownloadError, match="cannot be fetched"):
        train(tiny, network="lenet5", start="timm:lenet5.sky", out=tmp_path / "runs" / "run")
    assert nothing_is_left(tmp_path)


class Listener(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


@pytest.mark.parametrize(("recipe", "still"), [("notebook", True), ("modern", False)])
def test_a_recipe_that_stands_still_says_so(tiny: Path, tmp_path: Path, recipe: str, still: bool) -> None:
    watcher = Listener()
    train(tiny, network="lenet5", recipe=recipe, epochs=1, out=tmp_path / "run", watcher=watcher)
    assert any("stands still after an epoch" in line for line in watcher.said) is still


def test_without_a_recipe_it_is_the_one_that_learns(tiny: Path, tmp_path: Path) -> None:
    run = train(tiny, network="lenet5", epochs=1, out=tmp_path / "run")
    assert run.record.recipe is not None
    assert run.record.recipe.name == "modern"


def own_recipe(path: Path, learning_rate: float) -> str:
    """Write a recipe of one epoch."""
    notebook = (recipe_folder() / "notebook.toml").read_text(encoding="utf-8")
    text = notebook.replace('"notebook"', '"own"').replace("epochs = 10", "epochs = 1")
    path.write_text(text.replace("learning_rate = 1e-3", f"learning_rate = {learning_rate}"), encoding="utf-8")
    return str(path)


def test_a_recipe_of_ones_own_is_kept_in_the_record(tiny: Path, tmp_path: Path) -> None:
    run = train(tiny, network="lenet5", recipe=own_recipe(tmp_path / "own.toml", 0.01), out=tmp_path / "run")
    assert json.loads((run.path / "run.json").read_text(encoding="utf-8"))["recipe"]["name"] == "own"
    assert run.history()["lr"].iloc[0] == pytest.approx(0.01)


def test_the_starting_weights_follow_from_the_seed(tiny: Path, tmp_path: Path) -> None:
    """A network that hardly moves ends where it started."""
    slow = own_recipe(tmp_path / "own.toml", 1e-12)
    run = train(tiny, network="lenet5", recipe=slow, seed=3, out=tmp_path / "run")
    start = build_network("lenet5", size=16, channels=3, classes=3, seed=3).state_dict()
    for name, value in run.load_network().state_dict().items():
        torch.testing.assert_close(value, start[name], rtol=0, atol=1e-9)


def test_grey_images_train_too(tmp_path: Path) -> None:
    grey = {"images_nhwc": IMAGES[..., :1]}
    run = train(folder_of(tmp_path / "data", grey, grey), network="lenet5", epochs=1, out=tmp_path / "run")
    assert run.load_network()(torch.zeros(2, 1, 16, 16)).shape == (2, 3)
