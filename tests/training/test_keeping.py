"""Checkpoints come when they are due, and a signal ends a training cleanly."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kamerton.config.learning import TrainSettings
from kamerton.errors import KamertonWarning, TrainingStoppedError
from kamerton.runs.folder import Run, create_run
from kamerton.training.keeping import RunKeeper, StopRequest, stop_on_signals
from kamerton.training.session import RunningTally, Session, Tally
from tests.training.test_session import learn, session


@pytest.fixture
def run(toy_run: Run, tmp_path: Path) -> Run:
    return create_run(tmp_path / "run", toy_run.record)


def kept(run: Run) -> list[int]:
    """Batches after which there are checkpoints."""
    return sorted(int(path.stem.split("-")[1]) for path in run.checkpoint_path.glob("*.json"))


def take_steps(keeper: RunKeeper, learner: Session, count: int) -> None:
    for _ in range(count):
        keeper.after_step(learn(learner, 1))


def test_every_so_many_batches_a_checkpoint_is_written(run: Run) -> None:
    take_steps(RunKeeper(run, TrainSettings(checkpoint_steps=3), StopRequest()), session(), 7)
    assert kept(run) == [3, 6]


def test_by_time_a_checkpoint_is_written_when_the_last_is_older(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    keeper, learner = RunKeeper(run, TrainSettings(checkpoint_minutes=2), StopRequest(), last_time=0.0), session()
    for second in (60, 119, 121, 200, 242):
        now[0] = second
        take_steps(keeper, learner, 1)
    assert kept(run) == [3, 5]


@pytest.mark.parametrize(("step", "says"), [(1, "after batch 1 of 3"), (3, "after its last batch")])
def test_a_stop_within_an_epoch_says_how_far_it_is(run: Run, step: int, says: str) -> None:
    stop = StopRequest()
    keeper, learner = RunKeeper(run, TrainSettings(), stop), session()
    take_steps(keeper, learner, step - 1)
    stop.signal = signal.SIGINT
    with pytest.raises(TrainingStoppedError, match=rf"Stopped by SIGINT in epoch 1 of 2, {says}; nothing is lost"):
        take_steps(keeper, learner, 1)


def test_without_time_and_count_only_the_end_of_an_epoch_has_one(run: Run) -> None:
    keeper, learner = RunKeeper(run, TrainSettings(checkpoint_minutes=None), StopRequest()), session()
    take_steps(keeper, learner, 4)
    assert kept(run) == []
    learner.tally, learner.seconds = RunningTally(Tally(1.0, 1, 2)), 1.0
    row = learner.end_epoch(Tally(1.0, 1, 2), 0.1, 1e-3)
    keeper.after_epoch(learner)
    assert kept(run) == [0]
    assert run.history()["loss"].tolist() == [row["loss"]]


def end_epoch(keeper: RunKeeper, learner: Session) -> None:
    learner.tally, learner.seconds = RunningTally(Tally(1.0, 1, 2)), 1.0
    learner.end_epoch(Tally(1.0, 1, 2), 0.1, 1e-3)
    keeper.after_epoch(learner)


def test_epochs_much_shorter_than_a_checkpoint_share_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint takes two seconds here, so that one is due every forty; the last epoch has its own."""
    now, written = [0.0], []

    def write(_folder: Path, learner: Session) -> None:
        now[0] += 2
        written.append(learner.epoch)

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr("kamerton.training.keeping.write_checkpoint", write)
    learner = session()
    learner.recipe = dataclasses.replace(learner.recipe, epochs=10)
    keeper = RunKeeper(run, TrainSettings(checkpoint_minutes=None), StopRequest(), last_time=0.0)
    for _ in range(10):
        now[0] += 15
        end_epoch(keeper, learner)
    assert written == [1, 4, 7, 10]
    assert len(run.history()) == 10


def test_a_stop_at_the_end_of_an_epoch_writes_a_checkpoint_that_was_not_due(run: Run) -> None:
    stop = StopRequest(signal.SIGTERM)
    keeper, learner = RunKeeper(run, TrainSettings(), stop, last_cost_s=1e9), session()
    with pytest.raises(TrainingStoppedError, match="after epoch 1"):
        end_epoch(keeper, learner)
    assert len(kept(run)) == 1


@pytest.mark.parametrize("lost", ["loss", "val_loss"])
def test_losses_that_are_no_number_are_told_once(run: Run, lost: str) -> None:
    keeper, learner = RunKeeper(run, TrainSettings(), StopRequest()), session()
    bad, good = Tally(float("nan"), 1, 2), Tally(1.0, 1, 2)

    def end_epoch() -> None:
        learner.tally, learner.seconds = RunningTally(bad if lost == "loss" else good), 1.0
        learner.end_epoch(bad if lost == "val_loss" else good, 0.1, 1e-3)
        keeper.after_epoch(learner)

    with pytest.warns(KamertonWarning, match=rf"no number.*no use.*{lost} nan in epoch 1 of .*lower learning_rate"):
        end_epoch()
    # Warnings are errors in tests.
    end_epoch()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_writes_a_checkpoint_and_says_how_to_go_on(run: Run, number: signal.Signals, code: int) -> None:
    with stop_on_signals() as stop:
        keeper = RunKeeper(run, TrainSettings(), stop)
        os.kill(os.getpid(), number)
        with pytest.raises(TrainingStoppedError, match=rf"{number.name} .*--resume --out {run.path}") as stopped:
            take_steps(keeper, session(), 1)
    assert stopped.value.exit_code == code
    assert kept(run) == [1]


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C have its usual effect: tests that were started in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_a_second_ctrl_c_has_its_usual_effect() -> None:
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.signal is signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_afterwards_signals_do_what_they_did() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stop_on_signals():
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] != before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_another_thread_may_train_too() -> None:
    seen: list[StopRequest] = []

    def work() -> None:
        with stop_on_signals() as stop:
            seen.append(stop)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen[0].signal is None
