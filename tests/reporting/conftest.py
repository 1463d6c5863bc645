"""Tested runs, what they compare to, and their pages, for all tests of reports."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison import Comparison
from kamerton.evaluation.evaluate import evaluate
from kamerton.reporting.languages import LANGUAGES
from kamerton.reporting.report import report
from kamerton.runs.folder import Run, open_run
from kamerton.training.train import train
from tests.conftest import CLASS_NAMES
from tests.evaluation.changing import change_metrics
from tests.reporting.pages import RESAMPLES


@pytest.fixture(scope="session")
def runs(toy_run: Run, toy_splits: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two tested runs with names that HTML would stumble over."""
    folder = tmp_path_factory.mktemp("report")
    found = [
        train(toy_splits, network="lenet5", recipe=recipe, epochs=1, out=folder / f"<b>{recipe}")
        for recipe in ("notebook", "modern")
    ]
    for run in found:
        evaluate(run, toy_splits / "test.fits")
    return found


@pytest.fixture(scope="session")
def pages(runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    return {
        lang: report(runs, folder / f"{lang}.html", lang=lang, resamples=RESAMPLES).read_text(encoding="utf-8")
        for lang in LANGUAGES
    }


@pytest.fixture(scope="session")
def often_wrong(runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A comparison with something for every figure: both networks get the first three galaxies wrong."""
    copies = []
    for run in runs:
        copy = open_run(shutil.copytree(run.path, tmp_path_factory.mktemp("wrong") / run.name))
        place = copy.evaluation_path("test") / "predictions.parquet"
        table = pd.read_parquet(place)
        answers = table["label"].to_numpy().copy()
        answers[:3] = (answers[:3] + 1) % len(CLASS_NAMES)
        table[[f"p_{name}" for name in CLASS_NAMES]] = np.eye(len(CLASS_NAMES), dtype=np.float32)[answers]
        table.to_parquet(place)
        change_metrics(copy, seal=None)
        copies.append(copy)
    return compare(copies, resamples=RESAMPLES)


@pytest.fixture(scope="session")
def comparison(runs: list[Run]) -> Comparison:
    return compare(runs, resamples=RESAMPLES)
