"""A training that was killed anywhere ends with the bits of one that was not."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest

from kamerton.data.cubes.cube import LabelledCube
from kamerton.errors import KamertonWarning, OutputError, TrainingStoppedError, UsageError
from kamerton.formats.importing import import_keras_file
from kamerton.machine.computation import ConvolutionAlgorithm
from kamerton.runs.folder import Run, open_run
from kamerton.runs.record import Change, versions
from kamerton.training import train as train_module
from kamerton.training.progress import Silent
from kamerton.training.session import Tally
from kamerton.training.train import train
from tests.conftest import needs_nnpack, write_toy_cube
from tests.dying import DEATH, KilledError
from tests.forked import Forked, run_forked

OPTIONS: dict[str, Any] = {
    "network": "lenet5",
    "recipe": "notebook",
    "epochs": 3,
    "batch_size": 8,
    "checkpoint_steps": 1,
    "seed": 3,
}

OPTION_WORDS = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resume")
    write_toy_cube(folder / "train.fits", 36, 20, seed=0)
    write_toy_cube(folder / "valid.fits", 9, 20, seed=1)
    return folder


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The training that nothing interrupted."""
    return train(data, **OPTIONS, out=tmp_path_factory.mktemp("whole") / "run")


def outcome(run: Run) -> dict[str, Any]:
    """All that two equal trainings share to the bit: files, history and record without their times and places."""
    checkpoint = max(run.checkpoint_path.glob("*.safetensors"))
    record = json.loads((run.path / "run.json").read_text())
    del record["started"], record["peak_memory_bytes"]
    for cube in record["data"].values():
        # The way from the run folder to the cube, which lies elsewhere.
        del cube["beside"]
    return {
        "weights": run.weights_path.read_bytes(),
        "optimizer": checkpoint.read_bytes(),
        "galaxies": run.seen_path.read_bytes(),
        "history": pd.read_csv(run.history_path, dtype=str).drop(columns=["seconds", "images_per_second"]).to_csv(),
        "record": record,
        "files": sorted(str(path.relative_to(run.path)) for path in run.path.rglob("*")),
    }


class KillAfterStep(Silent):
    """Dies after so many batches."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        self.left -= 1
        if self.left == 0:
            raise KilledError


@pytest.mark.parametrize("steps", [1, 4, 5, 6, 14, 15])
def test_a_training_killed_at_a_batch_goes_on_to_the_same_bits(
    data: Path, whole: Run, tmp_path: Path, steps: int
) -> None:
    """Fifteen batches in three epochs; the fifth is the partial last one of its epoch."""
    with pytest.raises(KilledError):
        train(data, **OPTIONS, out=tmp_path / "run", watcher=KillAfterStep(steps))
    assert outcome(train(data, **OPTIONS, out=tmp_path / "run", resume=True)) == outcome(whole)


def test_a_training_killed_at_any_write_goes_on_to_the_same_bits(
    data: Path, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dies at the third to seventh file that is given its name, each time from where the one before came to."""
    rename, deaths, luck, left = Path.replace, 0, random.Random(0), 0

    def dying(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError
        return rename(path, target)

    run = None
    while run is None:
        left = luck.randint(2, 6)
        monkeypatch.setattr(Path, "replace", dying)
        try:
            run = train(data, **OPTIONS, out=tmp_path / "run", resume=True)
        except KilledError:
            deaths += 1
        finally:
            monkeypatch.setattr(Path, "replace", rename)
    assert deaths >= 8
    assert outcome(run) == outcome(whole)


def test_a_training_killed_at_any_operation_of_its_beginning_goes_on(data: Path, whole: Run, tmp_path: Path) -> None:
    """From the first look at the run folder to the first batch."""
    operations, ended = 0, False
    while not ended:
        out = tmp_path / str(operations) / "run"
        out.parent.mkdir()
        with DEATH.after(operations, out.parent), pytest.raises(KilledError):
            train(data, **OPTIONS, out=out, watcher=KillAfterStep(1), resume=True)
        ended = not DEATH.came
        assert outcome(train(data, **OPTIONS, out=out, resume=True)) == outcome(whole), f"after {operations} operations"
        operations += 1
    assert operations > 10


def test_a_disk_that_is_full_at_the_beginning_leaves_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", full)
    with pytest.raises(OutputError, match=r"galaxies\.parquet cannot be written.*No space left"):
        train(data, **OPTIONS, out=tmp_path / "runs" / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", ["galaxy_fingerprints", "save_seen", "build_network"])
def test_a_signal_before_the_first_batch_is_one_line_and_the_training_begins_when_asked_again(
    data: Path,
    whole: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    number: signal.Signals,
    code: int,
) -> None:
    owner = LabelledCube if moment == "galaxy_fingerprints" else Run
    usual = getattr(owner, moment)

    def interrupted(*words: Any, **named: Any) -> Any:
        os.kill(os.getpid(), number)
        return usual(*words, **named)

    monkeypatch.setattr(owner, moment, interrupted)
    with pytest.raises(TrainingStoppedError, match=f"{number.name} before the first batch.*--resume --out") as stopped:
        train(data, **OPTIONS, out=tmp_path / "run")
    assert stopped.value.exit_code == code
    monkeypatch.setattr(owner, moment, usual)
    assert outcome(train(data, **OPTIONS, out=tmp_path / "run", resume=True)) == outcome(whole)


def test_a_signal_while_the_weights_are_written_is_one_line(
    data: Path, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "finish", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(TrainingStoppedError, match="SIGTERM after the last batch"):
        train(data, **OPTIONS, out=tmp_path / "run")
    monkeypatch.undo()
    assert outcome(train(data, **OPTIONS, out=tmp_path / "run", resume=True)) == outcome(whole)


def test_resuming_removes_nothing_that_is_not_the_runs(data: Path, whole: Run, tmp_path: Path) -> None:
    foreign = ("notes.txt", ".tmp123456", ".thesis.partial.tex", "checkpoint/best.safetensors", "checkpoint/mine.json")
    with pytest.raises(KilledError):
        train(data, **OPTIONS, out=tmp_path / "run", watcher=KillAfterStep(7))
    for name in foreign:
        (tmp_path / "run" / name).write_text("mine")
    resumed = train(data, **OPTIONS, out=tmp_path / "run", resume=True)
    for name in foreign:
        assert (tmp_path / "run" / name).read_text() == "mine"
        (tmp_path / "run" / name).unlink()
    assert outcome(resumed) == outcome(whole)


@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_of_others_is_neither_taken_nor_touched(data: Path, tmp_path: Path, resume: bool) -> None:
    for name in (".tmp123456", ".thesis.partial.tex", ".run.partial.json"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        train(data, **OPTIONS, out=tmp_path, resume=resume)
    assert {path.read_text() for path in tmp_path.iterdir()} == {"mine"}


def test_checkpoints_behind_a_link_are_refused_and_not_touched(data: Path, tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    with pytest.raises(KilledError):
        train(data, **OPTIONS, out=run, watcher=KillAfterStep(7))
    (run / "checkpoint").rename(elsewhere)
    (run / "checkpoint").symlink_to(elsewhere)
    (elsewhere / "000000-000000001.safetensors").write_text("another run's")
    before = sorted(elsewhere.iterdir())
    with pytest.raises(OutputError, match="checkpoint is a link"):
        train(data, **OPTIONS, out=run, resume=True)
    assert sorted(elsewhere.iterdir()) == before


def test_two_trainings_of_one_run_do_not_mix(data: Path, tmp_path: Path) -> None:
    class Second(Silent):
        """Tries to train into the same folder in the midst of the first training."""

        said = ""

        def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
            if not self.said:
                with pytest.raises(OutputError) as refused:
                    train(data, **OPTIONS, out=tmp_path / "run", resume=True)
                self.said = str(refused.value)

    watcher = Second()
    run = train(data, **OPTIONS, out=tmp_path / "run", watcher=watcher)
    assert f"process {os.getpid()} on" in watcher.said
    assert len(run.history()) == 3


def test_views_best_weights_and_decay_go_on_to_the_same_bits_too(data: Path, tmp_path: Path) -> None:
    options = OPTIONS | {"recipe": "modern"}
    undisturbed = train(data, **options, out=tmp_path / "undisturbed" / "run")
    for steps in (1, 6, 9):
        with pytest.raises(KilledError):
            train(data, **options, out=tmp_path / "run", watcher=KillAfterStep(steps), resume=steps > 1)
    run = train(data, **options, out=tmp_path / "run", resume=True)
    assert outcome(run) == outcome(undisturbed)
    assert run.record.results is not None
    lowest = cast(int, run.history()["val_loss"].idxmin())
    assert run.record.results.epoch == lowest + 1


def test_the_crash_matrix(data: Path, whole: Run, tmp_path: Path) -> None:
    """SIGKILL at 20 random moments of a real process, one after another, writes of checkpoints included."""
    command = train_words(data, tmp_path / "run")
    moments, killed = random.Random(0), 0
    while killed < 20:
        process = Forked(command, tmp_path)
        started = wait_for_batch(process, tmp_path / "run" / "checkpoint")
        time.sleep(moments.uniform(0, 0.03) if started else 0)
        process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            break
        killed += 1
    run_forked(command, tmp_path)
    assert killed >= 10
    assert outcome(open_run(tmp_path / "run")) == outcome(whole)


def train_words(data: Path, run: Path) -> list[str]:
    return ["train", str(data), "--out", str(run), "--resume", *OPTION_WORDS]


def wait_for_batch(process: Forked, folder: Path) -> bool:
    """Wait until the process has written something new; False where it ended before."""
    before = newest(folder)
    while process.poll() is None:
        if newest(folder) != before:
            return True
        time.sleep(0.001)
    return False


def newest(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_real_process_in_one_line_with_its_code(
    data: Path, whole: Run, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    command = train_words(data, tmp_path / "run")
    process = Forked(command, tmp_path)
    assert wait_for_batch(process, tmp_path / "run" / "checkpoint")
    process.send_signal(number)
    assert process.wait() == code
    recipe, last = process.stderr.splitlines()
    assert recipe.startswith("the recipe notebook stands still")
    assert f"--resume --out {tmp_path / 'run'}" in last
    run_forked(command, tmp_path)
    assert outcome(open_run(tmp_path / "run")) == outcome(whole)


# What may change and what may not


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
        pytest.param({"layout": "channels_last"}, "layout channels_last, was tiles", marks=needs_nnpack),
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
    [("plain", True), pytest.param("tiles", True, id="as recorded before"), ("plain", None)],
)
def test_a_run_goes_on_in_its_own_layout(
    data: Path, tmp_path: Path, convolutions: ConvolutionAlgorithm, channels_last: bool | None
) -> None:
    run, said = left_open(convolutions, data, tmp_path / "run", channels_last=channels_last)
    record = run.record
    assert (record.convolutions, record.channels_last, record.changes) == (convolutions, channels_last, ())
    assert not any("last bits" in line for line in said)


def test_a_machine_without_tiles_goes_on_without_them_and_says_so(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerton.machine.computation.tiles_available", lambda: False)
    run, said = left_open("tiles", data, tmp_path / "run")
    assert (run.record.convolutions, run.record.changes) == ("plain", (Change("convolutions", "tiles", "plain"),))
    assert "resuming elsewhere, so the last bits may differ: convolutions: plain, was tiles" in said


@needs_nnpack
def test_a_run_that_does_not_say_goes_on_with_what_auto_chooses(data: Path, tmp_path: Path) -> None:
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


def test_stopping_at_the_end_of_an_epoch_keeps_it(
    data: Path, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StopInValidation(Silent):
        def end_epoch(self, epoch: int, row: Any) -> None:
            if epoch == 0:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(TrainingStoppedError, match="SIGTERM"):
        train(data, **OPTIONS, out=tmp_path / "run", watcher=StopInValidation())
    assert outcome(train(data, **OPTIONS, out=tmp_path / "run", resume=True)) == outcome(whole)


def test_weights_from_elsewhere_are_no_training_to_go_on_with(whole: Run, data: Path, tmp_path: Path) -> None:
    copy = import_keras_file(whole.keras_path, tmp_path / "run").path
    with pytest.raises(UsageError, match=r"not trained here.*without a recipe.*begin a new run"):
        train(data, **OPTIONS, out=copy, resume=True)
