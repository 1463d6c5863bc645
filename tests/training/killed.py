"""A training that dies after so many batches, and all that two equal ones share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd

from kamerton.runs.folder import Run
from kamerton.training.progress import Silent
from kamerton.training.session import Tally
from tests.dying import KilledError

OPTIONS: dict[str, Any] = {
    "network": "lenet5",
    "recipe": "notebook",
    "epochs": 3,
    "batch_size": 8,
    "checkpoint_steps": 1,
    "seed": 3,
}


def outcome(run: Run) -> dict[str, Any]:
    """All that two equal trainings share to the bit: files, history and record without their times and places."""
    checkpoint = max(run.checkpoint_path.glob("*.safetensors"))
    record = json.loads((run.path / "run.json").read_text())
    del record["started"], record["peak_memory_bytes"]
    for cube in record["data"].values():
        # The way from the run folder to the cube, which lies elsewhere.
        del cube["beside"]
    return {
        "weights": run.weights_path.read_bytes(),
        "optimizer": checkpoint.read_bytes(),
        "galaxies": run.seen_path.read_bytes(),
        "history": pd.read_csv(run.history_path, dtype=str).drop(columns=["seconds", "images_per_second"]).to_csv(),
        "record": record,
        "files": sorted(str(path.relative_to(run.path)) for path in run.path.rglob("*")),
    }


class KillAfterStep(Silent):
    """Dies after so many batches."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def end_step(self, tally: Callable[[], Tally], images_per_second: float) -> None:
        self.left -= 1
        if self.left == 0:
            raise KilledError
