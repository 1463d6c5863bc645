"""Networks are compared on the same galaxies only, and what was not shown is said not to be."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from scipy import stats

from kamerton.config.judging import CompareSettings
from kamerton.config.pictures import Preprocessing
from kamerton.errors import DataError, OutputError, RunError, UsageError
from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison import Difference, _draw_seeds
from kamerton.evaluation.comparison_figures import FIGURES, hard_rows
from kamerton.evaluation.repeats import find_repeats, name_of
from kamerton.evaluation.results import read_all_predictions
from kamerton.evaluation.statistics import METRICS, SHARES, Interval, McNemar
from kamerton.runs.evaluation import Metrics, read_metrics
from kamerton.runs.folder import Run, find_runs, open_run
from kamerton.runs.record import Change, RunRecord
from kamerton.sweeping import sweep
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube
from tests.evaluation.changing import change_metrics

RESAMPLES = 300


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LeNet-5 with two seeds and a small ResNet's cousin with one, on toy galaxies; do not change it."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "data").mkdir()
    for seed, (name, count) in enumerate({"train": 36, "valid": 12, "test": 40}.items()):
        images_nhwc, labels = toy_galaxies(count, 33, seed)
        group = [f"g{row // 2}" if name == "test" and row < 20 else "" for row in range(count)]
        ids = [f"{name}{row}" for row in range(count)]
        write_cube(folder / "data" / f"{name}.fits", images_nhwc, labels, id=ids, group=group)
    sweep(folder / "data", networks=["lenet5"], seeds=[0, 1], recipe="modern", epochs=2, out=folder / "runs")
    sweep(folder / "data", networks=["resnet18"], seeds=[0], recipe="modern", epochs=1, out=folder / "runs")
    return folder


@pytest.fixture(scope="module")
def written(swept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("written") / "out"
    compare([swept / "runs"], out=out, resamples=RESAMPLES)
    return out


def rewrite(run: Run, probabilities: np.ndarray) -> None:
    """Let a run have answered otherwise."""
    place = run.evaluation_path("test") / "predictions.parquet"
    table = pd.read_parquet(place)
    table[[f"p_{name}" for name in CLASS_NAMES]] = probabilities
    table.to_parquet(place)


@pytest.fixture
def copies(swept: Path, tmp_path: Path) -> list[Run]:
    """Copies of the runs, to be changed."""
    shutil.copytree(swept / "runs", tmp_path / "runs")
    runs = find_runs([tmp_path / "runs"])
    for run in runs:
        change_metrics(run, seal=None)
    return runs


def test_a_folder_of_runs_stands_for_all_of_them_and_each_is_taken_once(swept: Path) -> None:
    runs = find_runs([swept / "runs", swept / "runs/lenet5-seed1"])
    assert [run.name for run in runs] == ["lenet5-seed0", "lenet5-seed1", "resnet18-seed0"]


def test_runs_that_differ_in_the_seed_are_one_network(swept: Path) -> None:
    found = compare([swept / "runs"], resamples=RESAMPLES)
    lenet5, resnet18 = found.networks
    assert (lenet5.name, len(lenet5.predictions), resnet18.name, len(resnet18.predictions)) == (
        "LeNet-5",
        2,
        "ResNet-18",
        1,
    )
    accuracies = [read_metrics(open_run(swept / f"runs/lenet5-seed{seed}"), "test").accuracy for seed in (0, 1)]
    assert lenet5.metrics["accuracy"].value == pytest.approx(np.mean(accuracies))
    assert lenet5.spread["accuracy"] == pytest.approx(np.std(accuracies, ddof=1))
    assert resnet18.spread["accuracy"] is None


def test_one_folder_needs_no_list(swept: Path) -> None:
    found = compare(str(swept / "runs"), resamples=RESAMPLES)
    assert found.as_json() == compare([swept / "runs"], resamples=RESAMPLES).as_json()


def recalls_of(metrics: Metrics) -> list[float]:
    found = []
    for row in metrics.per_class:
        assert row.recall is not None
        found.append(row.recall)
    return found


def test_every_interval_holds_its_value_and_all_numbers_are_those_of_the_runs(swept: Path) -> None:
    found = compare([swept / "runs"], resamples=RESAMPLES)
    for result in found.networks:
        for metric in METRICS:
            value = result.metrics[metric]
            assert value.low <= value.value <= value.high
            wanted = np.mean([getattr(one.metrics, metric) for one in result.predictions])
            assert value.value == pytest.approx(wanted, abs=1e-6)
        recalls = np.mean([recalls_of(one.metrics) for one in result.predictions], axis=0)
        np.testing.assert_allclose(result.recall[:, 0], recalls)


def test_galaxies_of_a_group_are_counted_as_one(swept: Path) -> None:
    found = compare([swept / "runs"], resamples=RESAMPLES)
    assert (found.galaxies, found.groups) == (40, 30)


def test_a_run_against_itself_shows_no_difference(copies: list[Run]) -> None:
    one, two = copies[0], copies[2]
    probabilities = read_all_predictions([one])[0].probabilities
    rewrite(two, probabilities)
    found = compare([one, two], resamples=RESAMPLES)
    (difference,) = found.differences
    assert not difference.shown
    assert difference.metrics["accuracy"].value == 0
    assert difference.mcnemar.p_value == 1
    assert difference.describe().startswith("no difference shown between ")


def test_a_clear_difference_is_said_with_the_better_first(copies: list[Run]) -> None:
    one, two = copies[0], copies[2]
    labels = read_all_predictions([one])[0].labels
    rewrite(one, np.eye(3, dtype=np.float32)[labels] * 0.9 + 0.1 / 3)
    rewrite(two, np.eye(3, dtype=np.float32)[(labels + 1) % 3] * 0.9 + 0.1 / 3)
    found = compare([two, one], resamples=RESAMPLES)
    (difference,) = found.differences
    assert difference.shown
    assert difference.describe().startswith("LeNet-5 is better than ResNet-18: accuracy +1.000")
    assert difference.mcnemar.first_only == 40
    assert list(hard_rows(found)) == []


@pytest.mark.parametrize(
    ("low", "p", "corrected", "comparisons", "says"),
    [
        (0.01, 0.01, 0.03, 3, None),
        (-0.01, 0.2, 0.2, 1, "the interval holds 0, and p is not below 0.05"),
        (-0.01, 0.04, 0.12, 3, "the interval holds 0, and the corrected p is not below 0.05"),
        (0.01, 0.2, 0.2, 1, "the interval excludes 0, but p is not below 0.05"),
        (0.01, 0.06, 0.18, 3, "the interval excludes 0, but the corrected p is not below 0.05"),
        (
            0.01,
            0.03,
            0.18,
            6,
            "the interval excludes 0, but among 6 comparisons so small a p easily comes",
        ),
        (-0.01, 0.01, 0.03, 3, "the corrected p is below 0.05, but the interval holds 0"),
    ],
)
def test_it_is_said_why_no_difference_counts_as_shown(
    low: float, p: float, corrected: float, comparisons: int, says: str | None
) -> None:
    metrics = dict.fromkeys(METRICS, Interval(0.05, low, 0.1))
    difference = Difference("a", "b", metrics, McNemar(30, 14, p), corrected, comparisons)
    assert difference.shown == (says is None)
    text = difference.describe()
    assert f"McNemar 30 : 14, p = {p:.2g}" in text
    assert (f"and {corrected:.2g} after Holm's correction for {comparisons} comparisons" in text) == (comparisons > 1)
    assert text.startswith("a is better than b: " if says is None else "no difference shown between a and b: ")
    assert says is None or f"; {says}" in text


def test_unfinished_and_untested_runs_are_named_and_the_others_compared(copies: list[Run]) -> None:
    copies[1].update(dataclasses.replace(copies[1].record, results=None))
    shutil.rmtree(copies[2].path / "evaluation")
    found = compare([run.path for run in copies], resamples=RESAMPLES)
    assert [one.run.name for result in found.networks for one in result.predictions] == ["lenet5-seed0"]
    assert found.describe()[:2] == [
        "WARNING: lenet5-seed1 is left out: its training has not ended",
        "WARNING: resnet18-seed0 is left out: it was never tested",
    ]
    left_out = [one["run"] for one in found.as_json()["cautions"] if one["kind"] in {"unfinished", "not tested"}]
    assert left_out == ["lenet5-seed1", "resnet18-seed0"]


def test_runs_of_which_none_has_ended_are_refused_by_name(copies: list[Run]) -> None:
    for run in copies:
        run.update(dataclasses.replace(run.record, results=None))
    with pytest.raises(UsageError, match=r"No run is left.*lenet5-seed0 is left out: its training has not ended"):
        compare([run.path for run in copies])


def test_two_recipes_of_one_network_read_as_two_names_in_a_list(copies: list[Run]) -> None:
    recipe = copies[0].record.recipe
    assert recipe is not None
    copies[1].update(dataclasses.replace(copies[1].record, recipe=dataclasses.replace(recipe, name="notebook")))
    found = compare(copies[:2], resamples=RESAMPLES)
    assert [result.name for result in found.networks] == ["LeNet-5 (modern)", "LeNet-5 (notebook)"]


def with_recipe(record: RunRecord, **changes: Any) -> RunRecord:
    assert record.recipe is not None
    return dataclasses.replace(record, recipe=dataclasses.replace(record.recipe, **changes))


def on_other_galaxies(record: RunRecord) -> RunRecord:
    train = dataclasses.replace(record.data["train"], fingerprint="ab" * 32)
    return dataclasses.replace(record, data=record.data | {"train": train})


def extended(record: RunRecord) -> RunRecord:
    return dataclasses.replace(record, changes=(Change("recipe.epochs", 1, 2),))


def names_of(runs: list[Run]) -> list[str]:
    return [name_of(one.title, one.traits) for one in find_repeats(read_all_predictions(runs))]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda record: with_recipe(record, epochs=5), ["2 epochs", "5 epochs"]),
        (
            lambda record: with_recipe(record, epochs=5, batch_size=8),
            ["2 epochs, batches of 32", "5 epochs, batches of 8"],
        ),
        (lambda record: with_recipe(record, dropout=0.25), ["dropout 0.2", "dropout 0.25"]),
        (
            lambda record: with_recipe(
                record, optimizer=dataclasses.replace(record.recipe.optimizer, learning_rate=0.5)
            ),
            ["optimizer.learning_rate 0.001", "optimizer.learning_rate 0.5"],
        ),
        (lambda record: dataclasses.replace(record, preprocessing=Preprocessing(64, 3)), ["33 px", "64 px"]),
        (on_other_galaxies, ["trained on data/train.fits {own}", "trained on data/train.fits ababab"]),
        (extended, ["not extended", "extended from 1 epochs"]),
    ],
)
def test_runs_that_differ_in_more_than_the_seed_are_named_by_it(
    copies: list[Run], change: Callable[[RunRecord], RunRecord], names: list[str]
) -> None:
    own = copies[0].record.data["train"].fingerprint[:6]
    copies[1].update(change(copies[1].record))
    assert names_of(copies[:2]) == [f"LeNet-5 ({name.format(own=own)})" for name in names]


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [("views", 8, ["views averaged: 1", "views averaged: 8"]), ("precision", "int8", ["float32", "int8"])],
)
def test_runs_tested_in_another_way_are_named_by_it(
    copies: list[Run], field: str, value: Any, names: list[str]
) -> None:
    change_metrics(copies[1], **{field: value})
    assert names_of(copies[:2]) == [f"LeNet-5 ({name})" for name in names]


def test_another_machine_still_repeats_a_training(copies: list[Run]) -> None:
    record = copies[1].record
    elsewhere = {split: dataclasses.replace(cube, path="/elsewhere.fits") for split, cube in record.data.items()}
    copies[1].update(
        dataclasses.replace(record, device="cuda", threads=9, versions={"torch": "9"}, started="", data=elsewhere)
    )
    assert names_of(copies) == ["LeNet-5", "ResNet-18"]


def test_runs_of_other_epochs_are_rows_of_their_own_everywhere(copies: list[Run], tmp_path: Path) -> None:
    copies[1].update(with_recipe(copies[1].record, epochs=5))
    found = compare(copies, out=tmp_path / "out", resamples=RESAMPLES)
    names = ["LeNet-5 (2 epochs)", "LeNet-5 (5 epochs)", "ResNet-18"]
    assert [result.name for result in found.networks] == names
    assert len(found.differences) == 3
    assert pd.read_csv(tmp_path / "out/comparison.csv")["network"].tolist() == names
    told = json.loads((tmp_path / "out/comparison.json").read_text())["networks"]
    assert [one["differs_in"] for one in told] == [{"recipe.epochs": 2}, {"recipe.epochs": 5}, {}]
    for picture in ("learning_curves", "cost", "recall", "confusion"):
        text = (tmp_path / "out" / f"{picture}.svg").read_text()
        assert all(name in text for name in names), picture


def test_imported_weights_repeat_nothing(copies: list[Run]) -> None:
    for run in copies[:2]:
        run.update(dataclasses.replace(run.record, recipe=None, seed=None, data={}))
    assert names_of(copies[:2]) == ["LeNet-5 (lenet5-seed0)", "LeNet-5 (lenet5-seed1)"]
    assert names_of(copies)[:2] == ["LeNet-5 (imported, lenet5-seed0)", "LeNet-5 (imported, lenet5-seed1)"]


def test_a_seed_that_stands_twice_is_said(copies: list[Run]) -> None:
    copies[1].update(dataclasses.replace(copies[1].record, seed=0))
    found = compare(copies[:2], resamples=RESAMPLES)
    assert [caution.run for caution in found.cautions if caution.kind == "same seed"] == ["lenet5-seed1"]


def answers(run: Run, said: np.ndarray) -> None:
    """Let a run have named these classes."""
    rewrite(run, np.eye(3, dtype=np.float32)[said] * 0.9 + 0.1 / 3)


def test_a_network_that_names_one_class_is_called_so_first(copies: list[Run]) -> None:
    labels = read_all_predictions(copies[:1])[0].labels
    answers(copies[0], np.full(40, 2))
    answers(copies[1], labels)
    found = compare(copies[:2], resamples=RESAMPLES)
    share = (labels == 2).mean()
    (caution,) = [caution for caution in found.cautions if caution.kind == "guess"]
    assert caution.describe().startswith("lenet5-seed0: ONE CLASS FOR ALL: every galaxy is called ")
    assert f"the accuracy, {share:.3f}, is its share" in caution.describe()
    assert found.describe()[0] == f"WARNING: {caution.describe()}"


def test_a_recall_of_none_or_all_has_an_interval_with_width(copies: list[Run]) -> None:
    labels = read_all_predictions(copies[:1])[0].labels
    answers(copies[0], np.full(40, 2))
    (network,) = compare(copies[:1], resamples=RESAMPLES).networks
    value, low, high = network.recall.T
    assert value.tolist() == [0, 0, 1]
    groups = np.array(read_all_predictions(copies[:1])[0].groups)
    counts = [len(set(groups[labels == place])) for place in range(3)]
    for place, right in enumerate((0, 0, counts[2])):
        wanted = stats.binomtest(right, counts[place]).proportion_ci(method="wilson")
        assert (low[place], high[place]) == pytest.approx((wanted.low, wanted.high))


def test_the_interval_of_a_share_ends_at_0_and_1(copies: list[Run]) -> None:
    """Of two seeds that disagree, the draws are spread beyond both."""
    labels = read_all_predictions(copies[:1])[0].labels
    answers(copies[0], labels)
    answers(copies[1], (labels + 1) % 3)
    (network,) = compare(copies[:2], resamples=RESAMPLES).networks
    assert network.recall.min() == 0
    assert network.recall.max() == 1
    accuracy = network.metrics["accuracy"]
    assert (accuracy.low, accuracy.value, accuracy.high) == (0, 0.5, 1)


def test_an_accuracy_of_all_has_an_interval_with_width(copies: list[Run]) -> None:
    answers(copies[0], read_all_predictions(copies[:1])[0].labels)
    (network,) = compare(copies[:1], resamples=RESAMPLES).networks
    accuracy = network.metrics["accuracy"]
    wanted = stats.binomtest(30, 30).proportion_ci(method="wilson")
    assert (accuracy.value, accuracy.low, accuracy.high) == pytest.approx((1, wanted.low, 1))


WITHOUT_ERRORS = {
    "all right": lambda labels: labels,
    "all wrong": lambda labels: (labels + 1) % 3,
    "one class for all": lambda labels: np.full_like(labels, 2),
}


@pytest.mark.parametrize("said", WITHOUT_ERRORS)
@pytest.mark.parametrize("seeds", [1, 2])
def test_no_share_has_an_interval_of_nothing(copies: list[Run], said: str, seeds: int) -> None:
    labels = read_all_predictions(copies[:1])[0].labels
    for run in copies:
        answers(run, WITHOUT_ERRORS[said](labels))
    found = compare(copies[:seeds], resamples=RESAMPLES)
    recall = found.networks[0].recall[:, 1]
    for metric in SHARES:
        one = found.networks[0].metrics[metric]
        assert 0 <= one.low <= one.value <= one.high <= 1
        assert one.high - one.low > 0.03, metric
    assert found.networks[0].metrics["balanced_accuracy"].low >= recall.mean() - 1e-9, "a mean varies less"


def test_networks_that_answer_alike_are_not_shown_to_be_alike(copies: list[Run]) -> None:
    """No resample can make two differ that agree on every galaxy, and other galaxies can."""
    one, two = copies[0], copies[2]
    rewrite(two, read_all_predictions([one])[0].probabilities)
    (difference,) = compare([one, two], resamples=RESAMPLES).differences
    for metric in SHARES:
        found = difference.metrics[metric]
        assert found.value == 0
        assert found.low < -0.03
        assert found.high > 0.03


def test_a_full_disk_leaves_all_as_it_was(
    swept: Path, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables are written first, so a disk that is full at the pictures would leave half a folder."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "old").mkdir()
    for name in ("comparison.json", "comparison.csv"):
        shutil.copy(written / name, tmp_path / "old" / name)
    before = content(tmp_path / "old")
    monkeypatch.setattr(Figure, "savefig", full)
    for place in ("old", "new"):
        with pytest.raises(OutputError, match="No space left on device"):
            compare([swept / "runs"], out=tmp_path / place, resamples=RESAMPLES)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert content(tmp_path / "old") == before


def test_what_every_network_gets_wrong_is_found_the_surest_first(copies: list[Run]) -> None:
    one, two = copies[0], copies[2]
    labels = read_all_predictions([one])[0].labels
    probabilities = np.eye(3, dtype=np.float32)[labels] * 0.9 + 0.1 / 3
    for row, sureness in ((3, 0.6), (7, 0.8)):
        probabilities[row] = (1 - sureness) / 2
        probabilities[row, (labels[row] + 1) % 3] = sureness
    for run in (one, two):
        rewrite(run, probabilities)
    assert list(hard_rows(compare([one, two], resamples=RESAMPLES))) == [7, 3]


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


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_comparison_takes_the_place_of_an_earlier_one_whole(swept: Path, written: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(written, tmp_path / "out"))
    before = content(out)
    (out / "cost.png").write_bytes(b"of an earlier version")
    (out / "comparison.csv").unlink()
    compare([swept / "runs"], out=out, resamples=RESAMPLES)
    assert content(out).keys() == before.keys()
    assert content(out)["comparison.csv"] == before["comparison.csv"]
    assert content(out)["cost.png"] == before["cost.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("foreign", ["notes.txt", "comparison.json", "a link", "a file"])
def test_a_comparison_never_replaces_what_is_none(swept: Path, written: Path, tmp_path: Path, foreign: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    shutil.copytree(written, elsewhere)
    if foreign == "a link":
        out.symlink_to(elsewhere)
    elif foreign == "a file":
        out.write_text("a thesis")
    else:
        shutil.copytree(written, out)
        (out / foreign).write_text('{"theirs": 1}')
    before = content(elsewhere if foreign == "a file" else out)
    with pytest.raises(OutputError, match=r"not made here|no comparison that Kamerton made|a file or a link"):
        compare([swept / "runs"], out=out, resamples=RESAMPLES)
    assert content(elsewhere if foreign == "a file" else out) == before
    assert foreign != "a file" or out.read_text() == "a thesis"


def test_other_galaxies_are_refused(copies: list[Run]) -> None:
    change_metrics(copies[2], fingerprint="0" * 64)
    with pytest.raises(UsageError, match=r"were tested on other galaxies.*evaluate both on one cube"):
        compare(copies)


def test_other_classes_are_refused(copies: list[Run]) -> None:
    record = dataclasses.replace(copies[2].record, class_names=("a", "b", "c"))
    assert record.results is not None
    ended = record.results
    copies[2].update(record.with_results(ended.weights, ended.history, ended.galaxies, ended.epoch))
    with pytest.raises(UsageError, match="learned other classes"):
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


def test_leakage_is_said_first(copies: list[Run]) -> None:
    change_metrics(copies[0], leakage={"status": "found", "seen": {"train": 3, "valid": 0}})
    found = compare(copies, resamples=RESAMPLES)
    assert found.describe()[0] == "WARNING: lenet5-seed0: NOT A TEST: of 40 galaxies the run has seen 3 in train"


def test_tables_and_pictures_are_written(written: Path) -> None:
    pictures = {f"{name}.{ending}" for name in FIGURES for ending in ("png", "svg")}
    assert {path.name for path in written.iterdir()} == pictures | {
        "comparison.json", "comparison.csv", "differences.csv",
    }  # fmt: skip
    for name in FIGURES:
        with Image.open(written / f"{name}.png") as picture:
            assert min(picture.size) > 200


def test_the_tables_hold_the_same_numbers(written: Path) -> None:
    told = json.loads((written / "comparison.json").read_text())
    table = pd.read_csv(written / "comparison.csv")
    assert table["network"].tolist() == [network["name"] for network in told["networks"]]
    highs = [network["metrics"]["log_loss"]["high"] for network in told["networks"]]
    assert table["log_loss_high"].tolist() == pytest.approx(highs)
    assert (table["flops_an_image"] > 0).all()
    assert (table["training_seconds"] > 0).all()
    differences = pd.read_csv(written / "differences.csv")
    assert differences["holm_p"].tolist() == pytest.approx([d["p_adjusted"] for d in told["differences"]])


def test_a_cube_that_is_gone_costs_only_the_gallery(copies: list[Run], tmp_path: Path) -> None:
    for run in copies:
        change_metrics(run, path=str(tmp_path / "gone.fits"))
    compare(copies, out=tmp_path / "out", resamples=RESAMPLES)
    assert not (tmp_path / "out/hard_galaxies.png").exists()
    assert (tmp_path / "out/recall.svg").exists()


def test_a_history_of_the_notebook_joins_the_learning_curves(swept: Path, tmp_path: Path) -> None:
    history = pd.DataFrame({"loss": [1.0], "accuracy": [0.5], "val_loss": [1.1], "val_accuracy": [0.4]})
    history.to_csv(tmp_path / "AlexNet_full.csv")
    compare([swept / "runs"], out=tmp_path / "out", histories=[tmp_path / "AlexNet_full.csv"], resamples=RESAMPLES)
    assert "AlexNet_full" in (tmp_path / "out/learning_curves.svg").read_text()


def test_a_history_that_is_none_is_one_line(swept: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match=r"a\.csv: cannot be read as a learning history"):
        compare([swept / "runs"], histories=[tmp_path / "a.csv"])


def test_too_few_resamples_are_refused() -> None:
    with pytest.raises(UsageError, match="Bad value for resamples"):
        CompareSettings(resamples=10)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_seeds_vary_in_the_resamples_as_their_mean_would(count: int) -> None:
    """The variance of a mean of n is the sample variance over n."""
    values = np.random.default_rng(count).normal(size=count)
    means = _draw_seeds(count, CompareSettings(resamples=40_000)) @ values
    assert means.mean() == pytest.approx(values.mean(), abs=0.02)
    assert means.var() == pytest.approx(values.var(ddof=1) / count, rel=0.05)
