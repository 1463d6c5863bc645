"""What may change where a training goes on, and what may not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from kamerton.errors import KamertonWarning, OutputError, UsageError
from kamerton.formats.importing import import_keras_file
from kamerton.machine.computation import ConvolutionAlgorithm
from kamerton.runs.folder import Run, open_run
from kamerton.runs.record import Change, versions
from kamerton.training import train as train_module
from kamerton.training.train import train
from tests.conftest import needs_nnpack, write_toy_cube
from tests.dying import KilledError
from tests.training.killed import OPTIONS, KillAfterStep, outcome


def stopped(data: Path, out: Path) -> Path:
    with pytest.raises(KilledError):
        train(data, **OPTIONS, out=out, watcher=KillAfterStep(7))
    return out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 4}, "seed 4, was 3"),
        ({"batch_size": 9}, "recipe.batch_size 9, was 8"),
        ({"epochs": 2}, "recipe.epochs 2, was 3"),
        ({"size": 24}, "preprocessing.size 24, was 20"),
        ({"network": "alexnet", "size": 67}, "network alexnet, was lenet5"),
        ({"deterministic": False}, "deterministic False, was True"),
        pytest.param({"layout": "channels_last"}, "layout channels_last, was mosaic", marks=needs_nnpack),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_changed_settings_are_refused_with_the_difference(
    data: Path, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    run = stopped(data, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=says):
        train(data, **OPTIONS | change, out=run, resume=True)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_changed_data_are_refused(data: Path, tmp_path: Path) -> None:
    run = stopped(data, tmp_path / "run")
    other = tmp_path / "other"
    other.mkdir()
    write_toy_cube(other / "train.fits", 36, 20, seed=5)
    write_toy_cube(other / "valid.fits", 9, 20, seed=1)
    with pytest.raises(UsageError, match=r"data\.train\.fingerprint"):
        train(other, **OPTIONS, out=run, resume=True)


def test_the_same_data_in_another_place_are_taken(data: Path, whole: Run, tmp_path: Path) -> None:
    run = stopped(data, tmp_path / "run")
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("train.fits", "valid.fits"):
        (moved / name).write_bytes((data / name).read_bytes())
    resumed = train(moved, **OPTIONS, out=run, resume=True)
    assert resumed.record.data["train"].path == str(moved / "train.fits")
    assert resumed.weights_path.read_bytes() == whole.weights_path.read_bytes()


def test_more_epochs_extend_a_finished_run_and_say_so(data: Path, tmp_path: Path) -> None:
    longer = OPTIONS | {"epochs": 5}
    straight = train(data, **longer, out=tmp_path / "straight")
    train(data, **OPTIONS, out=tmp_path / "run")
    watcher = KillAfterStep(-1)
    extended = train(data, **longer, out=tmp_path / "run", resume=True, watcher=watcher)
    assert "extending the run from 3 to 5 epochs" in watcher.said
    assert extended.record.changes == (Change("recipe.epochs", 3, 5),)
    assert extended.weights_path.read_bytes() == straight.weights_path.read_bytes()
    assert len(extended.history()) == 5


@pytest.mark.parametrize(("recipe", "said"), [("modern", True), ("notebook", False)])
def test_an_extension_that_is_another_training_than_a_longer_one_says_so(
    data: Path, tmp_path: Path, recipe: str, said: bool
) -> None:
    options, watcher = OPTIONS | {"recipe": recipe}, KillAfterStep(-1)
    train(data, **options | {"epochs": 1}, out=tmp_path / "run")
    train(data, **options | {"epochs": 2}, out=tmp_path / "run", resume=True, watcher=watcher)
    assert any("2 from the start would end otherwise" in line for line in watcher.said) is said


def test_a_finished_run_has_nothing_to_resume(data: Path, whole: Run) -> None:
    before, watcher = outcome(whole), KillAfterStep(-1)
    train(data, **OPTIONS, out=whole.path, resume=True, watcher=watcher)
    assert "ended already" in watcher.said[-1]
    assert outcome(whole) == before


def left_open(
    convolutions: ConvolutionAlgorithm | None, data: Path, out: Path, *, channels_last: bool | None = False
) -> tuple[Run, list[str]]:
    """Resume a run that says this of its layout, and ask for none; give it and what was said."""
    run = open_run(stopped(data, out))
    run.update(dataclasses.replace(run.record, convolutions=convolutions, channels_last=channels_last))
    watcher = KillAfterStep(-1)
    return train(data, **OPTIONS, out=out, resume=True, watcher=watcher), watcher.said


def test_a_run_goes_on_with_its_own_plain_convolutions(data: Path, tmp_path: Path) -> None:
    run, said = left_open("plain", data, tmp_path / "run")
    assert (run.record.convolutions, run.record.changes) == ("plain", ())
    assert not any("last bits" in line for line in said)


@pytest.mark.parametrize(
    ("convolutions", "channels_last"),
    [("plain", True), pytest.param("tiles", True, id="as recorded before"), ("plain", None), ("mosaic", False)],
)
def test_a_run_goes_on_in_its_own_layout(
    data: Path, tmp_path: Path, convolutions: ConvolutionAlgorithm, channels_last: bool | None
) -> None:
    run, said = left_open(convolutions, data, tmp_path / "run", channels_last=channels_last)
    record = run.record
    assert (record.convolutions, record.channels_last, record.changes) == (convolutions, channels_last, ())
    assert not any("last bits" in line for line in said)


@needs_nnpack
def test_a_run_whose_images_were_apart_keeps_them_apart(data: Path, tmp_path: Path) -> None:
    run, said = left_open("tiles", data, tmp_path / "run")
    assert (run.record.convolutions, run.record.changes) == ("tiles", ())
    assert not any("last bits" in line for line in said)


@pytest.mark.parametrize("before", ["tiles", "mosaic"])
def test_a_machine_without_tiles_goes_on_without_them_and_says_so(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: ConvolutionAlgorithm
) -> None:
    monkeypatch.setattr("kamerton.machine.computation.tiles_available", lambda: False)
    run, said = left_open(before, data, tmp_path / "run")
    assert (run.record.convolutions, run.record.changes) == ("plain", (Change("convolutions", before, "plain"),))
    assert f"resuming elsewhere, so the last bits may differ: convolutions: plain, was {before}" in said


@needs_nnpack
def test_a_run_that_does_not_say_goes_on_with_what_auto_chose_then(data: Path, tmp_path: Path) -> None:
    run, _ = left_open(None, data, tmp_path / "run")
    assert (run.record.convolutions, run.record.changes) == ("tiles", (Change("convolutions", None, "tiles"),))


def test_tiles_are_refused_before_anything_is_changed_where_there_are_none(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stopped(data, tmp_path / "run")
    before = (run / "run.json").read_bytes()
    monkeypatch.setattr("kamerton.machine.computation.tiles_available", lambda: False)
    with pytest.raises(UsageError, match="without NNPACK"):
        train(data, **OPTIONS | {"layout": "tiles"}, out=run, resume=True)
    assert (run / "run.json").read_bytes() == before


def test_another_library_is_told_and_noted(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = stopped(data, tmp_path / "run")
    monkeypatch.setattr(train_module, "versions", lambda: versions() | {"torch": "9.9"})
    watcher = KillAfterStep(-1)
    resumed = train(data, **OPTIONS, out=run, resume=True, watcher=watcher)
    assert any("versions.torch: 9.9, was" in line for line in watcher.said)
    assert Change("versions.torch", versions()["torch"], "9.9") in resumed.record.changes


def test_the_runs_own_number_of_threads_is_used_again(data: Path, whole: Run, tmp_path: Path) -> None:
    import torch

    run = stopped(data, tmp_path / "run")
    usual = torch.get_num_threads()
    torch.set_num_threads(usual + 1)
    try:
        resumed = train(data, **OPTIONS, out=run, resume=True)
    finally:
        torch.set_num_threads(usual)
    assert outcome(resumed) == outcome(whole)


def test_fewer_threads_than_the_runs_own_are_told_and_noted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyTorch says two under this limit, and sums as one."""
    run = open_run(stopped(data, tmp_path / "run"))
    run.update(dataclasses.replace(run.record, threads=2))
    monkeypatch.setenv("OMP_THREAD_LIMIT", "1")
    watcher = KillAfterStep(-1)
    resumed = train(data, **OPTIONS, out=run.path, resume=True, watcher=watcher)
    assert "resuming elsewhere, so the last bits may differ: threads: 1, was 2" in watcher.said
    assert (resumed.record.threads, resumed.record.changes) == (1, (Change("threads", 2, 1),))


def test_threads_that_follow_the_load_are_told(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_DYNAMIC", "true")
    with pytest.warns(KamertonWarning, match="the same bits.*OMP_DYNAMIC"):
        train(data, **OPTIONS | {"epochs": 1}, out=tmp_path / "run")


def test_resuming_needs_the_name_of_the_run(data: Path) -> None:
    with pytest.raises(UsageError, match="--out"):
        train(data, **OPTIONS, resume=True)


def test_without_resume_an_existing_run_is_refused(data: Path, whole: Run) -> None:
    with pytest.raises(OutputError, match=r"exists already.*--resume"):
        train(data, **OPTIONS, out=whole.path)


def test_weights_from_elsewhere_are_no_training_to_go_on_with(whole: Run, data: Path, tmp_path: Path) -> None:
    copy = import_keras_file(whole.keras_path, tmp_path / "run").path
    with pytest.raises(UsageError, match=r"not trained here.*without a recipe.*begin a new run"):
        train(data, **OPTIONS, out=copy, resume=True)
