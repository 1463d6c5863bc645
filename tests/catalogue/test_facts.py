"""What a catalogue says of itself is read as docs/catalogues.md says, from every form of it."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

from kamerton.catalogue.predict import predict
from kamerton.runs.folder import Run
from tests.conftest import write_toy_cube

TEXT = (Path(__file__).parents[2] / "docs/catalogues.md").read_text(encoding="utf-8")


def documented() -> str:
    (code,) = re.findall(r"(?s)The facts, as a dictionary.*?```python\n(.*?)```", TEXT)
    return str(code)


def test_the_documented_lines_give_the_facts_of_every_form(
    toy_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube = write_toy_cube(tmp_path / "new.fits", 3, seed=7)
    for ending in ("vot", "ecsv", "parquet", "fits", "csv"):
        predict(toy_run, cube, out=tmp_path / f"shapes.{ending}")
    monkeypatch.chdir(tmp_path)
    values: list[Any] = []
    known: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        for line in ast.parse(documented()).body:
            if isinstance(line, ast.Expr):
                values.append(eval(ast.unparse(line), known))  # our own page
            else:
                exec(ast.unparse(line), known)
    assert len(values) == 5
    assert [toy_run.weights_sha256() in str(found) and "kamerton.run" in str(found) for found in values] == [True] * 5
