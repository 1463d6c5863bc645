"""A training that was killed anywhere ends with the bits of one that was not."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from kamerton.data.cubes.cube import LabelledCube
from kamerton.errors import OutputError, TrainingStoppedError
from kamerton.runs.folder import Run, open_run
from kamerton.training.progress import Silent
from kamerton.training.session import Tally
from kamerton.training.train import train
from tests.dying import DEATH, KilledError
from tests.forked import Forked, run_forked
from tests.training.killed import OPTIONS, KillAfterStep, outcome

OPTION_WORDS = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()]


@pytest.mark.parametrize("steps", [1, 4, 5, 6, 14, 15])
def test_a_training_killed_at_a_batch_goes_on_to_the_same_bits(
    data: Path, whole: Run, tmp_path: Path, steps: int
) -> None:
    """Fifteen batches in three epochs; the fifth is the partial last one of its epoch."""
    with pytest.raises(KilledError):
        train(data, **OPTIONS, out=tmp_path / "run", watcher=KillAfterStep(steps))
    assert outcome(train(data, **OPTIONS, out=tmp_path / "run", resume=True)) == outcome(whole)


def test_a_training_killed_epochs_after_its_last_checkpoint_goes_on_to_the_same_bits(
    data: Path, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first epoch has a checkpoint, and the second has none, for it would take more than its share."""
    options = OPTIONS | {"checkpoint_steps": None}
    monkeypatch.setattr("kamerton.training.keeping.EPOCH_SHARE", 0)
    with pytest.raises(KilledError):
        train(data, **options, out=tmp_path / "run", watcher=KillAfterStep(12))
    killed = open_run(tmp_path / "run")
    assert [path.stem for path in killed.checkpoint_path.glob("*.json")] == ["000001-000000000"]
    assert len(killed.history()) == 2
    assert outcome(train(data, **options, out=killed.path, resume=True)) == outcome(whole)


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
