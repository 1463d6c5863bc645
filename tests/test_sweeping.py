"""A sweep ends with the same runs, whatever interrupted it and wherever it ran."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kamerton import sweeping
from kamerton.cli import main
from kamerton.errors import (
    CubeError,
    MissingExtraError,
    OutputError,
    RunError,
    TrainingStoppedError,
    UnknownNameError,
    UsageError,
)
from kamerton.evaluation.evaluate import Evaluation, evaluate
from kamerton.runs.evaluation import read_metrics
from kamerton.runs.folder import Run
from kamerton.sweeping import sweep
from kamerton.training.progress import Silent
from tests.conftest import write_toy_cube

OPTIONS: dict[str, Any] = {"networks": ["lenet5"], "seeds": [0, 1], "recipe": "modern", "epochs": 2, "batch_size": 8}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    for seed, (name, count) in enumerate({"train": 24, "valid": 9, "test": 9}.items()):
        write_toy_cube(folder / f"{name}.fits", count, 20, seed)
    return folder


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """The sweep that nothing interrupted."""
    return sweep(data, **OPTIONS, out=tmp_path_factory.mktemp("whole") / "runs")


def outcomes(runs: list[Run]) -> list[tuple[str, str, str, float]]:
    """What two equal sweeps share: the weights and histories to the bit, and the test's numbers."""
    found = []
    for run in runs:
        assert run.record.results is not None
        results = run.record.results
        found.append((run.name, results.weights, results.history, read_metrics(run, "test").log_loss))
    return found


@pytest.mark.parametrize("start", ["run", "file", "efficientnet_lite0.imagenet", "timm:resnet18.a1_in1k"])
def test_a_start_that_is_not_of_all_networks_is_refused_before_the_first_run(
    toy_run: Run, data: Path, tmp_path: Path, start: str
) -> None:
    shutil.copy(toy_run.weights_path, tmp_path / "w.safetensors")
    given = {"run": str(toy_run.path), "file": str(tmp_path / "w.safetensors")}.get(start, start)
    first = {"efficientnet_lite0.imagenet": "efficientnet_lite0"}.get(start, "lenet5")
    with pytest.raises(UsageError, match=r"weights of.* (resnet18|ResNet-18)"):
        sweep(data, networks=[first, "resnet18"], start=given, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_each_network_and_seed_has_a_tested_run_of_its_own(whole: list[Run]) -> None:
    assert [run.name for run in whole] == ["lenet5-seed0", "lenet5-seed1"]
    assert [run.record.seed for run in whole] == [0, 1]
    assert len({outcome[1] for outcome in outcomes(whole)}) == 2


class Interrupt(Silent):
    """Stops the second run in its second epoch."""

    runs = 0

    def __init__(self) -> None:
        Interrupt.runs += 1

    def begin_epoch(self, epoch: int, epochs: int, steps: int, done: int = 0) -> None:
        if Interrupt.runs == 2 and epoch == 1:
            raise KeyboardInterrupt


def test_an_interrupted_sweep_skips_what_is_done_and_resumes_the_rest(
    data: Path, whole: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        sweep(data, **OPTIONS, out=tmp_path / "runs", watcher_for=Interrupt)
    written = (tmp_path / "runs/lenet5-seed0/model.safetensors").stat().st_mtime_ns
    tested: list[str] = []

    def noted(run: Run, *rest: Any, **more: Any) -> Evaluation:
        tested.append(run.name)
        return evaluate(run, *rest, **more)

    monkeypatch.setattr(sweeping, "evaluate", noted)
    runs = sweep(data, **OPTIONS, out=tmp_path / "runs")
    assert outcomes(runs) == outcomes(whole)
    assert (tmp_path / "runs/lenet5-seed0/model.safetensors").stat().st_mtime_ns == written
    assert tested == ["lenet5-seed1"]


def test_a_broken_test_is_said_and_not_taken_for_done(data: Path, whole: list[Run], tmp_path: Path) -> None:
    shutil.copytree(whole[0].path.parent, tmp_path / "runs")
    metrics = tmp_path / "runs/lenet5-seed0/evaluation/test/metrics.json"
    metrics.write_text("{}")
    with pytest.raises(RunError, match=r"metrics\.json: galaxies: field required"):
        sweep(data, **OPTIONS, out=tmp_path / "runs")


def test_more_epochs_extend_every_run_and_test_it_anew(data: Path, tmp_path: Path) -> None:
    options = OPTIONS | {"seeds": [0]}
    first = outcomes(sweep(data, **options, out=tmp_path / "runs"))
    longer = sweep(data, **(options | {"epochs": 3}), out=tmp_path / "runs")
    assert len(longer[0].history()) == 3
    assert outcomes(longer) != first


def test_without_a_test_cube_the_runs_are_only_trained(data: Path, tmp_path: Path) -> None:
    for name in ("train", "valid"):
        (tmp_path / f"{name}.fits").write_bytes((data / f"{name}.fits").read_bytes())
    (run,) = sweep(tmp_path, **(OPTIONS | {"seeds": [4]}), out=tmp_path / "runs")
    assert not (run.path / "evaluation").exists()


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"networks": []}, UsageError, "each network once"),
        ({"networks": ["lenet5", "lenet5"]}, UsageError, "each network once"),
        ({"seeds": [1, 1]}, UsageError, "each seed once.*1, 1"),
        ({"networks": ["lenet5", "lenet6"]}, UnknownNameError, "lenet6"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_anything_is_trained(
    data: Path, tmp_path: Path, change: dict[str, Any], error: type[UsageError], says: str
) -> None:
    with pytest.raises(error, match=says):
        sweep(data, **(OPTIONS | change), out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_statistics_that_no_network_has_learned_are_refused_before_a_cube_is_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"norm_momentum keeps .* no learned weights .* --start"):
        sweep(tmp_path / "nowhere", networks="lenet5", recipe="finetune", out=tmp_path / "runs")


def test_a_place_that_cannot_be_written_is_one_line(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot be written.*Not a directory"):
        sweep(data, **OPTIONS, out=tmp_path / "file" / "runs")


def test_without_ray_the_extra_is_named(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="pip install ray"):
        sweep(data, **OPTIONS, out=tmp_path / "runs", ray=True)


def test_the_command_answers_a_program(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "sweep",
        data,
        "--networks",
        "lenet5",
        "--seeds",
        "0",
        "--epochs",
        "1",
        "--out",
        tmp_path / "runs",
        "--json",
    ]
    monkeypatch.setattr("sys.argv", ["kamerton", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out) == {
        "runs": [str(tmp_path / "runs/lenet5-seed0")],
        "warnings": [],
    }


# Side by side


@pytest.mark.parametrize("workers", [2, "auto"])
@pytest.mark.long
def test_side_by_side_they_have_the_bits_of_one_after_another_on_as_many_threads(
    data: Path, whole: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: Any
) -> None:
    threads = whole[0].record.threads
    assert threads is not None
    monkeypatch.setattr("torch.get_num_threads", lambda: 2 * threads)
    said: list[str] = []
    options = OPTIONS | {"networks": ["lenet5"], "seeds": [0, 1]}
    runs = sweep(data, **options, out=tmp_path / "runs", workers=workers, say=said.append)
    assert outcomes(runs) == outcomes(whole)
    assert said[0].startswith("2 runs, 2 side by side")
    assert sorted(said[1:]) == [f"done: {run.path}" for run in runs]


@pytest.mark.long
def test_every_run_begins_with_the_weights_that_are_named(
    data: Path, whole: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(whole[0].path.parent)
    options = OPTIONS | {"seeds": [0, 1], "recipe": "notebook", "epochs": 1}
    started = sweep(data, **options, out=tmp_path / "runs", start=whole[0].name, workers=2)
    assert [run.record.start and run.record.start.name for run in started] == [whole[0].name] * 2
    assert len({outcome[1] for outcome in outcomes(started)}) == 2, "the order of the images is another"


def test_a_run_that_fails_beside_others_is_the_same_one_line(tmp_path: Path) -> None:
    with pytest.raises(CubeError, match=r"train\.fits: cannot be opened") as caught:
        sweep(tmp_path, **OPTIONS, out=tmp_path / "runs", workers=2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("workers", [0, -1, "all", 1.5, True])
def test_workers_are_auto_or_a_number(data: Path, tmp_path: Path, workers: Any) -> None:
    with pytest.raises(UsageError, match="Bad value for workers"):
        sweep(data, **OPTIONS, out=tmp_path / "runs", workers=workers)


def test_a_cluster_counts_its_own_workers(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Bad value for workers.*ray"):
        sweep(data, **OPTIONS, out=tmp_path / "runs", workers=2, ray=True)


# On a cluster of two workers


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two worker processes on this machine, a processor each."""
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.usefixtures("cluster")
def test_two_workers_give_the_same_bits(
    data: Path, whole: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    runs = sweep(data, **OPTIONS, out="runs", ray=True, say=said.append)
    assert outcomes(runs) == outcomes(whole)
    assert said[0].startswith("2 runs on 2 CPUs")
    assert len(said) == 3


@pytest.mark.usefixtures("cluster")
def test_an_error_of_a_worker_is_the_same_one_line(tmp_path: Path) -> None:
    with pytest.raises(CubeError, match=r"train\.fits: cannot be opened") as caught:
        sweep(tmp_path, **OPTIONS, out=tmp_path / "runs", ray=True)
    assert "\n" not in str(caught.value)


def test_a_stop_names_what_goes_on_with_the_sweep(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(*_: Any, **more: Any) -> Run:
        raise TrainingStoppedError(signal.SIGTERM, "in epoch 1 of 2", more["out"])

    monkeypatch.setattr(sweeping, "train", stops)
    with pytest.raises(
        TrainingStoppedError, match=r"in lenet5-seed0, in epoch 1 of 2.*give the same sweep again"
    ) as told:
        sweep(data, **OPTIONS, out=tmp_path / "runs")
    assert "--resume" not in str(told.value)
    assert told.value.exit_code == 128 + 15
