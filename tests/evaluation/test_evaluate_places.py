"""Where results are kept, and what they take the place of."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from kamerton.errors import KamertonWarning, OutputError, UsageError
from kamerton.evaluation.evaluate import evaluate
from kamerton.inference.predictor import Predictor
from kamerton.runs import evaluation as run_evaluation
from kamerton.runs.evaluation import dataset_name, evaluation_names, read_metrics
from kamerton.runs.folder import Run
from kamerton.runs.lock import locked
from tests.conftest import write_toy_cube
from tests.evaluation.evaluated import everything_in


def test_the_same_cube_may_be_evaluated_again(run: Run, cube: Path, tmp_path: Path) -> None:
    path = evaluate(run, cube).path
    (path / "metrics.json").write_text(json.dumps({**read_metrics(run, "test").as_json(), "accuracy": 0.0}))
    (tmp_path / "moved").mkdir()
    again = evaluate(run, shutil.copy(cube, tmp_path / "moved"))
    assert read_metrics(run, "test") == again.metrics
    assert [entry.name for entry in path.parent.iterdir()] == ["test"]


def test_results_made_otherwise_are_replaced_aloud(run: Run, cube: Path) -> None:
    first = evaluate(run, cube, eight_views=True).metrics
    said = rf"took the place.*8 views; accuracy {first.accuracy:.3f}, made 20.*--name"
    with pytest.warns(KamertonWarning, match=said):
        evaluate(run, cube)


def test_another_cube_of_the_same_name_is_refused(run: Run, cube: Path, tmp_path: Path) -> None:
    evaluate(run, cube)
    before = everything_in(run.path)
    other = write_toy_cube(tmp_path / "test.fits", 6, seed=8)
    with pytest.raises(OutputError, match=r"evaluation/test holds the results of another cube.*with --name"):
        evaluate(run, other)
    assert everything_in(run.path) == before


@pytest.mark.parametrize("name", ["second", "zażółć gęślą", "北", "x" * 200])
def test_results_of_another_cube_have_the_name_that_they_are_given(
    run: Run, cube: Path, tmp_path: Path, name: str
) -> None:
    evaluate(run, cube)
    found = evaluate(run, write_toy_cube(tmp_path / "test.fits", 6, seed=8), name=name)
    assert found.path == run.path / "evaluation" / name
    assert evaluation_names(run) == sorted(["test", name])
    assert read_metrics(run, name) == found.metrics
    with pytest.raises(OutputError, match="holds the results of another cube"):
        evaluate(run, cube, name=name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "../a", ".hidden", " a", "a\n", "a\0b", "ł" * 101, "x" * 201]
)
def test_a_name_of_results_that_is_no_plain_folder_is_refused(run: Run, cube: Path, name: str) -> None:
    with pytest.raises(UsageError, match="Bad value for name"):
        evaluate(run, cube, name=name)
    assert not (run.path / "evaluation").exists()


def test_cubes_of_other_names_lie_side_by_side(run: Run, cube: Path, tmp_path: Path) -> None:
    for name in ("field.1.fits", "field.2.fits", ".hidden.fits"):
        evaluate(run, shutil.copy(cube, tmp_path / name))
    assert evaluation_names(run) == [".hidden", "field.1", "field.2"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("test.fits", "test"), ("test.fits.gz", "test"), ("test.fits.fz", "test"), ("ngc.7331.fits", "ngc.7331"),
        (".test.fits", ".test"), (".fits", ".fits"), ("test", "test"),
    ],
)  # fmt: skip
def test_results_are_named_after_the_file(file: str, name: str) -> None:
    assert dataset_name(Path("some.folder") / file) == name


def test_a_failure_while_drawing_leaves_the_former_results_whole(
    run: Run, cube: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(run, cube)
    before = everything_in(run.path)

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_evaluation, "save_figure", fail)
    with pytest.raises(OutputError, match=r"evaluation/test cannot be written.*No space left"):
        evaluate(run, cube, by="source")
    assert everything_in(run.path) == before


def test_a_failure_while_drawing_leaves_nothing_of_new_results(
    run: Run, cube: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_evaluation, "save_figure", stop)
    before = everything_in(run.path)
    with pytest.raises(KeyboardInterrupt):
        evaluate(run, cube)
    assert everything_in(run.path) == before
    assert evaluation_names(run) == []


def test_a_place_that_cannot_be_written_is_a_clear_error(run: Run, cube: Path) -> None:
    (run.path / "evaluation").write_text("a file in the way")
    with pytest.raises(OutputError, match=r"evaluation/test cannot be written"):
        evaluate(run, cube)


def test_notes_among_the_results_are_not_lost(run: Run, cube: Path) -> None:
    place = evaluate(run, cube).path
    (place / "notes.md").write_text("mine")
    before = everything_in(run.path)
    with pytest.raises(OutputError, match=r"evaluation/test holds something that was not made here.*notes\.md"):
        evaluate(run, cube)
    assert everything_in(run.path) == before


def test_a_folder_without_metrics_is_replaced_only_where_all_in_it_is_ours(run: Run, cube: Path) -> None:
    place = run.evaluation_path("test")
    place.mkdir(parents=True)
    (place / "predictions.parquet").write_text("half, of a killed process")
    evaluate(run, cube)
    (place / "metrics.json").unlink()
    (place / "plates.tiff").write_text("mine")
    with pytest.raises(OutputError, match=r"plates\.tiff"):
        evaluate(run, cube)
    assert (place / "plates.tiff").read_text() == "mine"


@pytest.mark.parametrize("link", ["evaluation", "evaluation/test"])
def test_results_are_not_written_through_a_link(run: Run, cube: Path, tmp_path: Path, link: str) -> None:
    (tmp_path / "elsewhere" / "test").mkdir(parents=True)
    (tmp_path / "elsewhere" / "test" / "confusion.png").write_text("another run's")
    (run.path / link).parent.mkdir(exist_ok=True)
    target = tmp_path / "elsewhere" if link == "evaluation" else tmp_path / "elsewhere" / "test"
    (run.path / link).symlink_to(target)
    with pytest.raises(OutputError, match="link"):
        evaluate(run, cube)
    assert everything_in(tmp_path / "elsewhere") == {"test/confusion.png": b"another run's"}


def test_a_run_that_another_process_writes_is_refused(run: Run, cube: Path) -> None:
    with locked(run.path, "train"), pytest.raises(OutputError, match="train, process"):
        evaluate(run, cube)


def test_a_run_that_nobody_may_write_to_is_refused_before_any_galaxy_is_answered(
    run: Run, cube: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Predictor, "__init__", answer)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match=r"evaluation/test cannot be written.*Permission denied"):
        evaluate(run, cube)
