"""A run is what its record says, or that is said; trained again it gives the same bits."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import load_file, save_file

from kamerton.errors import RunError
from kamerton.evaluation.evaluate import evaluate
from kamerton.evaluation.metrics import classification_metrics
from kamerton.evaluation.statistics import with_intervals
from kamerton.formats.exporting import export
from kamerton.formats.importing import import_keras_file
from kamerton.formats.onnx_file import write_onnx
from kamerton.networks.registry import build_network
from kamerton.runs.evaluation import read_metrics, read_predictions, write_evaluation
from kamerton.runs.folder import Run, open_run
from kamerton.training.train import train
from kamerton.verification import Verification, verify
from tests.conftest import CLASS_NAMES
from tests.evaluation.changing import change_metrics
from tests.watching import Recorder


@pytest.fixture
def run(toy_run: Run, tmp_path: Path) -> Run:
    """A copy of the toy run, to be spoilt."""
    shutil.copytree(toy_run.path, tmp_path / "run")
    return open_run(tmp_path / "run")


def differing(found: Verification) -> list[str]:
    return [check.what.split(",")[0] for check in found.checks if check.verdict == "different"]


def test_a_run_as_it_was_trained_is_sound(toy_run: Run) -> None:
    found = verify(toy_run)
    assert found.sound
    assert {check.verdict for check in found.checks} == {"same"}
    assert len(found.checks) == 9


def shift_weights(run: Run) -> None:
    tensors = load_file(run.weights_path)
    next(iter(tensors.values())).view(-1)[0] += 1e-6
    save_file(tensors, run.weights_path)


def better_history(run: Run) -> None:
    text = run.history_path.read_text().splitlines()
    cells = text[-1].split(",")
    cells[4] = "0.99"
    run.history_path.write_text("\n".join([*text[:-1], ",".join(cells)]) + "\n")


def hide_galaxies(run: Run) -> None:
    seen = run.seen()
    assert seen is not None
    run.save_seen({"train": dataclasses.replace(seen["train"], digests=("0" * 64,) * 70), "valid": seen["valid"]})


def other_seed(run: Run) -> None:
    run.update(dataclasses.replace(run.record, seed=5))


def cut_weights(run: Run) -> None:
    run.weights_path.write_bytes(run.weights_path.read_bytes()[:-8])


def cut_keras(run: Run) -> None:
    run.keras_path.write_bytes(run.keras_path.read_bytes()[:1000])


SPOILT: dict[str, tuple[Callable[[Run], None], list[str]]] = {
    "weights": (shift_weights, ["model.safetensors", "model.keras"]),
    "history": (better_history, ["history.csv"]),
    "galaxies": (hide_galaxies, ["galaxies.parquet"]),
    "settings": (other_seed, ["the fingerprint of run.json"]),
    "half the weights": (cut_weights, ["model.safetensors", "model.keras"]),
    "half the twin": (cut_keras, ["model.keras"]),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_was_changed_afterwards_is_named(what: str, run: Run) -> None:
    spoil, names = SPOILT[what]
    spoil(run)
    found = verify(run.path)
    assert differing(found) == names
    assert not found.sound
    assert found.describe()[-1].endswith("THIS IS NOT THE RUN THAT ITS RECORD DESCRIBES")


@pytest.fixture(scope="module")
def whole(toy_run: Run, toy_splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The toy run, tested and exported to every format; do not change it."""
    run = open_run(shutil.copytree(toy_run.path, tmp_path_factory.mktemp("whole") / "run"))
    evaluate(run, toy_splits / "test.fits", by="source")
    export(run, "onnx")
    export(run, "keras", with_scaling=True)
    return run


@pytest.fixture
def tested(whole: Run, tmp_path: Path) -> Run:
    """A copy of the whole run, to be spoilt."""
    return open_run(shutil.copytree(whole.path, tmp_path / "run"))


def test_a_run_with_results_and_exports_is_sound_in_every_file(tested: Run) -> None:
    watcher = Recorder()
    found = verify(tested, watcher=watcher)
    assert {check.verdict for check in found.checks} == {"same"}, found.describe()
    assert "reading model.onnx, which takes some seconds" in watcher.said
    assert {"model.keras", "model_with_scaling.keras", "model.onnx", "evaluation/test"} < {
        check.what for check in found.checks
    }


def other_onnx(run: Run) -> None:
    write_onnx(build_network("lenet5", **run.network_shape, seed=9).eval(), run.image_shape, CLASS_NAMES, onnx_of(run))


def other_classes_in_onnx(run: Run) -> None:
    write_onnx(run.load_network(), run.image_shape, ("dim", "bright", "striped"), onnx_of(run))


def another_network_in_onnx(run: Run) -> None:
    network = torch.nn.Sequential(run.load_network(), torch.nn.ReLU())
    write_onnx(network, run.image_shape, CLASS_NAMES, onnx_of(run))


def onnx_of(run: Run) -> Path:
    return run.model_path("onnx")


def change_predictions(run: Run, column: str, values: list[Any]) -> None:
    place = run.evaluation_path("test") / "predictions.parquet"
    table = parquet.read_table(place)
    number = table.column_names.index(column)
    parquet.write_table(table.set_column(number, column, pa.array(values, table[column].type)), place)


def other_ids(run: Run) -> None:
    """Exchange two galaxies, as a merge of tables might."""
    place = run.evaluation_path("test") / "predictions.parquet"
    ids = parquet.read_table(place)["id"].to_pylist()
    change_predictions(run, "id", [ids[1], ids[0], *ids[2:]])


def half_a_checkpoint(run: Run) -> None:
    weights = next(run.checkpoint_path.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-8])


FURTHER: dict[str, tuple[Callable[[Run], object], str, str]] = {
    "other weights in onnx": (other_onnx, "model.onnx", "other weights than the run's"),
    "other classes in onnx": (other_classes_in_onnx, "model.onnx", "other class names"),
    "another network in onnx": (another_network_in_onnx, "model.onnx", "other layers"),
    "scaling where none is said": (
        lambda run: shutil.copy(run.scaled_keras_path, run.keras_path),
        "model.keras",
        "scaled in another way than its name says",
    ),
    "no onnx": (lambda run: onnx_of(run).write_bytes(b"no" * 50), "model.onnx", "cannot be read as ONNX"),
    "metrics": (lambda run: change_metrics(run, accuracy=0.99), "evaluation/test", "other values of accuracy"),
    "metrics that are none": (lambda run: change_metrics(run, accuracy="high"), "evaluation/test", "accuracy: "),
    "another network": (lambda run: change_metrics(run, network="alexnet"), "evaluation/test", "another network"),
    "another choice": (
        lambda run: change_metrics(run, weights_chosen_by="best val_loss"),
        "evaluation/test",
        "another weights_chosen_by",
    ),
    "another name": (lambda run: change_metrics(run, run="better"), "evaluation/test", "changed since the test"),
    "another precision": (lambda run: change_metrics(run, views=8), "evaluation/test", "changed since the test"),
    "a checkpoint": (half_a_checkpoint, "checkpoint/000002-000000000", "damaged"),
}


@pytest.mark.parametrize("what", FURTHER)
def test_every_file_of_the_folder_is_held_against_the_run(what: str, tested: Run) -> None:
    spoil, name, says = FURTHER[what]
    spoil(tested)
    found = verify(tested)
    assert differing(found) == [name]
    assert says in next(check.detail for check in found.checks if check.what == name)


def test_results_for_other_galaxies_than_the_cubes_are_named(tested: Run) -> None:
    other_ids(tested)
    assert {
        check.what.split(" /")[0]: check.detail for check in verify(tested).checks if check.verdict == "different"
    } == {
        "evaluation/test": "metrics.json or predictions.parquet was changed since the test",
        "test cube": "predictions.parquet has other ids than the cube",
    }


def test_results_on_another_cube_than_they_name_are_named(tested: Run) -> None:
    change_metrics(tested, fingerprint="0" * 64)
    found = [check for check in verify(tested).checks if check.verdict == "different"]
    assert [check.what.split(" /")[0] for check in found] == ["evaluation/test", "test cube"]
    assert "other galaxies than the run was tested on" in found[1].detail


def test_results_of_before_they_had_a_seal_are_held_against_the_cube(tested: Run) -> None:
    change_metrics(tested, seal=None)
    found = verify(tested)
    assert found.sound
    assert [check.what for check in found.checks if check.verdict == "not checked"] == ["evaluation/test"]
    other_ids(tested)
    assert [name.split(" /")[0] for name in differing(verify(tested))] == ["test cube"]


def test_another_epoch_than_the_recipe_chooses_is_named(run: Run) -> None:
    assert run.record.results is not None
    run.update(dataclasses.replace(run.record, results=dataclasses.replace(run.record.results, epoch=1)))
    assert differing(verify(run)) == ["the epoch of the weights"]


def test_results_of_older_weights_are_named_stale(tested: Run) -> None:
    change_metrics(tested, weights_sha256="0" * 64)
    found = verify(tested)
    assert found.sound
    assert [check.what for check in found.checks if check.verdict == "stale"] == ["evaluation/test"]
    assert found.describe()[-1].endswith("results are of weights that it has no longer")


def test_an_extended_run_whose_rate_knows_its_end_cannot_be_repeated_in_one(toy_splits: Path, tmp_path: Path) -> None:
    for epochs in (1, 2):
        run = train(toy_splits, network="lenet5", epochs=epochs, out=tmp_path / "run", resume=True)
    assert verify(run).sound
    with pytest.raises(RunError, match=r"it was extended.*2 epochs in parts"):
        verify(run, retrain=True)


def test_what_is_not_kamertons_is_named(tested: Run) -> None:
    for name in ("notes.md", "evaluation/test/plates.tiff", "checkpoint/best.pt", ".model.partial.onnx"):
        (tested.path / name).write_text("mine")
    (tested.path / "evaluation" / ".test-0123abcd.partial").mkdir()
    found = verify(tested)
    assert found.sound
    assert [check.what for check in found.checks if check.verdict == "not checked"] == [
        ".model.partial.onnx", "notes.md", "checkpoint/best.pt", "evaluation/.test-0123abcd.partial",
        "evaluation/test/plates.tiff",
    ]  # fmt: skip


def test_a_project_that_was_moved_is_found_again(toy_splits: Path, tmp_path: Path) -> None:
    """Runs and cubes move together; then nothing is where run.json says it was."""
    shutil.copytree(toy_splits, tmp_path / "old" / "data")
    run = train(tmp_path / "old/data", network="lenet5", epochs=1, out=tmp_path / "old/runs/a")
    evaluate(run, tmp_path / "old/data/test.fits")
    (tmp_path / "old").rename(tmp_path / "new")
    moved = open_run(tmp_path / "new/runs/a")
    found = verify(moved, retrain=True)
    assert found.sound, found.describe()
    assert f"train cube {tmp_path / 'new/data/train.fits'}" in [check.what for check in found.checks]
    assert evaluate(moved, tmp_path / "new/data/test.fits", int8=True, name="int8").metrics.precision == "int8"


def test_a_run_that_was_moved_alone_finds_its_cubes_where_they_were(toy_splits: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_splits, tmp_path / "data")
    run = train(tmp_path / "data", network="lenet5", epochs=1, out=tmp_path / "run")
    other = tmp_path / "deep" / "er" / "run"
    other.parent.mkdir(parents=True)
    run.path.rename(other)
    shutil.copytree(toy_splits, tmp_path / "deep" / "data")
    shutil.copy(toy_splits / "test.fits", tmp_path / "deep" / "data" / "train.fits")
    assert f"train cube {tmp_path / 'data/train.fits'}" in [check.what for check in verify(other).checks]


def test_times_may_differ(run: Run) -> None:
    lines = run.history_path.read_text().splitlines()
    place = lines[0].split(",").index("seconds")
    cells = lines[-1].split(",")
    cells[place] = "123.0"
    run.history_path.write_text("\n".join([*lines[:-1], ",".join(cells)]) + "\n")
    assert verify(run).sound


def test_a_cube_with_another_label_is_named(toy_splits: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(toy_splits, data)
    run = train(data, network="lenet5", epochs=1, out=tmp_path / "run")
    shutil.copy(toy_splits / "test.fits", data / "valid.fits")
    assert differing(verify(run)) == [f"valid cube {data / 'valid.fits'}"]


def test_a_cube_that_is_gone_is_not_checked(toy_splits: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(toy_splits, data)
    run = train(data, network="lenet5", epochs=1, out=tmp_path / "run")
    (data / "train.fits").unlink()
    found = verify(run)
    assert found.sound
    assert [check.what for check in found.checks if check.verdict == "not checked"] == [
        f"train cube {data / 'train.fits'}"
    ]


def test_trained_again_it_has_its_own_layout(toy_splits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, asked = train(toy_splits, network="lenet5", epochs=1, layout="channels_last", out=tmp_path / "run"), []

    def noting(*words: Any, **settings: Any) -> Run:
        asked.append(settings["layout"])
        return train(*words, **settings)

    monkeypatch.setattr("kamerton.verification.train", noting)
    assert verify(run, retrain=True).sound
    assert asked == ["channels_last"]


def test_trained_again_it_gives_the_same_bits_on_the_runs_own_threads(toy_run: Run) -> None:
    usual = torch.get_num_threads()
    torch.set_num_threads(1 if toy_run.record.threads != 1 else 2)
    try:
        found = verify(toy_run, retrain=True)
    finally:
        torch.set_num_threads(usual)
    assert found.sound, found.describe()
    assert [check.what for check in found.checks[-2:]] == ["weights, trained again", "history, trained again"]


def test_a_record_that_does_not_lead_to_its_weights_is_found_by_training_again(run: Run) -> None:
    # Someone changes the seed and makes the fingerprint fit: only training again can tell.
    record = dataclasses.replace(run.record, seed=5, results=None)
    assert run.record.results is not None
    results = run.record.results
    run.update(record.with_results(results.weights, results.history, results.galaxies, results.epoch))
    assert verify(run).sound
    assert differing(verify(run, retrain=True)) == ["weights", "history"]


def test_an_unfinished_run_is_refused(run: Run) -> None:
    run.update(dataclasses.replace(run.record, results=None))
    with pytest.raises(RunError, match=r"has not ended.*--resume"):
        verify(run)


def test_one_process_does_not_repeat_what_several_did(run: Run) -> None:
    run.update(dataclasses.replace(run.record, processes=2))
    with pytest.raises(RunError, match=r"2 processes.*under torchrun"):
        verify(run, retrain=True)


def test_imported_weights_cannot_be_trained_again(toy_run: Run, tmp_path: Path) -> None:
    imported = import_keras_file(toy_run.keras_path, tmp_path / "theirs")
    assert verify(imported).sound
    with pytest.raises(RunError, match="no training to repeat"):
        verify(imported, retrain=True)


def test_a_program_gets_every_check(toy_run: Run) -> None:
    told = json.loads(json.dumps(verify(toy_run).as_json()))
    assert told["sound"] is True
    assert all(set(check) == {"what", "verdict", "detail"} for check in told["checks"])


def test_an_ensemble_is_held_against_its_members(ensemble: Run, tmp_path: Path) -> None:
    whole = verify(ensemble)
    assert whole.sound
    assert [check.what.rpartition(" cube")[0] or check.what for check in whole.checks] == [
        "the fingerprint of run.json", "member other", "member toy",
        "evaluation/test", "evaluation/test, the mean of its members", "test",
    ]  # fmt: skip
    assert {check.verdict for check in whole.checks} == {"same"}
    with pytest.raises(RunError, match=r"no training to repeat\. Received: an ensemble of runs\."):
        verify(ensemble, retrain=True)

    folder = Path(shutil.copytree(ensemble.path.parent, tmp_path / "runs"))
    change_metrics(open_run(folder / "toy"), seal=None)
    found = {check.what: check for check in verify(folder / "both").checks}
    assert found["evaluation/test, the mean of its members"].detail == "a member was tested again since"
    shift_weights(open_run(folder / "toy"))
    assert differing(verify(folder / "both")) == ["member toy"]


def test_an_ensemble_that_says_something_else_than_its_members_differs(ensemble: Run, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ensemble.path.parent, tmp_path / "runs"))
    run = open_run(folder / "both")
    metrics = read_metrics(run, "test")
    own = read_predictions(open_run(folder / "toy"), "test", metrics.galaxies)
    scores = classification_metrics(own.labels, own.probabilities, run.record.class_names)
    scores = dataclasses.replace(scores, per_class=with_intervals(scores))
    told = dataclasses.replace(metrics, **vars(scores), seal=None)
    write_evaluation(run, "test", dataclasses.replace(told, seal=told.seal_with(own)), own, {})
    assert differing(verify(run)) == ["evaluation/test"]
    assert [check.detail for check in verify(run).checks if check.verdict == "different"] == [
        "it is another than that of their predictions"
    ]
