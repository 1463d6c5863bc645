"""A run is tested with its own class names and preprocessing, and its results are kept whole or not at all."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy import stats

from kamerton.config.pictures import Framing, PixelOrigin
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import CubeError, KamertonWarning, OutputError, RunError, UsageError
from kamerton.evaluation import evaluate as evaluation
from kamerton.evaluation.evaluate import Evaluation, evaluate
from kamerton.evaluation.metrics import classification_metrics, group_metrics
from kamerton.figures.testing import mistakes_figure
from kamerton.inference.predictor import Predictor
from kamerton.runs import evaluation as run_evaluation
from kamerton.runs.evaluation import GroupedScores, Scores, dataset_name, evaluation_names, read_metrics
from kamerton.runs.folder import Run, open_run
from kamerton.runs.lock import locked
from kamerton.training.train import train
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube, write_toy_cube

NUMBERS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "roc_auc_macro", "confusion_matrix", "per_class")
COUNT = 18


@pytest.fixture(autouse=True)
def small_gallery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw few galaxies, for drawing takes most of the time."""
    monkeypatch.setattr(evaluation, "GALLERY_IMAGES", 2)


@pytest.fixture
def run(toy_run: Run, tmp_path: Path) -> Run:
    """A copy of the toy run without evaluations."""
    shutil.copytree(toy_run.path, tmp_path / "run", ignore=shutil.ignore_patterns("evaluation"))
    return open_run(tmp_path / "run")


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cube that the toy run has not seen; do not change it."""
    return write_toy_cube(tmp_path_factory.mktemp("cubes") / "test.fits", COUNT, seed=7)


@pytest.fixture(scope="module")
def found(toy_run: Run, cube: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """The toy run, evaluated on that cube by source."""
    path = tmp_path_factory.mktemp("evaluated") / "toy"
    shutil.copytree(toy_run.path, path)
    return evaluate(path, cube, by="source")


def predictions(result: Evaluation) -> pd.DataFrame:
    return pd.read_parquet(result.path / "predictions.parquet")


def numbers(scores: Scores) -> dict[str, Any]:
    """What must not depend on how a cube is written."""
    return {name: getattr(scores, name) for name in NUMBERS}


def everything_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, with its content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_result_folder_holds_numbers_predictions_and_pictures(found: Evaluation) -> None:
    assert (found.path.parent.name, found.path.name) == ("evaluation", "test")
    assert {path.name for path in found.path.iterdir()} == {
        "metrics.json", "predictions.parquet", "confusion.png", "mistakes.png", "reliability.png",
    }  # fmt: skip
    assert [path.name for path in found.path.parent.iterdir()] == ["test"]


def test_the_pictures_are_pictures(found: Evaluation) -> None:
    for name in ("confusion.png", "mistakes.png", "reliability.png"):
        with Image.open(found.path / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 10, "not an empty sheet"


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


def test_groups_of_a_column_are_measured_apart(found: Evaluation) -> None:
    table = predictions(found)
    source = ["north" if row % 2 else "south" for row in range(COUNT)]
    wanted = group_metrics(table["label"].to_numpy(), table.iloc[:, 2:].to_numpy(), source)
    assert found.metrics.by is not None
    plain = {
        name: dataclasses.replace(group, accuracy_interval=None) for name, group in found.metrics.by.groups.items()
    }
    assert GroupedScores("source", plain) == GroupedScores("source", wanted)
    assert wanted["north"].galaxies == COUNT // 2


def test_groups_of_few_galaxies_are_said_with_their_intervals(run: Run, cube: Path) -> None:
    with pytest.warns(KamertonWarning, match=r"2 of the 2 groups of source are too small") as said:
        found = evaluate(run, cube, by="source")
    assert found.metrics.by is not None
    low, high = found.metrics.by.groups["north"].accuracy_interval or (0, 0)
    assert f"north: {COUNT // 2}, accuracy {low:.2f} to {high:.2f}; south" in str(said[0].message)
    assert high - low > 0.3


def test_many_small_groups_are_counted_and_the_smallest_named(run: Run, cube: Path) -> None:
    with pytest.warns(KamertonWarning, match=r"18 of the 18 groups of id are too small.*; and 13 more\."):
        evaluate(run, cube, by="id")


def test_groups_of_enough_galaxies_are_not_warned_of(
    run: Run, cube: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(evaluation, "SMALL_GROUP", COUNT // 2)
    evaluate(run, cube, by="source")
    assert not [one for one in recwarn if issubclass(one.category, KamertonWarning)]


def test_without_groups_none_are_measured(run: Run, cube: Path) -> None:
    assert evaluate(run, cube).metrics.by is None


def test_an_unknown_column_is_answered_with_the_known(run: Run, cube: Path) -> None:
    with pytest.raises(UsageError, match=r"no column 'survey'.*Allowed: id, ra, dec, source"):
        evaluate(run, cube, by="survey")
    assert not (run.path / "evaluation").exists()


def test_a_cube_of_other_bands_than_the_runs_is_said(run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(COUNT, 32, 7)
    learned, shown = PixelOrigin("asinh", ("g", "r", "z"), 8.0), PixelOrigin("none")
    path = write_cube(tmp_path / "pictures.fits", images_nhwc, labels, origin=shown)
    run.update(dataclasses.replace(run.record, pixel_origin=learned))
    with pytest.warns(KamertonWarning, match=r"in another way than those that run learned from.*pictures.*g, r, z"):
        evaluate(run, path)


def test_class_names_that_were_exchanged_by_hand_are_said(run: Run, cube: Path) -> None:
    one, two, three = run.record.class_names
    run.update(dataclasses.replace(run.record, class_names=(two, one, three)))
    with pytest.warns(KamertonWarning, match=r"run\.json was changed since.*classes dim, bright, striped.*verify"):
        evaluate(run, cube)


def test_a_run_as_it_was_trained_needs_no_word_about_its_record(run: Run, cube: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*run.json was changed", KamertonWarning)
        evaluate(run, cube)


WHOLE = Framing((64, 64), (64, 64), 32)


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (
            Framing((64, 64), (32, 32), 32),
            r"another part.*central 32 of 64 pixels.*all 64 .*2\.00 times as large",
        ),
        (Framing((40, 40), (40, 40), 32), r"not known whether.*all 40 pixels.*all 64 pixels"),
        (None, r"not known whether.*Received: not known; learned from all 64 pixels of its pictures"),
        (Framing((64, 64), (64, 64), 40), None),
    ],
    ids=str,
)
def test_a_cube_cropped_in_another_way_is_said_with_numbers(
    run: Run, tmp_path: Path, shown: Framing | None, says: str | None
) -> None:
    images_nhwc, labels = toy_galaxies(COUNT, 32, 7)
    path = write_cube(tmp_path / "cut.fits", images_nhwc, labels, origin=PixelOrigin("none", framing=shown))
    run.update(dataclasses.replace(run.record, pixel_origin=PixelOrigin("none", framing=WHOLE)))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        evaluate(run, path)
    told = [str(each.message) for each in said if "of the sky" in str(each.message) or "part of" in str(each.message)]
    assert len(told) == (says is not None)
    assert says is None or re.search(says, told[0])


def test_class_names_decide_and_not_their_order_in_the_cube(found: Evaluation, run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(COUNT, 32, seed=7)
    other_names = ("striped", "bright", "dim")
    other_labels = [other_names.index(CLASS_NAMES[label]) for label in labels]
    result = evaluate(run, write_cube(tmp_path / "other.fits", images_nhwc, other_labels, other_names))
    assert numbers(result.metrics) == numbers(found.metrics)
    pd.testing.assert_frame_equal(predictions(result).iloc[:, 1:], predictions(found).iloc[:, 1:])


def test_a_cube_with_some_of_the_classes_is_measured_on_those(found: Evaluation, run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(COUNT, 32, seed=7)
    striped = write_cube(tmp_path / "striped.fits", images_nhwc[labels == 2], np.zeros(COUNT // 3, int), ("striped",))
    metrics = evaluate(run, striped).metrics
    assert [row.support for row in metrics.per_class] == [0, 0, COUNT // 3]
    assert metrics.accuracy == pytest.approx(found.metrics.per_class[2].recall)
    assert metrics.roc_auc_macro is None


def test_a_cube_without_class_names_is_taken_by_its_numbers(found: Evaluation, run: Run, tmp_path: Path) -> None:
    result = evaluate(run, write_cube(tmp_path / "plain.fits", *toy_galaxies(COUNT, 32, seed=7), ()))
    assert numbers(result.metrics) == numbers(found.metrics)
    assert predictions(result)["id"][0] == "plain#0"


@pytest.mark.parametrize("names", [("bright", "dim", "spotted"), ("Bright", "dim", "striped"), (*CLASS_NAMES, "new")])
def test_classes_that_the_run_never_learned_are_refused(run: Run, tmp_path: Path, names: tuple[str, ...]) -> None:
    path = write_cube(tmp_path / "other.fits", *toy_galaxies(6, 32, seed=0), names)
    with pytest.raises(CubeError, match=rf"classes differ.*{names[-1]}.*Allowed: bright, dim, striped"):
        evaluate(run, path)
    assert not (run.path / "evaluation").exists()


def test_a_label_beyond_the_runs_classes_is_refused(run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(4, 32, seed=0)
    with pytest.raises(CubeError, match="classes differ"):
        evaluate(run, write_cube(tmp_path / "other.fits", images_nhwc, labels + 1, ()))


def test_preprocessing_comes_from_the_run(found: Evaluation, run: Run, tmp_path: Path) -> None:
    """The same pixels four times as dense are resized to what the run learned from, and so get the same answers."""
    images_nhwc, labels = toy_galaxies(COUNT, 32, seed=7)
    large = write_cube(tmp_path / "large.fits", images_nhwc.repeat(4, 1).repeat(4, 2), labels)
    wanted = predictions(found).iloc[:, 2:].to_numpy()
    np.testing.assert_allclose(predictions(evaluate(run, large)).iloc[:, 2:], wanted, atol=0.02)


def test_a_run_is_taken_as_it_is_or_by_its_path(run: Run, cube: Path) -> None:
    assert evaluate(run, cube).metrics == evaluate(str(run.path), str(cube)).metrics


def test_the_same_cube_may_be_evaluated_again(run: Run, cube: Path, tmp_path: Path) -> None:
    path = evaluate(run, cube).path
    (path / "metrics.json").write_text(json.dumps({**read_metrics(run, "test").as_json(), "accuracy": 0.0}))
    (tmp_path / "moved").mkdir()
    again = evaluate(run, shutil.copy(cube, tmp_path / "moved"))
    assert read_metrics(run, "test") == again.metrics
    assert [entry.name for entry in path.parent.iterdir()] == ["test"]


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


def test_a_gzipped_cube_is_the_same_cube(run: Run, cube: Path, tmp_path: Path) -> None:
    evaluate(run, cube)
    (tmp_path / "test.fits.gz").write_bytes(gzip.compress(cube.read_bytes()))
    assert evaluate(run, tmp_path / "test.fits.gz").path.name == "test"


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


def lose_weights(run: Run) -> None:
    run.weights_path.unlink()


def diverge(run: Run) -> None:
    network = run.load_network()
    torch.nn.init.constant_(network.get_parameter("dense5.bias"), float("nan"))
    run.save_network(network)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [(lose_weights, "no weights yet"), (diverge, rf"diverged.*NaN for {COUNT} of {COUNT} galaxies.*history\.csv")],
)
def test_a_run_that_cannot_answer_is_refused(run: Run, cube: Path, spoil: Callable[[Run], None], says: str) -> None:
    spoil(run)
    with pytest.raises(RunError, match=says):
        evaluate(run, cube)
    assert not (run.path / "evaluation").exists()


def test_a_bad_pixel_is_the_cubes_fault_and_not_the_runs(run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 32, seed=0)
    floats_nhwc = images_nhwc.astype(np.float32)
    floats_nhwc[4, 0, 0, 0] = np.nan
    with pytest.raises(CubeError, match="image 4 has NaN"):
        evaluate(run, write_cube(tmp_path / "bad.fits", floats_nhwc, labels))
    assert not (run.path / "evaluation").exists()


def test_the_gallery_shows_the_most_confident_mistakes_first(
    run: Run, cube: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []

    def record(images_nhwc: np.ndarray, captions: list[str], title: str) -> Any:
        shown.extend(zip(images_nhwc, captions, strict=True))
        return mistakes_figure(images_nhwc, captions, title)

    monkeypatch.setattr(evaluation, "mistakes_figure", record)
    table = predictions(evaluate(run, cube))
    probabilities = table.iloc[:, 2:].to_numpy()
    wrong = np.flatnonzero(probabilities.argmax(1) != table["label"])
    worst = wrong[np.argsort(-probabilities[wrong].max(1))][:2]
    assert len(worst) == 2, "a network without mistakes would prove nothing"
    images_nhwc = toy_galaxies(COUNT, 32, seed=7)[0]
    for (image_hwc, caption), row in zip(shown, worst, strict=True):
        np.testing.assert_array_equal(image_hwc, images_nhwc[row])
        name, true, said = caption.split("\n")
        assert (name, true) == (table["id"][row], f"true {CLASS_NAMES[table['label'][row]]}")
        best = probabilities[row].argmax()
        assert said == f"said {CLASS_NAMES[best]} {probabilities[row, best]:.0%}"


def test_a_network_without_mistakes_gets_its_pictures_too(run: Run, cube: Path, tmp_path: Path) -> None:
    images_nhwc, _ = toy_galaxies(5, 32, seed=7)
    answers = Predictor(run).probabilities(images_nhwc).argmax(1)
    result = evaluate(run, write_cube(tmp_path / "easy.fits", images_nhwc, answers))
    assert result.metrics.accuracy == 1.0
    assert (result.path / "mistakes.png").stat().st_size > 0


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
