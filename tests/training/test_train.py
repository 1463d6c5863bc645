"""A training leaves a whole run folder, or refuses before it writes anything."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from kamerton.config.machine import Layout
from kamerton.config.pictures import Framing, PixelOrigin, Preprocessing
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import (
    CubeError,
    DownloadError,
    KamertonError,
    KamertonWarning,
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
from kamerton.training.session import Tally
from kamerton.training.train import train
from tests.conftest import CLASS_NAMES, needs_nnpack, toy_galaxies, write_cube, write_toy_cube

COLUMNS = ["loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds", "images_per_second"]
IMAGES, LABELS = toy_galaxies(9, 16, seed=0)


class Recorder(Silent):
    """Remembers what a training told, and how much of the history was on disk each time."""

    def __init__(self, run: Path | None = None) -> None:
        self.run = run
        self.begun: list[tuple[int, int, int]] = []
        self.seen: list[tuple[float, float, float]] = []
        self.ended: list[tuple[int, Mapping[str, float]]] = []
        self.lines_on_disk: list[int] = []
        self.closed = False

    def begin_epoch(self, epoch: int, epochs: int, steps: int, done: int = 0) -> None:
        self.begun.append((epoch, epochs, steps))

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        self.seen.append((tally().loss, tally().accuracy, images_per_second))

    def end_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        self.ended.append((epoch, row))
        if self.run is not None:
            self.lines_on_disk.append(len((self.run / "history.csv").read_text().splitlines()))

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cubes of few small galaxies; do not change it."""
    folder = tmp_path_factory.mktemp("tiny")
    write_toy_cube(folder / "train.fits", 20, 16, seed=0)
    write_toy_cube(folder / "valid.fits", 9, 16, seed=1)
    return folder


def folder_of(path: Path, train_cube: dict[str, Any], valid_cube: dict[str, Any]) -> Path:
    """Write a training and a validation cube that differ from plain toy cubes as given."""
    path.mkdir()
    for split, changes in (("train", train_cube), ("valid", valid_cube)):
        write_cube(path / f"{split}.fits", **{"images_nhwc": IMAGES, "labels": LABELS, **changes})
    return path


def nothing_is_left(folder: Path) -> bool:
    return list(folder.iterdir()) == []


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


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
    assert record.convolutions == ("tiles" if tiles_available() else "plain")
    assert (record.precision, record.channels_last, record.compiled) == ("float32", False, False)


@needs_nnpack
def test_convolutions_are_in_tiles_as_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small layers would gain nothing from tiles, and are made to take them."""
    for name in ("LEAST_WORK", "LEAST_SIDE", "LEAST_IMAGES"):
        monkeypatch.setattr(tiled_convolutions, name, 0)
    for name in ("train", "valid"):
        write_toy_cube(tmp_path / f"{name}.fits", 6, 67)
    asked: dict[str, Layout] = {"tiles": "tiles", "again": "auto", "plain": "plain"}
    tiles, again, plain = (
        train(tmp_path, network="alexnet", epochs=1, layout=layout, out=tmp_path / name)
        for name, layout in asked.items()
    )
    assert tiles.weights_path.read_bytes() == again.weights_path.read_bytes()
    assert tiles.weights_path.read_bytes() != plain.weights_path.read_bytes()
    assert [run.record.layout for run in (tiles, again, plain)] == ["tiles", "tiles", "plain"]


def test_channels_last_is_recorded_and_gives_the_same_bits_each_time(tiny: Path, tmp_path: Path) -> None:
    asked: dict[str, Layout] = {"first": "channels_last", "again": "channels_last", "plain": "plain"}
    first, again, plain = (
        train(tiny, network="lenet5", epochs=1, layout=layout, out=tmp_path / name) for name, layout in asked.items()
    )
    assert first.weights_path.read_bytes() == again.weights_path.read_bytes()
    assert [open_run(run.path).record.layout for run in (first, plain)] == ["channels_last", "plain"]
    assert first.history()["val_loss"].to_numpy() == pytest.approx(plain.history()["val_loss"].to_numpy(), rel=1e-4)


def test_another_layout_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"layout.*winograd.*'auto', 'plain', 'channels_last' or 'tiles'"):
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
    with pytest.raises(OutputError, match=rf"{folder} cannot be written"):
        train(tiny, network="lenet5", recipe="notebook", epochs=1, out="run", notebook_paths=True, watcher=watcher)
    assert watcher.begun == []
    assert not (here / "run").exists()


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


ASINH = PixelOrigin("asinh", ("g", "r", "z"), 8.0)


def test_the_run_records_how_the_pixels_came_to_be(tmp_path: Path) -> None:
    cube: dict[str, Any] = {"origin": ASINH}
    run = train(folder_of(tmp_path / "data", cube, cube), network="lenet5", epochs=1, out=tmp_path / "run")
    assert open_run(run.path).record.pixel_origin == ASINH


@pytest.mark.parametrize(("one", "other"), [(None, ASINH), (ASINH, None), (None, None)])
def test_how_the_pixels_came_to_be_is_not_known_where_a_cube_does_not_say(tmp_path: Path, one: Any, other: Any) -> None:
    data = folder_of(tmp_path / "data", {"origin": one}, {"origin": other})
    assert train(data, network="lenet5", epochs=1, out=tmp_path / "run").record.pixel_origin is None


def test_pixels_that_came_to_be_in_two_ways_are_refused(tmp_path: Path, here: Path) -> None:
    other = dataclasses.replace(ASINH, bands=("g", "r", "i"))
    data = folder_of(tmp_path / "data", {"origin": ASINH}, {"origin": other})
    with pytest.raises(CubeError, match=r"valid\.fits: its pixels.*bands g, r, i, .* beside bands g, r, z, "):
        train(data, network="lenet5", epochs=1)
    assert nothing_is_left(here)


WHOLE = Framing((64, 64), (64, 64), 16)


def test_cubes_that_were_cropped_in_two_ways_are_refused(tmp_path: Path, here: Path) -> None:
    origins = [PixelOrigin("none", framing=each) for each in (WHOLE, Framing((64, 64), (32, 32), 16))]
    data = folder_of(tmp_path / "data", *({"origin": origin} for origin in origins))
    with pytest.raises(CubeError, match=r"valid\.fits: its images show another part.*central 32 of 64.* all 64 pixels"):
        train(data, network="lenet5", epochs=1)
    assert nothing_is_left(here)


@pytest.mark.parametrize(("other", "recorded"), [(WHOLE, WHOLE), (None, None), (Framing((32, 32), (32, 32), 16), None)])
def test_a_crop_that_is_not_known_of_both_is_said_and_not_recorded(
    tmp_path: Path, other: Framing | None, recorded: Framing | None
) -> None:
    origins = [PixelOrigin("none", framing=each) for each in (WHOLE, other)]
    data = folder_of(tmp_path / "data", *({"origin": origin} for origin in origins))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run = train(data, network="lenet5", epochs=1, out=tmp_path / "run")
    assert open_run(run.path).record.pixel_origin == PixelOrigin("none", framing=recorded)
    assert any("not known whether" in str(each.message) for each in said) == (recorded is None)


@pytest.mark.parametrize("split", ["train", "valid"])
@pytest.mark.parametrize(("pixel", "says"), [(np.nan, "has NaN or infinite"), (300.0, "has pixels outside 0 to 255")])
def test_bad_pixels_are_refused_with_the_galaxy_and_nothing_is_left(
    tmp_path: Path, here: Path, split: str, pixel: float, says: str
) -> None:
    floats_nhwc = IMAGES.astype(np.float32)
    floats_nhwc[7, 3, 3, 1] = pixel
    cubes: dict[str, dict[str, Any]] = {"train": {}, "valid": {}}
    cubes[split]["images_nhwc"] = floats_nhwc
    data = folder_of(tmp_path / "data", cubes["train"], cubes["valid"])
    with pytest.raises(CubeError, match=rf"{split}\.fits HDU 0: image 7 {says}"):
        train(data, network="lenet5", recipe="notebook", epochs=1, notebook_paths=True)
    assert nothing_is_left(here)


@pytest.mark.parametrize(
    ("train_cube", "valid_cube", "says"),
    [
        ({}, {"class_names": ("dim", "bright", "striped")}, r"valid\.fits: class names differ"),
        ({}, {"class_names": (*CLASS_NAMES, "new")}, r"valid\.fits: class names differ"),
        ({}, {"class_names": (), "labels": LABELS + 1}, "label 3 with 3 class names"),
        ({"class_names": (), "labels": LABELS + 1}, {}, "label 3 with 3 class names"),
        ({}, {"images_nhwc": toy_galaxies(9, 20, seed=1)[0]}, r"another shape.*\(20, 20, 3\) beside \(16, 16, 3\)"),
        ({}, {"images_nhwc": IMAGES[..., :1]}, r"another shape.*\(16, 16, 1\) beside \(16, 16, 3\)"),
        ({"labels": LABELS * 0, "class_names": ("all",)}, {"labels": LABELS * 0, "class_names": ("all",)}, "2 classes"),
    ],
)
def test_cubes_that_do_not_belong_together_are_refused(
    tmp_path: Path, here: Path, train_cube: dict[str, Any], valid_cube: dict[str, Any], says: str
) -> None:
    data = folder_of(tmp_path / "data", train_cube, valid_cube)
    with pytest.raises(KamertonError, match=says):
        train(data, network="lenet5", epochs=1)
    assert nothing_is_left(here)


@pytest.mark.parametrize("unnamed", ["train", "valid"])
def test_one_cube_with_class_names_names_them_for_both(tmp_path: Path, unnamed: str) -> None:
    cubes: dict[str, dict[str, Any]] = {"train": {}, "valid": {}}
    cubes[unnamed]["class_names"] = ()
    data = folder_of(tmp_path / "data", cubes["train"], cubes["valid"])
    assert train(data, network="lenet5", epochs=1, out=tmp_path / "run").record.class_names == CLASS_NAMES


def test_cubes_without_class_names_get_plain_ones_for_every_label_of_either(tmp_path: Path) -> None:
    two_classes = {"labels": LABELS % 2, "class_names": ()}
    data = folder_of(tmp_path / "data", two_classes, {"class_names": ()})
    record = train(data, network="lenet5", epochs=1, out=tmp_path / "run").record
    assert record.class_names == ("class 0", "class 1", "class 2")


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


def test_the_notebooks_files_of_another_recipe_are_told(tiny: Path, here: Path) -> None:
    with pytest.warns(KamertonWarning, match=r"trained otherwise.*the recipe modern"):
        train(tiny, network="lenet5", epochs=1, out="run", notebook_paths=True)


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
