"""What the tests of evaluations read results with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from kamerton.evaluation.evaluate import Evaluation
from kamerton.runs.scores import Scores

NUMBERS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "roc_auc_macro", "confusion_matrix", "per_class")
COUNT = 18


def predictions(result: Evaluation) -> pd.DataFrame:
    return pd.read_parquet(result.path / "predictions.parquet")


def everything_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, with its content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def numbers(scores: Scores) -> dict[str, Any]:
    """What must not depend on how a cube is written."""
    return {name: getattr(scores, name) for name in NUMBERS}
