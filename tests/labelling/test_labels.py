"""The search for wrong labels, from a cube to a folder."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import kamerton
from kamerton.errors import OutputError, RunError, TrainingStoppedError, UnknownNameError, UsageError
from kamerton.labelling import judging
from kamerton.labelling.findings import Findings
from kamerton.labelling.galaxies import open_galaxies
from kamerton.labelling.judging import Judged
from kamerton.labelling.labels import LabelReport, labels
from kamerton.labelling.telling import cautions, find_language
from kamerton.progress import Silent
from kamerton.runs.evaluation import read_metrics, read_predictions
from kamerton.training.train import train
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube

pytest.importorskip("cleanlab")

WRONG = (3, 4, 50)
"""Galaxies whose labels are not theirs."""

HOW: dict[str, Any] = {"network": "lenet5", "recipe": "notebook", "epochs": 6, "batch_size": 8, "folds": 2}


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images_nhwc, given = toy_galaxies(120, 32, 0)
    given[list(WRONG)] = (given[list(WRONG)] + 1) % 3
    ids = [f"<łuk>-{row}" for row in range(120)]
    return write_cube(tmp_path_factory.mktemp("labels") / "toy.fits", images_nhwc, given, id=ids)


@pytest.fixture(scope="module")
def searched(cube: Path, tmp_path_factory: pytest.TempPathFactory) -> LabelReport:
    return labels(cube, out=tmp_path_factory.mktemp("found") / "out", **HOW)


def listed(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_wrong_labels_stand_at_the_top_of_the_list(searched: LabelReport) -> None:
    rows = listed(searched.path)
    assert {row["id"] for row in rows[:3]} == {f"<łuk>-{row}" for row in WRONG}
    assert len({row["id"] for row in rows}) == searched.galaxies == 120
    assert sum(row["probably_wrong"] == "yes" for row in rows) == searched.probably_wrong
    assert rows[0]["given"] != rows[0]["suggested"]
    assert {row["given"] for row in rows} == set(CLASS_NAMES)


def test_networks_that_have_learned_too_little_are_told_before_anything_else(cube: Path, searched: LabelReport) -> None:
    with open_galaxies(cube, Silent()) as galaxies:
        rng = np.random.default_rng(0)
        chances = rng.dirichlet(np.ones(3), len(galaxies)).astype(np.float32)
        record = json.loads((searched.path / "labels.json").read_text(encoding="utf-8"))
        runs = tuple(kamerton.open_run(searched.path / fold["run"]) for fold in record["folds"])
        metrics = tuple(read_metrics(run, "held") for run in runs)
        words = find_language("en")
        found = Findings.of(galaxies, Judged(chances, runs, metrics), ())
        assert "NOT SHOWN TO BE BETTER THAN GUESSING" in cautions(found, words)[0]
        # Better than guessing, and sure of another class for every third galaxy.
        said = galaxies.labels + (np.arange(120) >= 80)
        chances[np.arange(120), said % 3] += 4
        chances /= chances.sum(1, keepdims=True)
        found = Findings.of(galaxies, Judged(chances, runs, metrics), ())
        assert "OF THE LABELS MARKED" in cautions(found, words)[0]
    assert not any("MARKED" in said or "GUESSING" in said for said in searched.words)


def test_every_galaxy_is_judged_by_the_run_that_has_not_seen_it(searched: LabelReport) -> None:
    table = pd.read_parquet(searched.path / "labels.parquet").set_index("id")
    judged: list[str] = []
    for fold in (1, 2):
        run = kamerton.open_run(searched.path / f"runs/fold-{fold}")
        metrics = read_metrics(run, "held")
        predictions = read_predictions(run, "held", metrics.galaxies)
        assert metrics.leakage.status == "none"
        chances = table.loc[list(predictions.ids), [f"p_{name}" for name in CLASS_NAMES]]
        np.testing.assert_array_equal(chances.to_numpy(), predictions.probabilities)
        judged += predictions.ids
        assert kamerton.verify(run) is not None
    assert sorted(judged) == sorted(table.index)


def test_the_lists_the_record_and_the_answer_say_the_same(searched: LabelReport) -> None:
    record = json.loads((searched.path / "labels.json").read_text(encoding="utf-8"))
    assert record["words"] == list(searched.words)
    assert record["probably_wrong"] == searched.probably_wrong == int(np.sum([way["labels"] for way in record["ways"]]))
    assert sum(fold["galaxies"] for fold in record["folds"]) == 120
    with kamerton.open_cube(searched.path.parents[1] / record["data"][0]["path"]) as cube:
        assert record["data"][0]["fingerprint"] == cube.fingerprint()
    table, rows = pd.read_parquet(searched.path / "labels.parquet"), listed(searched.path)
    assert [row["id"] for row in rows] == table["id"].tolist()
    assert [row["score"] for row in rows] == [f"{score:.6f}" for score in table["score"]]


def test_the_page_opens_offline_and_shows_the_most_suspicious(searched: LabelReport) -> None:
    page = (searched.path / "labels.html").read_text(encoding="utf-8")
    assert "&lt;łuk&gt;-50" in page
    assert "<łuk>" not in page
    assert page.count("data:image/jpeg") == searched.probably_wrong
    assert "http" not in page.replace("http-equiv", "")
    with Image.open(searched.path / "labels.png") as picture:
        assert picture.width > 900


def test_the_fold_s_cubes_are_taken_away(searched: LabelReport) -> None:
    assert {place.name for place in searched.path.iterdir()} == {
        "folds.json",
        "runs",
        *(f"labels.{ending}" for ending in ("csv", "parquet", "png", "html", "json")),
    }


def test_killed_and_resumed_it_finds_the_same(
    cube: Path, searched: LabelReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def dies(*given: Any, **more: Any) -> Any:
        calls.append(more["out"].name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(*given, **more)

    monkeypatch.setattr(judging, "train", dies)
    with pytest.raises(KeyboardInterrupt):
        labels(cube, out=tmp_path / "out", **HOW)
    assert not (tmp_path / "out/labels.csv").exists()
    again = labels(cube, out=tmp_path / "out", resume=True, **HOW)
    assert calls == ["fold-1", "fold-2", "fold-2"]
    for name in ("labels.csv", "labels.parquet", "labels.png", "folds.json"):
        assert (again.path / name).read_bytes() == (searched.path / name).read_bytes(), name


def test_a_stop_tells_how_all_of_it_goes_on(cube: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    def stops(*_: Any, **more: Any) -> Any:
        raise TrainingStoppedError(signal.SIGTERM, "after epoch 1", more["out"])

    monkeypatch.setattr(judging, "train", stops)
    with pytest.raises(TrainingStoppedError, match=r"in fold 1 of 2, after epoch 1.*--resume --out \S*out\b") as caught:
        labels(cube, out=tmp_path / "out", **HOW)
    assert "fold-1" not in str(caught.value)
    assert caught.value.exit_code == 128 + 15


def test_resumed_when_all_is_done_it_says_it_again_in_the_other_language(cube: Path, searched: LabelReport) -> None:
    page = (searched.path / "labels.html").read_text(encoding="utf-8")
    again = labels(cube, out=searched.path, resume=True, lang="pl", **HOW)
    assert again.words == searched.words
    polish = (searched.path / "labels.html").read_text(encoding="utf-8")
    assert "Które etykiety są prawdopodobnie błędne?" in polish
    labels(cube, out=searched.path, resume=True, **HOW)
    assert (searched.path / "labels.html").read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"folds": 3}, "settings.folds|folds 2, and now 3"),
        ({"epochs": 7}, "recipe.epochs 6, and now 7"),
        ({"network": "alexnet", "size": 67}, "network lenet5, and now alexnet"),
    ],
)
def test_another_request_is_not_mixed_with_the_first(
    cube: Path, searched: LabelReport, other: dict[str, Any], message: str
) -> None:
    with pytest.raises(OutputError, match=message):
        labels(cube, out=searched.path, resume=True, **(HOW | other))


def test_other_data_are_not_mixed_with_the_first(searched: LabelReport, toy_cube: Path) -> None:
    with pytest.raises(OutputError, match=r"begun with another request.*data"):
        labels(toy_cube, out=searched.path, resume=True, **HOW)


def test_what_is_there_is_not_written_over(cube: Path, searched: LabelReport, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="go on with it by --resume"):
        labels(cube, out=searched.path, **HOW)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds no search for wrong labels"):
        labels(cube, out=tmp_path, resume=True, **HOW)


def test_nothing_of_others_is_removed_from_where_the_folds_cubes_were(cube: Path, searched: LabelReport) -> None:
    notes = searched.path / "cubes/fold-1/notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("mine")
    labels(cube, out=searched.path, resume=True, **HOW)
    assert notes.read_text() == "mine"
    shutil.rmtree(searched.path / "cubes")


@pytest.mark.parametrize("inner", ["cubes", "cubes/fold-1"])
def test_nothing_is_removed_through_a_link(cube: Path, searched: LabelReport, tmp_path: Path, inner: str) -> None:
    theirs = tmp_path / ("fold-1/train.fits" if inner == "cubes" else "train.fits")
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("theirs")
    link = searched.path / inner
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path)
    with pytest.raises(OutputError, match=r"is a link, and nothing outside"):
        labels(cube, out=searched.path, resume=True, **HOW)
    assert theirs.read_text() == "theirs"
    link.unlink()
    shutil.rmtree(searched.path / "cubes", ignore_errors=True)


def spoil(place: Path, old: bytes, new: bytes) -> bytes:
    whole = place.read_bytes()
    assert old in whole
    place.write_bytes(whole.replace(old, new, 1))
    return whole


def test_damaged_folds_are_refused(cube: Path, searched: LabelReport) -> None:
    place = searched.path / "folds.json"
    for old, new, message in (
        (b'"fold_of": [\n    ', b'"fold_of": [\n    9', "not a fold and a group for each galaxy"),
        (b'"fold_of"', b'"fold_off"', "fold_of"),
        (b"{", b"[", "cannot be read"),
        (b'"asked": {', b'"asked": {"name": ' + b"[" * 700 + b"]" * 700 + b", ", "cannot be read.*nested too deeply"),
    ):
        whole = spoil(place, old, new)
        with pytest.raises(RunError, match=message):
            labels(cube, out=searched.path, resume=True, **HOW)
        place.write_bytes(whole)


def test_folds_of_which_one_judges_nobody_are_refused(cube: Path, searched: LabelReport) -> None:
    place = searched.path / "folds.json"
    whole = place.read_bytes()
    place.write_text(json.dumps(json.loads(whole) | {"fold_of": [0] * 120}))
    with pytest.raises(RunError, match="folds without a galaxy"):
        labels(cube, out=searched.path, resume=True, **HOW)
    place.write_bytes(whole)


def test_a_damaged_run_of_a_fold_is_refused(cube: Path, searched: LabelReport) -> None:
    run = searched.path / "runs/fold-2"
    place = run / "evaluation/held/metrics.json"
    whole = spoil(place, b'"log_loss": ', b'"log_loss": 1')
    with pytest.raises(RunError, match="changed since they were written"):
        labels(cube, out=searched.path, resume=True, **HOW)
    place.write_bytes(whole)
    place = run / "evaluation/held/predictions.parquet"
    whole = place.read_bytes()
    place.write_bytes(whole[:-20])
    with pytest.raises(RunError, match=r"predictions\.parquet: cannot be read"):
        labels(cube, out=searched.path, resume=True, **HOW)
    place.write_bytes(whole)


def test_what_cannot_be_is_known_before_anything_is_trained(cube: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Unknown network 'lenet'"):
        labels(cube, network="lenet", out=tmp_path / "out")
    with pytest.raises(UnknownNameError, match="Unknown language 'de'"):
        labels(cube, network="lenet5", lang="de", out=tmp_path / "out")
    with pytest.raises(UsageError, match=r"norm_momentum keeps .* no learned weights .* --start"):
        labels(cube, network="lenet5", recipe="finetune", out=tmp_path / "out")
    with pytest.raises(UsageError, match="holds no weights of lenet5"):
        labels(cube, network="lenet5", start="efficientnet_lite0.imagenet", out=tmp_path / "out")
    with pytest.raises(UsageError, match=r"folds.*2 to 50"):
        labels(cube, network="lenet5", folds=1, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
