"""The demo goes the whole way; here with few galaxies and the smaller network."""

from __future__ import annotations

import io
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from astropy.table import Table
from PIL import Image
from rich.console import Console

import kamerton.demo as demo_module
from kamerton.config.surveys import DemoSettings
from kamerton.demo import Demo, demo
from kamerton.errors import OutputError, TrainingStoppedError

pytestmark = pytest.mark.long

SETTINGS = DemoSettings(count=200, size=32, epochs=2, networks=("lenet5",), new_galaxies=30)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Demo, str]:
    """What the demo made, and what it printed."""
    console = Console(file=io.StringIO(), width=200)
    made = demo(tmp_path_factory.mktemp("demo") / "out", console, SETTINGS)
    assert isinstance(console.file, io.StringIO)
    return made, console.file.getvalue()


def test_the_table_holds_the_results_of_the_test_set(shown: tuple[Demo, str]) -> None:
    made, _ = shown
    table = pd.read_csv(made.table)
    (result,) = made.comparison.networks
    assert table["network"].tolist() == ["LeNet-5"]
    assert table["accuracy"].tolist() == [result.metrics["accuracy"].value]
    assert result.metrics["accuracy"].value == result.predictions[0].metrics.accuracy
    assert made.comparison.dataset == "test.fits"


def test_the_report_is_a_page(shown: tuple[Demo, str]) -> None:
    made, text = shown
    assert made.report.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert str(made.report) in text


def test_the_picture_is_one(shown: tuple[Demo, str]) -> None:
    made, _ = shown
    with Image.open(made.picture) as picture:
        assert min(picture.size) > 300


def test_it_ends_with_a_calibrated_catalogue_of_galaxies_without_labels(shown: tuple[Demo, str]) -> None:
    made, text = shown
    table = Table.read(made.catalogue)
    assert len(table) == SETTINGS.new_galaxies
    assert str(table["ra"].unit) == "deg"
    assert "Calibrated" in table["p_round_smooth"].description
    assert sum(map(len, table["status"])) == 0
    assert str(made.catalogue) in text


def test_it_prints_where_its_table_and_picture_are(shown: tuple[Demo, str]) -> None:
    made, text = shown
    assert str(made.table) in text
    assert str(made.picture) in text


def test_an_existing_folder_is_refused_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        demo(tmp_path, Console(file=io.StringIO()), SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_after_a_failure_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kamerton.demo.evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo(tmp_path / "out", Console(file=io.StringIO()), SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_demo_says_that_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(*_: Any, **more: Any) -> Any:
        raise TrainingStoppedError(signal.SIGTERM, "in epoch 1 of 2", more["out"])

    monkeypatch.setattr(demo_module, "train", stops)
    with pytest.raises(TrainingStoppedError, match=r"nothing is kept\. Next: give the same command again\.$"):
        demo_module.demo(tmp_path / "demo", Console(quiet=True), SETTINGS)
    assert list(tmp_path.iterdir()) == []
