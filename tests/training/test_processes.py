"""Several processes learn together what one would learn alone, and go on where they were."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamerton.runs.folder import Run, open_run
from kamerton.training.processes import Processes
from kamerton.training.train import train
from kamerton.verification import verify
from tests.conftest import write_toy_cube
from tests.forked import Forked

STEPS = 20
FEW_STEPS = 8
"""Of a network that is a hundred times as much work."""


def notebook(steps: int) -> tuple[object, ...]:
    return "--recipe", "notebook", "--epochs", steps


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One batch an epoch, so that the history has a row a step."""
    return write_one_batch(tmp_path_factory.mktemp("together"), 32)


def write_one_batch(folder: Path, images: int) -> Path:
    write_toy_cube(folder / "train.fits", images, 36, seed=0)
    write_toy_cube(folder / "valid.fits", 9, 36, seed=1)
    return folder


def words_of(given: Iterable[object]) -> list[str]:
    return ["train", *map(str, given)]


def torchrun(processes: int, *words: object) -> subprocess.CompletedProcess[str]:
    """Train as a user would begin it; each process imports PyTorch anew."""
    begin = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.run(
        [*begin, "-m", "--", "kamerton", *words_of(words)], capture_output=True, text=True, check=False
    )


def begin_together(folder: Path, processes: int, *words: object) -> list[Forked]:
    """Begin processes with the environment that torchrun gives them, forked from one that has PyTorch."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [
        Forked(words_of(words), folder / f"process{rank}", {"RANK": str(rank), "LOCAL_RANK": str(rank), **common})
        for rank in range(processes)
    ]


def together(folder: Path, processes: int, *words: object) -> list[Forked]:
    """Let processes train to their end."""
    begun = begin_together(folder, processes, *words)
    for process in begun:
        process.wait()
    return begun


def require_good(done: list[Forked]) -> None:
    assert not any(process.poll() for process in done), [process.stderr for process in done]


def difference(one: Run, other: Run) -> float:
    """Largest difference of a loss in the two histories."""
    ours, theirs = (run.history()[["loss", "val_loss"]].to_numpy() for run in (one, other))
    assert ours.shape == theirs.shape == (STEPS, 2)
    return float(np.abs(ours - theirs).max())


@pytest.mark.long
def test_two_processes_have_the_losses_of_one_for_twenty_steps(data: Path, tmp_path: Path) -> None:
    """A network without batch statistics; the issue's own bound."""
    alone = train(data, network="lenet5", recipe="notebook", epochs=STEPS, out=tmp_path / "alone")
    done = torchrun(2, data, "--network", "lenet5", *notebook(STEPS), "--out", tmp_path / "two")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("run: ") == 1, "only the first process speaks"
    run = open_run(tmp_path / "two")
    assert difference(alone, run) < 1e-5
    assert run.record.processes == 2
    assert verify(run).sound


@pytest.mark.long
def test_processes_begin_together_from_learned_weights(data: Path, tmp_path: Path) -> None:
    """Without the guide's ``--`` torchrun takes ``--start`` for its own."""
    before = train(data, network="lenet5", recipe="notebook", epochs=1, out=tmp_path / "before")
    words = ["--network", "lenet5", *notebook(STEPS), "--start", before.path, "--out"]
    alone = train(data, network="lenet5", recipe="notebook", epochs=STEPS, start=before, out=tmp_path / "alone")
    done = torchrun(2, data, *words, tmp_path / "two")
    assert done.returncode == 0, done.stderr
    assert difference(alone, open_run(tmp_path / "two")) < 1e-5


@pytest.mark.long
def test_batch_normalisation_looks_at_the_batch_of_all_processes(tmp_path: Path) -> None:
    """The first step's loss is that of one process; later ones drift apart as the last digits do."""
    (tmp_path / "data").mkdir()
    data = write_one_batch(tmp_path / "data", 12)
    alone = train(data, network="p4m_resnet", recipe="notebook", epochs=FEW_STEPS, out=tmp_path / "alone")
    require_good(
        together(tmp_path, 2, data, "--network", "p4m_resnet", *notebook(FEW_STEPS), "--out", tmp_path / "two")
    )
    ours, theirs = (run.history()["loss"].to_numpy() for run in (alone, open_run(tmp_path / "two")))
    assert abs(ours[0] - theirs[0]) < 1e-5
    np.testing.assert_allclose(theirs, ours, rtol=0.02, atol=1e-3)


@pytest.mark.long
def test_three_processes_that_were_killed_end_with_the_same_bits(data: Path, tmp_path: Path) -> None:
    """Also where the last batch has fewer images than there are processes: 32 = 15 + 15 + 2."""
    words = (data, "--network", "lenet5", "--epochs", 2, "--batch-size", 15, "--checkpoint-steps", 1)
    require_good(together(tmp_path / "first", 3, *words, "--out", tmp_path / "whole"))
    killed = tmp_path / "killed"
    begun = begin_together(tmp_path / "second", 3, *words, "--out", killed)
    deadline = time.monotonic() + 120
    while not list(killed.glob("checkpoint/000000-*.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    for process in begun:
        process.send_signal(signal.SIGKILL)
    for process in begun:
        process.wait()
    assert open_run(killed).record.results is None, "killed on its way"
    require_good(together(tmp_path / "third", 3, *words, "--out", killed, "--resume"))
    one, other = open_run(tmp_path / "whole"), open_run(killed)
    assert one.weights_path.read_bytes() == other.weights_path.read_bytes()
    assert one.history_sha256() == other.history_sha256()


@pytest.mark.long
def test_a_run_does_not_go_on_with_another_number_of_processes(data: Path, tmp_path: Path) -> None:
    train(data, network="lenet5", epochs=1, out=tmp_path / "run")
    words = (data, "--network", "lenet5", "--epochs", 2, "--out", tmp_path / "run", "--resume")
    done = together(tmp_path, 2, *words)
    assert all(process.poll() for process in done)
    assert "processes 2, was 1" in done[0].stderr


@pytest.mark.long
def test_several_processes_need_a_name_for_their_run(data: Path, tmp_path: Path) -> None:
    done = together(tmp_path, 2, data, "--network", "lenet5")
    assert all(process.poll() for process in done)
    assert "name it with --out" in done[0].stderr


@given(images=st.integers(1, 100), count=st.integers(1, 9))
def test_the_parts_of_a_batch_hold_each_image_once_and_weigh_as_one(images: int, count: int) -> None:
    rows = np.arange(1000, 1000 + images)
    parts = [Processes(rank, count).part_of(rows) for rank in range(count)]
    counted = [part.rows[: part.counted] for part in parts]
    np.testing.assert_array_equal(np.concatenate(counted), rows)
    assert all(len(part.rows) >= 1 for part in parts), "every process takes every step"
    assert sum(Processes(0, count).weight(part) for part in parts) == pytest.approx(count)
    assert max(map(len, counted)) - min(map(len, counted)) <= 1


@given(images=st.integers(1, 100), count=st.integers(1, 9))
def test_a_share_tells_where_in_the_batch_its_rows_are(images: int, count: int) -> None:
    rows = np.arange(images)
    for rank in range(count):
        part = Processes(rank, count).part_of(rows)
        np.testing.assert_array_equal(rows[part.share], part.rows)
