"""A target of what a person decided about labels."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd

from kamerton.errors import KamertonWarning
from kamerton.labelling.decisions import read_decisions
from tests.fuzz.cases import Files

IDS = ("g0", "g1", "łuk, 2", "g3", "twice", "twice")
CLASSES = ("spiral", "edge-on", "0")


def decision_seeds(folder: Path) -> dict[str, Files]:
    """Decisions as the page writes them, as a spreadsheet does, and in Parquet."""
    decided = {
        "id": ["g0", "g1", "łuk, 2"],
        "label": ["spiral", "edge-on", "0"],
        "who": ["Ola", "Ola", ""],
        "when": ["2026-11-26T12:00:00+00:00", "", "2026-11-26T12:00:07+00:00"],
        "seconds": [2.5, 0.75, None],
    }
    table = pd.DataFrame(decided)
    table.to_csv(folder / "page.csv", index=False)
    table.to_csv(folder / "sheet.csv", index=False, sep=";")
    (folder / "short.csv").write_text('label,id\nspiral,"g3"\n', encoding="utf-8-sig")
    table.to_parquet(folder / "page.parquet")
    return {path.name: {f"decisions{path.suffix}": path.read_bytes()} for path in sorted(folder.iterdir())}


def read_any_decisions(folder: Path) -> None:
    """Read decisions; all that is read is of a galaxy and a class that there are."""
    path = next(folder.iterdir())
    with warnings.catch_warnings():
        # What is said of a cut line, and of what was undone, is no defect.
        warnings.simplefilter("ignore", KamertonWarning)
        found = read_decisions(path, IDS, CLASSES)
    assert found.label_of
    assert set(found.label_of) <= set(IDS) - {"twice"}
    assert set(found.label_of.values()) <= set(CLASSES)
