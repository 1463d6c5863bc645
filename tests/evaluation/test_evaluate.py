"""A test of a run: its numbers and its files."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from kamerton.data.cubes.cube import open_cube
from kamerton.errors import UsageError
from kamerton.evaluation.evaluate import Evaluation, evaluate
from kamerton.evaluation.metrics import classification_metrics
from kamerton.inference.predictor import Predictor
from kamerton.runs.evaluation import read_metrics
from kamerton.runs.folder import Run, open_run
from kamerton.training.train import train
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube
from tests.evaluation.evaluated import COUNT, numbers, predictions


def test_the_result_folder_holds_numbers_predictions_and_pictures(found: Evaluation) -> None:
    assert (found.path.parent.name, found.path.name) == ("evaluation", "test")
    assert {path.name for path in found.path.iterdir()} == {
        "metrics.json", "predictions.parquet", "confusion.png", "mistakes.png", "reliability.png",
    }  # fmt: skip
    assert [path.name for path in found.path.parent.iterdir()] == ["test"]


def test_the_metrics_on_disk_are_those_returned(found: Evaluation) -> None:
    table = json.loads((found.path / "metrics.json").read_text(encoding="utf-8"))
    assert table == json.loads(json.dumps(found.metrics.as_json()))
    assert read_metrics(open_run(found.path.parents[1]), "test") == found.metrics


def test_the_metrics_name_the_run_the_cube_and_the_split_that_chose_the_weights(found: Evaluation, cube: Path) -> None:
    with open_cube(cube) as galaxies:
        assert found.metrics.fingerprint == galaxies.fingerprint()
    metrics = found.metrics
    assert (metrics.run, metrics.network, metrics.dataset) == ("toy", "lenet5", "test.fits")
    assert (metrics.galaxies, metrics.weights_chosen_by) == (COUNT, "last epoch")


def test_predictions_are_the_predictors_row_by_row(found: Evaluation, toy_run: Run, cube: Path) -> None:
    table = predictions(found)
    with open_cube(cube) as galaxies:
        wanted = Predictor(toy_run).probabilities(galaxies.read(slice(None)))
        assert list(table["id"]) == galaxies.ids
        np.testing.assert_array_equal(table["label"], galaxies.labels)
    np.testing.assert_allclose(table.iloc[:, 2:], wanted, rtol=1e-5, atol=1e-6)


def test_predictions_have_one_probability_a_class(found: Evaluation) -> None:
    table = predictions(found)
    assert list(table.columns) == ["id", "label", "p_bright", "p_dim", "p_striped"]
    assert {str(table[column].dtype) for column in table.columns[2:]} == {"float32"}


def test_the_metrics_follow_from_the_predictions(found: Evaluation) -> None:
    table = predictions(found)
    probabilities = table.iloc[:, 2:].to_numpy()
    wanted = classification_metrics(table["label"].to_numpy(), probabilities, CLASS_NAMES)
    plain = [dataclasses.replace(row, precision_interval=None, recall_interval=None) for row in found.metrics.per_class]
    assert numbers(dataclasses.replace(found.metrics, per_class=tuple(plain))) == numbers(wanted)


def test_shares_have_wilsons_intervals(found: Evaluation) -> None:
    counts, metrics = np.array(found.metrics.confusion_matrix), found.metrics
    assert metrics.intervals == "Wilson, 95%"
    cases = [(metrics.accuracy_interval, np.trace(counts), counts.sum())]
    for place, row in enumerate(metrics.per_class):
        cases.append((row.recall_interval, counts[place, place], counts[place].sum()))
        cases.append((row.precision_interval, counts[place, place], counts[:, place].sum()))
    for interval, right, count in cases:
        if count:
            wanted = stats.binomtest(int(right), int(count)).proportion_ci(method="wilson")
            assert interval == pytest.approx((wanted.low, wanted.high), abs=1e-12)
        else:
            assert interval is None


def test_an_unknown_column_is_answered_with_the_known(run: Run, cube: Path) -> None:
    with pytest.raises(UsageError, match=r"no column 'survey'.*Allowed: id, ra, dec, source"):
        evaluate(run, cube, by="survey")
    assert not (run.path / "evaluation").exists()


def test_a_run_is_taken_as_it_is_or_by_its_path(run: Run, cube: Path) -> None:
    assert evaluate(run, cube).metrics == evaluate(str(run.path), str(cube)).metrics


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's own peak")
def test_two_hundred_classes_take_less_than_a_gigabyte(tmp_path: Path) -> None:
    """What PyTorch and the pictures take is in it; a picture with numbers in its cells took 13 GB."""
    names = tuple(f"class {number}" for number in range(200))
    (tmp_path / "data").mkdir()
    for seed, name in enumerate(("train", "valid", "test")):
        images_nhwc, _ = toy_galaxies(400, 32, seed)
        write_cube(tmp_path / "data" / f"{name}.fits", images_nhwc, np.arange(400) % 200, names)
    train(tmp_path / "data", network="lenet5", epochs=1, out=tmp_path / "run")
    # Not by getrusage, whose maximum a process inherits from the one that started it, these tests.
    program = (
        "import re, sys, pathlib, kamerton; kamerton.evaluate(*sys.argv[1:]);"
        "print(re.search(r'VmHWM:\\s*(\\d+) kB', pathlib.Path('/proc/self/status').read_text())[1])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "run"), str(tmp_path / "data/test.fits")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(shown) * 1024 < 1e9
    with Image.open(tmp_path / "run/evaluation/test/confusion.png") as picture:
        assert max(picture.size) < 4000
