"""Imports point up the list of rooms only, and no two modules need each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kamerton"

ROOMS = (
    "errors",
    "version",
    "plurals",
    "quiet",
    "checks",
    "config",
    "opening",
    "parquet_pages",
    "parquet",
    "files",
    "records",
    "tensors",
    "arrays",
    "progress",
    "jupyter",
    "machine",
    "recipes",
    "figures",
    "data",
    "batches",
    "networks",
    "runs",
    "formats",
    "starts",
    "training",
    "inference",
    "certainty",
    "evaluation",
    "catalogue",
    "explaining",
    "neighbours",
    "verification",
    "sweeping",
    "reporting",
    "labelling",
    "browsing",
    "measuring",
    "demo",
    "serving",
    "cli",
    "__init__",
    "__main__",
)
"""From the top down: a room may import from those before it and from itself."""


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(name: str) -> Iterator[str]:
    """The modules of the package that a module imports anywhere, inside functions too."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "kamerton":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)


def room(name: str) -> str:
    """The first word below the package; the package's own front door is its ``__init__``."""
    return [*name.split("."), "__init__"][1]


def test_the_list_names_every_room_of_the_package() -> None:
    assert {room(name) for name in MODULES} == set(ROOMS)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_point_up(name: str) -> None:
    for imported in set(imports(name)):
        assert ROOMS.index(room(imported)) <= ROOMS.index(room(name)), f"{name} imports {imported}, which lies below it"


def test_no_two_modules_need_each_other() -> None:
    graph = {name: set(imports(name)) - {name} for name in MODULES}
    list(TopologicalSorter(graph).static_order())


def test_a_relative_import_does_not_hide_from_these_tests() -> None:
    for name, path in MODULES.items():
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        assert not any(isinstance(node, ast.ImportFrom) and node.level for node in nodes), name
