"""Several runs, tested as one: the mean of what they say, with the cost of all."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from kamerton.config.judging import CompareSettings
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import CubeError, OutputError, UsageError
from kamerton.evaluation import evaluate as evaluation
from kamerton.evaluation.comparing import compare_predictions
from kamerton.evaluation.cost import cost_of
from kamerton.evaluation.evaluate import Evaluation, evaluate
from kamerton.evaluation.leakage import check_leakage
from kamerton.evaluation.results import read_all_predictions
from kamerton.evaluation.tables import print_metrics
from kamerton.runs.ensembles import find_members
from kamerton.runs.evaluation import read_metrics
from kamerton.runs.folder import Run, open_run
from tests.conftest import toy_galaxies, write_cube
from tests.evaluation.compared import RESAMPLES
from tests.evaluation.evaluated import everything_in


@pytest.fixture
def folder(ensemble: Run, tmp_path: Path) -> Path:
    """A copy of the ensemble, ``both``, and its members beside it, to be changed."""
    return Path(shutil.copytree(ensemble.path.parent, tmp_path / "runs"))


def table_of(run: Path, name: str = "test") -> pd.DataFrame:
    return pd.read_parquet(run / "evaluation" / name / "predictions.parquet")


def test_probabilities_are_the_mean_of_the_members_own_to_the_bit(ensemble: Run) -> None:
    both, *members = (table_of(ensemble.path.parent / name) for name in ("both", "other", "toy"))
    columns = ["p_bright", "p_dim", "p_striped"]
    wanted = np.mean([table[columns].to_numpy() for table in members], axis=0)
    assert wanted.dtype == np.float32
    np.testing.assert_array_equal(both[columns].to_numpy(), wanted)
    assert not np.array_equal(wanted, members[0][columns])
    assert both[["id", "label"]].equals(members[0][["id", "label"]])


def test_each_member_keeps_its_own_test_and_the_ensemble_its_seal(ensemble: Run) -> None:
    metrics = read_metrics(ensemble, "test")
    tests = [read_metrics(run, "test") for run in find_members(ensemble)]
    assert [one.seal for one in metrics.averaged] == [one.seal for one in tests]
    assert [one.accuracy for one in metrics.averaged] == [one.accuracy for one in tests]
    assert metrics.fingerprint == tests[0].fingerprint
    assert (metrics.network, metrics.views, metrics.precision) == ("ensemble", 1, "float32")
    assert {path.name for path in ensemble.evaluation_path("test").iterdir()} == {
        path.name for path in find_members(ensemble)[0].evaluation_path("test").iterdir()
    }


def test_tests_that_members_hold_already_are_not_made_again(folder: Path, toy_splits: Path) -> None:
    before = {name: everything_in(folder / name) for name in ("other", "toy")}
    said = table_of(folder / "both")
    found = evaluate([folder / "other", folder / "toy"], toy_splits / "test.fits", out=folder / "both")
    assert found.path == folder / "both/evaluation/test"
    assert {name: everything_in(folder / name) for name in before} == before
    assert table_of(folder / "both").equals(said)


def test_it_is_tested_on_another_cube_by_its_own_name(folder: Path, toy_splits: Path) -> None:
    found = evaluate(folder / "both", toy_splits / "valid.fits", by="source")
    assert found.metrics.leakage.seen == {"train": 0, "valid": 20}
    assert found.metrics.by is not None
    for member in ("other", "toy"):
        assert read_metrics(open_run(folder / member), "valid").by is None
    assert "NOT A TEST" in found.warnings[0]


def test_by_default_it_lies_beside_the_first_run(folder: Path, toy_splits: Path) -> None:
    shutil.rmtree(folder / "both")
    found = evaluate([folder / "toy", folder / "other"], toy_splits / "test.fits")
    assert found.path == (folder / "other+toy/evaluation/test").resolve()


def test_what_one_member_has_seen_the_ensemble_has_seen(
    toy_run: Run, swept: Path, toy_splits: Path, ensemble: Run
) -> None:
    apart = open_run(swept / "runs/lenet5-seed0")
    with open_cube(toy_splits / "train.fits") as cube:
        # The cube of 36 galaxies, of 33 pixels, that the other one learned from holds none of these.
        alone, together, known = (check_leakage(runs, cube) for runs in (apart, [apart, toy_run], toy_run))
        twice = check_leakage(find_members(ensemble), cube)
    assert (alone.seen or {})["train"] == 0
    assert together.seen == known.seen == {"train": 70, "valid": 0}
    assert together.status == "found"
    assert twice == known, "what both have seen counts once"


def test_where_nobody_knows_what_a_member_has_seen_the_leakage_is_not_known(toy_run: Run, toy_splits: Path) -> None:
    foreign = Run(toy_run.path, toy_run.record)
    foreign.record = type(toy_run.record)(**(vars(toy_run.record) | {"data": {}}))
    with open_cube(toy_splits / "test.fits") as cube:
        assert check_leakage([toy_run, foreign], cube).status == "unknown"
        assert check_leakage([foreign], cube).seen is None
    with open_cube(toy_splits / "valid.fits") as cube:
        assert check_leakage([toy_run, foreign], cube).status == "found"


def test_it_costs_what_its_members_cost_together(ensemble: Run) -> None:
    cost, costs = cost_of([ensemble]), [cost_of([run]) for run in find_members(ensemble)]
    for name in ("parameters", "flops_an_image", "training_seconds", "weights_bytes"):
        assert getattr(cost, name) == sum(getattr(one, name) for one in costs) > 0, name
    assert cost.peak_memory_bytes == max(one.peak_memory_bytes or 0 for one in costs)
    assert cost.images_a_second is None


def test_it_stands_beside_single_networks(ensemble: Run) -> None:
    runs = [ensemble, *find_members(ensemble)]
    found = compare_predictions(read_all_predictions(runs), CompareSettings(resamples=RESAMPLES))
    both = next(one for one in found.networks if one.predictions[0].run.record.members)
    assert both.name == "LeNet-5 (ensemble of 2)"
    assert len(found.networks) == 3
    assert both.metrics["accuracy"].value == read_metrics(ensemble, "test").accuracy
    assert any("LeNet-5 (ensemble of 2): accuracy" in line and "one ensemble" in line for line in found.describe())
    table = next(one for one in found.as_json()["networks"] if one["name"] == both.name)
    assert json.loads(json.dumps(table["differs_in"])) == {"ensemble": 2}
    assert table["cost"]["parameters"] == ensemble.record.parameters


def test_two_ensembles_are_told_apart_by_their_folders(ensemble: Run, folder: Path) -> None:
    (folder / "both").rename(folder / "twice")
    runs = [ensemble, open_run(folder / "twice")]
    found = compare_predictions(read_all_predictions(runs), CompareSettings(resamples=RESAMPLES))
    names = [one.name for one in found.networks]
    assert [name.split(", ")[1].split()[0] for name in names] == ["both", "twice"]


def test_the_terminal_names_members_and_cost(ensemble: Run) -> None:
    found = Evaluation(ensemble.evaluation_path("test"), read_metrics(ensemble, "test"))
    text = io.StringIO()
    print_metrics(found, Console(file=text, width=300))
    assert (
        "mean of the probabilities of 2 networks, as each gives them, not calibrated; accuracy of each alone"
        in text.getvalue()
    )
    assert f"cost of all: {ensemble.record.parameters:,} parameters, " in text.getvalue()


def test_a_member_that_was_asked_otherwise_is_named(folder: Path, toy_splits: Path) -> None:
    with pytest.raises(
        OutputError, match=r"other/evaluation/test: tested otherwise.*1 view in float32\. Allowed: 8 views"
    ):
        evaluate(folder / "both", toy_splits / "test.fits", eight_views=True)
    apart = evaluate(folder / "both", toy_splits / "test.fits", eight_views=True, name="eight")
    assert apart.metrics.views == 8
    assert read_metrics(open_run(folder / "toy"), "test").views == 1
    assert read_metrics(open_run(folder / "toy"), "eight").views == 8


def test_one_run_makes_no_ensemble(folder: Path, toy_splits: Path) -> None:
    for runs in ([folder / "toy"], folder / "toy"):
        with pytest.raises(UsageError, match="two runs or more"):
            evaluate(runs, toy_splits / "test.fits", out=folder / "new")
    with pytest.raises(UsageError, match="no run"):
        evaluate([], toy_splits / "test.fits")
    with pytest.raises(UsageError, match=r"other is a run folder.* Received: 2 runs and no cube"):
        evaluate(folder / "toy", folder / "other")
    assert not (folder / "new").exists()


def test_of_a_cube_that_cannot_be_tested_on_nothing_is_left(folder: Path, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 32, 3)
    cube = write_cube(tmp_path / "other.fits", images_nhwc, labels, ("spiral", "round", "edge"))
    before = everything_in(folder)
    with pytest.raises(CubeError, match="classes differ"):
        evaluate([folder / "toy", folder / "other"], cube, out=folder / "new/deep")
    assert everything_in(folder) == before
    assert not (folder / "new").exists()


def test_an_error_while_it_is_written_leaves_no_folder(
    folder: Path, toy_splits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evaluation, "write_evaluation", full)
    before = everything_in(folder)
    with pytest.raises(OutputError, match="No space left"):
        evaluate([folder / "toy", folder / "other"], toy_splits / "test.fits", out=folder / "new")
    assert everything_in(folder) == before
    assert not (folder / "new").exists()
