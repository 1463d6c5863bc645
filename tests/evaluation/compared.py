"""What the tests of comparisons change runs and read folders with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from kamerton.runs.folder import Run
from tests.conftest import CLASS_NAMES

RESAMPLES = 300


def rewrite(run: Run, probabilities: np.ndarray) -> None:
    """Let a run have answered otherwise."""
    place = run.evaluation_path("test") / "predictions.parquet"
    table = pd.read_parquet(place)
    table[[f"p_{name}" for name in CLASS_NAMES]] = probabilities
    table.to_parquet(place)


def answers(run: Run, said: np.ndarray) -> None:
    """Let a run have named these classes."""
    rewrite(run, np.eye(3, dtype=np.float32)[said] * 0.9 + 0.1 / 3)


def copy_runs(runs: Path, copy: Path) -> None:
    """Copy run folders to be changed in all but their weights, which are links, for they would fill a disk."""

    def copy_or_link(source: str, target: str) -> None:
        (os.link if source.endswith((".safetensors", ".keras")) else shutil.copy2)(source, target)

    shutil.copytree(runs, copy, copy_function=copy_or_link, ignore=shutil.ignore_patterns("checkpoint"))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
