"""What runs predicted for the same galaxies, read together."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamerton.errors import RunError, UsageError
from kamerton.evaluation.compare import compare
from kamerton.evaluation.results import read_all_predictions
from kamerton.runs.folder import Run, open_run
from tests.conftest import CLASS_NAMES
from tests.evaluation.changing import change_metrics
from tests.evaluation.compared import RESAMPLES


def test_results_that_were_changed_since_the_test_are_refused(swept: Path, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(swept / "runs/lenet5-seed0", tmp_path / "run"))
    change_metrics(run, fingerprint="0" * 64)
    with pytest.raises(RunError, match=r"changed since the test.*Next: test it again: `kamerton evaluate"):
        read_all_predictions([run])


def test_classes_in_another_order_are_put_in_the_first_runs(copies: list[Run]) -> None:
    one, two = copies[0], copies[2]
    before = read_all_predictions([one, two])[1]
    place = two.evaluation_path("test") / "predictions.parquet"
    order = (2, 0, 1)
    table = pd.read_parquet(place)
    table["label"] = [order.index(label) for label in table["label"]]
    table.to_parquet(place)
    two.update(dataclasses.replace(two.record, class_names=tuple(CLASS_NAMES[place] for place in order)))
    after = read_all_predictions([one, two])[1]
    np.testing.assert_array_equal(after.labels, before.labels)
    np.testing.assert_array_equal(after.probabilities, before.probabilities)


def test_other_galaxies_are_refused(copies: list[Run]) -> None:
    change_metrics(copies[2], fingerprint="0" * 64)
    with pytest.raises(UsageError, match=r"were tested on other galaxies.*evaluate both on one cube"):
        compare(copies)


def test_other_classes_are_refused(copies: list[Run]) -> None:
    record = dataclasses.replace(copies[2].record, class_names=("a", "b", "c"))
    assert record.results is not None
    ended = record.results
    copies[2].update(record.with_results(ended.weights, ended.history, ended.galaxies, ended.epoch))
    with pytest.raises(UsageError, match=f"learned other classes than {copies[0].name}"):
        compare([run.path for run in copies])


def test_runs_that_share_no_test_are_refused(copies: list[Run]) -> None:
    (copies[0].path / "evaluation/test").rename(copies[0].path / "evaluation/other")
    with pytest.raises(UsageError, match=r"share no test.*lenet5-seed0"):
        compare(copies)


def test_of_several_shared_tests_one_is_named(copies: list[Run]) -> None:
    for run in copies:
        (run.path / "evaluation/test").rename(run.path / "evaluation/north")
        (run.path / "evaluation/north").parent.joinpath("south").mkdir()
        for path in (run.path / "evaluation/north").iterdir():
            (run.path / "evaluation/south" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(UsageError, match="--dataset with one of north, south"):
        compare(copies)
    assert compare(copies, dataset="south", resamples=RESAMPLES).galaxies == 40


def test_results_are_named_as_they_were_and_by_their_cube(copies: list[Run]) -> None:
    usual = compare(copies, resamples=RESAMPLES)
    for run in copies:
        shutil.copytree(run.evaluation_path("test"), run.evaluation_path("noc późna"))
    named = compare(copies, dataset="noc późna", resamples=RESAMPLES)
    assert (usual.tested_on, named.tested_on) == ("test.fits", "noc późna (test.fits)")
    assert repr(named).startswith("Comparison(noc późna (test.fits), 40 galaxies")
    assert "noc późna (test.fits), 40 galaxies" in named._repr_html_()
    assert (named.as_json()["name"], named.as_json()["dataset"]) == ("noc późna", "test.fits")


def test_broken_predictions_are_one_line(copies: list[Run]) -> None:
    (copies[0].evaluation_path("test") / "predictions.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"predictions\.parquet: cannot be read"):
        compare(copies)
