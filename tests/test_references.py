"""The references of the command line and of the package are those of the code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kamerton
from docs.generate import REFERENCES
from tests.test_readme import every_command

DOCS = Path(__file__).parents[1] / "docs"


def written(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The references made anew, in a process of their own: here functions are wrapped, for their arrays are checked."""
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run([sys.executable, "-m", "docs.generate", str(folder)], cwd=DOCS.parent, check=True)
    return folder


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_is_as_the_code_is(name: str, made: Path) -> None:
    new = (made / name).read_text(encoding="utf-8")
    assert written(name) == new, f"docs/{name} is not what the code says any more: run `make docs`"


@pytest.mark.parametrize("command", every_command())
def test_every_command_has_its_section(command: str) -> None:
    assert f"\n## `kamerton {command}`\n" in written("cli.md").replace("\n###", "\n##")


@pytest.mark.parametrize("name", sorted(set(kamerton.__all__) - {"__version__"}))
def test_every_public_name_has_its_section(name: str) -> None:
    assert f"\n## {name}\n" in written("api.md")
