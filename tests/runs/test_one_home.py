"""Only the room of run folders knows what their files are called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "kamerton"
FILES = (
    "run.json",
    "history.csv",
    "galaxies.parquet",
    "model.safetensors",
    "model.keras",
    "model.onnx",
    "checkpoint",
    "evaluation",
    "metrics.json",
    "predictions.parquet",
    "confusion.png",
    "mistakes.png",
)
ELSEWHERE = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE / "runs")


def names_joined_or_ending(tree: ast.AST) -> Iterator[str]:
    """Every text that stands in code as a path does: alone, or as the end of a pattern; sentences are none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.rsplit("/", 1)[-1]


def joins_to_a_run(tree: ast.AST) -> Iterator[str]:
    """Every ``run.path / ...``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and ast.unparse(node.left).endswith("run.path"):
            yield ast.unparse(node)


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_other_room_names_a_file_of_a_run_folder(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert set(names_joined_or_ending(tree)) & set(FILES) == set()
    assert list(joins_to_a_run(tree)) == []


def test_the_room_itself_names_them() -> None:
    names = {
        name
        for path in (PACKAGE / "runs").glob("*.py")
        for name in names_joined_or_ending(ast.parse(path.read_text(encoding="utf-8")))
    }
    # Pictures are named by who draws them; `Run.model_path` makes an export's name from its format.
    assert set(FILES) - {"confusion.png", "mistakes.png", "model.keras", "model.onnx"} <= names
