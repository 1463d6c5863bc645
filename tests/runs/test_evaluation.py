"""Results come back as they were written, and what lies is one line that names the file and the field."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from kamerton.cli import main
from kamerton.errors import RunError, UsageError
from kamerton.evaluation.evaluate import evaluate
from kamerton.evaluation.results import read_all_predictions
from kamerton.runs.evaluation import METRICS_BYTES, evaluation_names, read_metrics, read_predictions, write_evaluation
from kamerton.runs.folder import Run, create_run, open_run
from tests.dying import DEATH, KilledError

GALAXIES = 25


@pytest.fixture(scope="module")
def evaluated(toy_run: Run, toy_splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A copy of the toy run with results on ``test``; do not change it."""
    path = tmp_path_factory.mktemp("evaluated") / "toy"
    shutil.copytree(toy_run.path, path)
    evaluate(path, toy_splits / "test.fits", by="source")
    return open_run(path)


@pytest.fixture
def run(evaluated: Run, tmp_path: Path) -> Run:
    """A copy of it, to be spoilt."""
    shutil.copytree(evaluated.path, tmp_path / "run")
    return open_run(tmp_path / "run")


def metrics_path(run: Run) -> Path:
    return run.evaluation_path("test") / "metrics.json"


def predictions_path(run: Run) -> Path:
    return run.evaluation_path("test") / "predictions.parquet"


def edit(run: Run, change: Callable[[dict[str, Any]], object]) -> None:
    table = json.loads(metrics_path(run).read_text(encoding="utf-8"))
    change(table)
    metrics_path(run).write_text(json.dumps(table), encoding="utf-8")


def test_what_is_written_comes_back(evaluated: Run, tmp_path: Path) -> None:
    metrics = read_metrics(evaluated, "test")
    predictions = read_predictions(evaluated, "test", GALAXIES)
    other = create_run(tmp_path / "run", evaluated.record)
    write_evaluation(other, "again", metrics, dataclasses.replace(predictions, groups=("a",) * GALAXIES), {})
    assert evaluation_names(other) == ["again"]
    assert read_metrics(other, "again") == metrics
    again = read_predictions(other, "again", GALAXIES)
    assert (again.ids, again.groups) == (predictions.ids, ("a",) * GALAXIES)
    np.testing.assert_array_equal(again.labels, predictions.labels)
    np.testing.assert_array_equal(again.probabilities, predictions.probabilities)


@pytest.mark.parametrize("is_new", [True, False])
def test_an_evaluation_killed_at_any_operation_leaves_results_whole_or_none(
    evaluated: Run, tmp_path: Path, is_new: bool
) -> None:
    """And then it can be given again, and nothing is left of the first."""
    metrics, predictions = read_metrics(evaluated, "test"), read_predictions(evaluated, "test", GALAXIES)
    older = dataclasses.replace(metrics, views=8)
    operations, killed = 0, True
    while killed:
        run = create_run(tmp_path / str(operations), evaluated.record)
        if not is_new:
            write_evaluation(run, "test", older, predictions, {})
        try:
            with DEATH.after(operations, run.path):
                write_evaluation(run, "test", metrics, predictions, {})
        except KilledError:
            pass
        killed = DEATH.came
        for name in evaluation_names(run):
            assert name == "test"
            assert read_metrics(run, name) in (older, metrics)
            read_predictions(run, name, GALAXIES)
        write_evaluation(run, "test", metrics, predictions, {})
        assert read_metrics(run, "test") == metrics
        left = {path.name for path in (run.path / "evaluation").rglob("*")}
        assert left == {"test", "metrics.json", "predictions.parquet"}, f"after {operations} operations"
        operations += 1
    assert operations > 5


def test_an_unfinished_evaluation_is_not_listed(run: Run) -> None:
    metrics_path(run).unlink()
    left = run.path / "evaluation" / ".test-0123abcd.partial"
    left.mkdir()
    (left / "metrics.json").write_text("{}")
    assert evaluation_names(run) == []


def test_results_of_other_weights_are_refused_with_the_command_that_renews_them(run: Run) -> None:
    """As after the training was extended."""
    assert run.record.results is not None
    run.update(dataclasses.replace(run.record, results=dataclasses.replace(run.record.results, weights="0" * 64)))
    with pytest.raises(UsageError, match=r"results on test are of other weights.*`kamerton evaluate .*test\.fits`"):
        read_all_predictions([run])


def test_results_with_a_name_of_their_own_are_renewed_under_it(run: Run) -> None:
    (run.path / "evaluation" / "test").rename(run.path / "evaluation" / "pole 2")
    assert run.record.results is not None
    run.update(dataclasses.replace(run.record, results=dataclasses.replace(run.record.results, weights="0" * 64)))
    with pytest.raises(UsageError, match=r"`kamerton evaluate .*test\.fits --name='pole 2'`"):
        read_all_predictions([run])


def test_the_command_that_renews_results_can_be_pasted(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-nr 2's").mkdir()
    shutil.copytree(run.path, "-nr 2's/run")
    moved = open_run(Path("-nr 2's/run"))
    assert moved.record.results is not None
    moved.update(dataclasses.replace(moved.record, results=dataclasses.replace(moved.record.results, weights="0" * 64)))
    with pytest.raises(UsageError) as refused:
        read_all_predictions([moved])
    words = shlex.split(str(refused.value).split("`")[1])
    assert words[:2] == ["kamerton", "evaluate"]
    assert Path(words[2]).samefile(moved.path)
    assert not words[2].startswith("-")


def test_missing_metrics_are_answered_with_those_that_exist(run: Run) -> None:
    with pytest.raises(RunError, match=r"valid/metrics\.json: cannot be read.*Allowed: test\. Next: evaluate the run"):
        read_metrics(run, "valid")


NAN, INFINITY = float("nan"), float("inf")
METRICS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "nothing": (lambda table: table.clear(), "galaxies: field required"),
    "no accuracy": (lambda table: table.pop("accuracy"), "accuracy: field required"),
    "a field of its own": (lambda table: table.update(verdict={}), "verdict: "),
    "text for a number": (lambda table: table.update(accuracy="0.9"), "accuracy: "),
    "truth for a number": (lambda table: table.update(accuracy=True), "accuracy: "),
    "NaN": (lambda table: table.update(macro_f1=NAN), "macro_f1: "),
    "infinity": (lambda table: table.update(log_loss=INFINITY), "log_loss: "),
    "more than all": (lambda table: table.update(accuracy=1.5), "accuracy: .*less than or equal to 1"),
    "galaxies below none": (lambda table: table.update(galaxies=-1), "galaxies: "),
    "other galaxies": (lambda table: table.update(galaxies=7), "confusion_matrix: other galaxies .* 25 in the matrix"),
    "a matrix of two rows": (lambda table: table["confusion_matrix"].pop(), "confusion_matrix: another size"),
    "a ragged matrix": (lambda table: table["confusion_matrix"][1].pop(), "confusion_matrix: another size"),
    "halves in the matrix": (lambda table: table["confusion_matrix"][1].__setitem__(0, 0.5), "confusion_matrix.1.0: "),
    "another class": (lambda table: table["per_class"][1].update(recall="high"), "per_class.1.recall: "),
    "fewer classes": (
        lambda table: table.update(per_class=table["per_class"][:1], confusion_matrix=[[GALAXIES]]),
        "per_class: other classes than the run's",
    ),
    "leakage denied": (lambda table: table["leakage"].update(seen={"train": 3}), "leakage.status: does not follow"),
    "another word": (lambda table: table.update(weights_chosen_by="test"), "weights_chosen_by: "),
    "five views": (lambda table: table.update(views=5), "views: "),
    "a group of text": (lambda table: table["by"]["groups"].update(north="x"), "by.groups.north: "),
}


def refused(run: Run) -> str:
    with pytest.raises(RunError) as caught:
        read_all_predictions([run], "test")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1500
    return str(caught.value)


@pytest.mark.parametrize("what", METRICS)
def test_metrics_that_lie_are_refused_by_file_and_field(run: Run, what: str) -> None:
    change, says = METRICS[what]
    edit(run, change)
    said = refused(run)
    assert said.startswith(f"{metrics_path(run)}: ")
    assert re.search(says, said), said


@pytest.mark.parametrize("content", ["[]", "3", '[["accuracy", 1]]', "[" * 100_000, " " * (METRICS_BYTES + 1), "\xff"])
def test_metrics_of_any_text_are_refused(run: Run, content: str) -> None:
    metrics_path(run).write_text(content, encoding="latin-1")
    assert refused(run).startswith(f"{metrics_path(run)}: ")


def change_column(name: str, values: Any) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.column_names.index(name), name, pa.array(values))


def set_first(name: str, value: float) -> Callable[[pa.Table], pa.Table]:
    return lambda table: change_column(name, [value, *table[name].to_pylist()[1:]])(table)


PREDICTIONS: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
    "one row less": (lambda table: table.slice(1), "24 rows instead of 25"),
    "twice as many": (lambda table: pa.concat_tables([table, table]), "50 rows instead of 25"),
    "no ids": (lambda table: table.drop_columns("id"), "id: no column"),
    "no class": (lambda table: table.drop_columns("p_dim"), "p_dim: no column"),
    "a class twice": (lambda table: table.append_column("p_dim", table["p_dim"]), "p_dim: no column"),
    "NaN": (set_first("p_dim", NAN), "probabilities: out of range.*row 0"),
    "infinity": (set_first("p_dim", INFINITY), "probabilities: out of range.*row 0"),
    "below none": (set_first("p_dim", -0.5), "probabilities: out of range.*row 0"),
    "more than one in all": (change_column("p_dim", np.full(GALAXIES, 0.9)), "probabilities: out of range"),
    "a label too high": (change_column("label", [3] * GALAXIES), "label: out of range.*0 to 2"),
    "a label below none": (change_column("label", [-1] * GALAXIES), "label: out of range"),
    "a huge label": (change_column("label", np.full(GALAXIES, 2**64 - 1, np.uint64)), "label: out of range"),
    "labels of text": (change_column("label", ["a"] * GALAXIES), "label: no column of this name, or not of the type"),
    "ids of numbers": (change_column("id", [1] * GALAXIES), "id: no column of this name, or not of the type"),
    "no id": (change_column("id", ["a"] * (GALAXIES - 1) + [None]), "id: some rows are empty"),
    "groups of numbers": (lambda table: table.append_column("group", pa.array([1] * GALAXIES)), "group: no column"),
}


@pytest.mark.parametrize("what", PREDICTIONS)
def test_predictions_that_lie_are_refused_by_file_and_column(run: Run, what: str) -> None:
    change, says = PREDICTIONS[what]
    parquet.write_table(change(parquet.read_table(predictions_path(run))), predictions_path(run))
    said = refused(run)
    assert said.startswith(f"{predictions_path(run)}: ")
    assert re.search(says, said), said


def test_a_file_that_promises_millions_of_rows_is_refused(run: Run) -> None:
    rows = 5_000_000
    table = parquet.read_table(predictions_path(run)).slice(0, 1).take([0] * rows)
    parquet.write_table(table, predictions_path(run))
    with pytest.raises(RunError, match=f"{rows} rows"):
        read_predictions(run, "test", rows)


@pytest.mark.parametrize("content", [None, b"", b"PAR1", b"PAR1" * 100])
def test_predictions_that_are_no_parquet_are_refused(run: Run, content: bytes | None) -> None:
    predictions_path(run).unlink()
    if content is not None:
        predictions_path(run).write_bytes(content)
    assert refused(run).startswith(f"{predictions_path(run)}: cannot be read")


def test_results_of_before_the_intervals_are_read(run: Run) -> None:
    table = json.loads(metrics_path(run).read_text())
    for place in (table, *table["per_class"], *table["by"]["groups"].values()):
        for name in [name for name in place if "interval" in name]:
            del place[name]
    metrics_path(run).write_text(json.dumps(table))
    found = read_metrics(run, "test")
    assert (found.intervals, found.accuracy_interval, found.per_class[0].recall_interval) == (None, None, None)
    assert found.accuracy == table["accuracy"]


# The commands


@pytest.fixture
def commands(run: Run, toy_splits: Path, tmp_path: Path) -> dict[str, list[str]]:
    return {
        "compare": ["compare", str(run.path)],
        "report": ["report", str(run.path), "--out", str(tmp_path / "a.html")],
        "evaluate": ["evaluate", str(run.path), str(toy_splits / "test.fits")],
    }


@pytest.mark.parametrize("command", ["compare", "report", "evaluate"])
def test_every_command_answers_empty_metrics_in_one_line(
    commands: dict[str, list[str]],
    run: Run,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    metrics_path(run).write_text("{}")
    monkeypatch.setattr(sys, "argv", ["kamerton", *commands[command]])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr().err
    assert left.value.code == 1
    assert said.count("\n") == 1
    assert "metrics.json: galaxies: field required" in said
    assert f"move {run.evaluation_path('test')} away and evaluate the run again" in said
