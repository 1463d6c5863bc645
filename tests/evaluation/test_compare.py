"""A comparison in files: what is compared, what is written, and what it takes the place of."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from kamerton.errors import DataError, OutputError, UsageError
from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison_figures import FIGURES
from kamerton.runs.folder import Run, find_runs
from tests.evaluation.changing import change_metrics
from tests.evaluation.compared import RESAMPLES, content


def test_a_folder_of_runs_stands_for_all_of_them_and_each_is_taken_once(swept: Path) -> None:
    runs = find_runs([swept / "runs", swept / "runs/lenet5-seed1"])
    assert [run.name for run in runs] == ["lenet5-seed0", "lenet5-seed1", "resnet18-seed0"]


def test_one_folder_needs_no_list(swept: Path) -> None:
    found = compare(str(swept / "runs"), resamples=RESAMPLES)
    assert found.as_json() == compare([swept / "runs"], resamples=RESAMPLES).as_json()


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
            compare([swept / "runs"], out=tmp_path / place, resamples=RESAMPLES, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert content(tmp_path / "old") == before


def test_a_comparison_takes_the_place_of_an_earlier_one_whole(swept: Path, written: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(written, tmp_path / "out"))
    before = content(out)
    (out / "cost.png").write_bytes(b"of an earlier version")
    (out / "comparison.csv").unlink()
    with pytest.raises(OutputError, match=r"exists already.*--overwrite"):
        compare([swept / "runs"], out=out, resamples=RESAMPLES)
    compare([swept / "runs"], out=out, resamples=RESAMPLES, overwrite=True)
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
        compare([swept / "runs"], out=out, resamples=RESAMPLES, overwrite=True)
    assert content(elsewhere if foreign == "a file" else out) == before
    assert foreign != "a file" or out.read_text() == "a thesis"


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
