"""Runs come in from other programs with all that is known, and nothing that is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kamerton.data.importers import import_cube
from kamerton.data.splitting import split_cube
from kamerton.errors import CubeError, KamertonWarning, RunError
from kamerton.evaluation.evaluate import evaluate
from kamerton.formats.importing import import_keras_file
from kamerton.runs.evaluation import read_predictions
from kamerton.runs.folder import Run, open_run
from kamerton.training.train import train
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube
from tests.data.importers.sources import write_list
from tests.watching import Recorder


@pytest.fixture(scope="module")
def keras_file(toy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy run's network, as somebody else's file; do not change it."""
    return Path(shutil.copy(toy_run.keras_path, tmp_path_factory.mktemp("theirs") / "LeNet5_full.keras"))


@pytest.fixture(scope="module")
def imported(keras_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run made of that file, without class names."""
    return import_keras_file(keras_file, tmp_path_factory.mktemp("imported") / "run")


def test_an_imported_run_claims_nothing_that_the_file_does_not_say(imported: Run) -> None:
    record = open_run(imported.path).record
    assert (record.seed, record.recipe, record.data) == (None, None, {})
    assert record.imported_from == "LeNet5_full.keras"
    assert record.weights_chosen_by == "unknown"
    assert record.class_names == ("class 0", "class 1", "class 2")


def test_an_imported_run_knows_its_network(imported: Run, toy_run: Run) -> None:
    assert imported.record.network == "lenet5"
    assert imported.record.parameters == toy_run.record.parameters
    assert imported.record.preprocessing == toy_run.record.preprocessing


def test_an_imported_run_has_no_history(imported: Run) -> None:
    with pytest.raises(RunError, match=r"history\.csv: cannot be read"):
        imported.history()


def test_an_imported_run_is_tested_as_the_original(
    keras_file: Path, toy_run: Run, toy_cube: Path, tmp_path: Path
) -> None:
    theirs = import_keras_file(str(keras_file), str(tmp_path / "theirs"), classes_of=str(toy_cube))
    assert theirs.record.class_names == CLASS_NAMES
    shutil.copytree(toy_run.path, tmp_path / "ours")
    ours, found = (evaluate(tmp_path / name, toy_cube).metrics for name in ("ours", "theirs"))
    assert found.confusion_matrix == ours.confusion_matrix
    assert found.log_loss == pytest.approx(ours.log_loss)


def test_without_class_names_a_named_cube_is_not_guessed_at(imported: Run, toy_cube: Path) -> None:
    with pytest.raises(CubeError, match=r"classes differ.*Allowed: class 0, class 1, class 2.*import.*--classes-of"):
        evaluate(imported, toy_cube)


def test_an_import_without_class_names_says_how_to_name_them(keras_file: Path, tmp_path: Path) -> None:
    with pytest.warns(KamertonWarning, match=r"the 3 classes have none.*--classes-of"):
        import_keras_file(keras_file, tmp_path / "run")


def test_a_cube_without_class_names_gives_plain_ones(keras_file: Path, tmp_path: Path) -> None:
    plain = write_cube(tmp_path / "plain.fits", *toy_galaxies(6, 16, seed=0), ())
    run = import_keras_file(keras_file, tmp_path / "run", classes_of=plain)
    assert run.record.class_names == ("class 0", "class 1", "class 2")


def test_what_takes_some_seconds_is_said_before_it_begins(keras_file: Path, tmp_path: Path) -> None:
    class Watcher(Recorder):
        def say(self, line: str) -> None:
            super().say(line)
            assert not (tmp_path / "run").exists()

    watcher = Watcher()
    import_keras_file(keras_file, tmp_path / "run", watcher=watcher)
    assert watcher.said == ["reading LeNet5_full.keras, which takes some seconds"]


def test_a_missing_cube_of_class_names_leaves_no_run(keras_file: Path, tmp_path: Path) -> None:
    with pytest.raises(CubeError, match=r"nowhere\.fits: cannot be opened"):
        import_keras_file(keras_file, tmp_path / "run", classes_of=tmp_path / "nowhere.fits")
    assert not (tmp_path / "run").exists()


LETTERS = st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"], include_characters=" \\'&/,")
NAMES = st.text(LETTERS, min_size=1, max_size=90).filter(lambda name: name.isprintable() and name.strip() == name)


@given(names=st.lists(NAMES, min_size=3, max_size=3, unique=True))
@example(names=["wczesne, E' / S0", "p\u00f3\u017ane i nieregularne", r"\x41"])
@settings(max_examples=3)
def test_class_names_of_any_letters_stay_from_an_import_to_keras_and_back(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    """A list, a cube, a split, a training, a test, a .keras file, its import and a test of that."""
    place = tmp_path_factory.mktemp("letters")
    source = write_list(place, [names[row % 3] for row in range(30)])
    import_cube(source, place / "all.fits", classes=names, size=32)
    split_cube(place / "all.fits", place / "data")
    run = train(place / "data", network="lenet5", epochs=1, out=place / "run")
    evaluate(run, place / "data/test.fits")
    back = import_keras_file(run.keras_path, place / "keras", classes_of=place / "data/train.fits")
    found = evaluate(back, place / "data/test.fits")
    assert open_run(place / "run").record.class_names == back.record.class_names == tuple(names)
    assert [scores.class_name for scores in found.metrics.per_class] == names
    assert list(read_predictions(back, "test", found.metrics.galaxies).probabilities.shape)[1] == 3
    columns = pd.read_parquet(found.path / "predictions.parquet").columns
    assert {f"p_{name}" for name in names} <= set(columns)
