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
    "config",
    "devices",
    "files",
    "records",
    "tensors",
    "figures",
    "data",
    "networks",
    "network_table",
    "provenance",
    "runs",
    "formats",
    "training",
    "inference",
    "evaluation",
    "verification",
    "sweeping",
    "reporting",
    "measuring",
    "demo",
    "cli",
)
"""From the top down: a room may import from those before it and from itself."""

FRONT_DOORS = {"kamerton", "kamerton.__main__"}
"""They only lead on, to names that are imported when they are asked for."""


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


def room(name: str) -> int:
    return ROOMS.index(name.split(".")[1])


def test_the_list_names_every_room_of_the_package() -> None:
    assert {name.split(".")[1] for name in MODULES if name not in FRONT_DOORS} == set(ROOMS)


@pytest.mark.parametrize("name", sorted(set(MODULES) - FRONT_DOORS))
def test_imports_point_up(name: str) -> None:
    for imported in set(imports(name)) - FRONT_DOORS:
        assert room(imported) <= room(name), f"{name} imports {imported}, which lies below it"


def test_no_two_modules_need_each_other() -> None:
    graph = {name: set(imports(name)) - FRONT_DOORS - {name} for name in set(MODULES) - FRONT_DOORS}
    list(TopologicalSorter(graph).static_order())


def test_a_relative_import_does_not_hide_from_these_tests() -> None:
    for name, path in MODULES.items():
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        assert not any(isinstance(node, ast.ImportFrom) and node.level for node in nodes), name
