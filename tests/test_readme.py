"""The README's commands, tree, links and versions are true."""

from __future__ import annotations

import re
import shlex
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.requirements import Requirement
from packaging.version import Version

import kamerton
from kamerton.cli.command import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {path.name: path.read_text(encoding="utf-8") for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

NETWORK_MODULES = {
    path
    for path in ROOT.glob("kamerton/networks/*.py")
    if "import Network\n" in path.read_text(encoding="utf-8")
    and path.stem not in {"layouts", "registry", "timm_networks"}
}
"""Those that export entries of the table."""


def commands(text: str, program: str) -> list[str]:
    """The lines of the fenced blocks that call a program, without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.split(" ")[0] == program]


def every_command() -> list[str]:
    group: Any = typer.main.get_command(app)
    names = []
    for name, command in sorted(group.commands.items()):
        inner = sorted(getattr(command, "commands", {}))
        names += [f"{name} {word}" for word in inner] or [name]
    return names


@pytest.mark.parametrize("line", sorted({line for text in DOCUMENTS.values() for line in commands(text, "kamerton")}))
def test_a_documented_command_and_its_options_exist(line: str) -> None:
    command, words = typer.main.get_command(app), shlex.split(line)[1:]
    context = command.make_context("kamerton", words, resilient_parsing=True)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
        context = command.make_context(command.name, list(words), parent=context)
    assert not context.args


def test_the_readme_leads_to_every_document() -> None:
    assert [name for name in DOCUMENTS if name != "README.md" and f"{name})" not in README] == []


def test_the_readmes_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line.split()[1] for line in commands(README, "make")}
    assert {"demo", "test"} <= named <= targets


def tree() -> dict[str, str]:
    """Paths of the tree and what each is for."""
    block = DOCUMENTS["architecture.md"].split("## The tree")[1].split("```")[1]
    found: dict[str, str] = {}
    folders: list[str] = []
    for line in block.strip("\n").splitlines():
        name, _, purpose = line.strip().partition(" ")
        depth = (len(line) - len(line.lstrip())) // 2
        folders[depth:] = [name]
        found["".join(folders)] = purpose.strip()
    return found


def test_the_ten_files_to_read_first_exist() -> None:
    files = re.findall(r"^\d+\. `([^`]+)`", DOCUMENTS["architecture.md"], re.MULTILINE)
    assert len(files) == 10
    assert [path for path in files if not (ROOT / path).exists()] == []


def test_every_path_of_the_tree_exists() -> None:
    assert [path for path in tree() if not any(ROOT.glob(path))] == []


def test_every_module_is_in_the_tree_with_its_purpose() -> None:
    modules = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "kamerton").rglob("*.py")
        if path.name not in {"__main__.py"} and (path.name != "__init__.py" or len(path.read_text().splitlines()) > 1)
    }
    shown = tree()
    # The tree names the networks all at once, so that one more is no line more.
    modules -= {str(path.relative_to(ROOT)) for path in NETWORK_MODULES} | {"kamerton/__init__.py"}
    assert modules == {path for path in shown if path.endswith(".py") and "*" not in path}
    assert all(purpose for path, purpose in shown.items() if path.endswith(".py"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_of_a_document_leads_somewhere(document: str) -> None:
    folder = ROOT / "docs" if (ROOT / "docs" / document).exists() else ROOT
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", DOCUMENTS[document])
    assert [link for link in links if "://" not in link and not (folder / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_document_installs_an_extra_from_where_nothing_is_published(document: str) -> None:
    """Before a release pip finds no Kamerton but the checkout, or somebody else's of that name."""
    assert re.findall(r"pip install .?kamerton.*", DOCUMENTS[document]) == []


def test_one_version_everywhere() -> None:
    citation = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    changes = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert citation
    assert changes
    found = {kamerton.__version__, PROJECT["version"], citation[1], changes[1], metadata.version("kamerton")}
    assert found == {kamerton.__version__}


def test_the_readme_asks_for_the_python_that_the_project_asks_for() -> None:
    named = re.search(r"Python (3\.\d+) or newer", README)
    assert named
    assert PROJECT["requires-python"] == f">={named[1]}"


def pinned() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if "==" in line]
    return {name.lower().replace("_", "-"): Version(version) for name, version in pairs}


@pytest.mark.parametrize(
    "line", PROJECT["dependencies"] + [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
)
def test_every_requirement_is_pinned_within_its_range(line: str) -> None:
    requirement = Requirement(line)
    assert pinned()[requirement.name] in requirement.specifier


@pytest.mark.parametrize("name", ["torch", "numpy", "astropy", "keras"])
def test_the_tests_run_with_the_pinned_versions(name: str) -> None:
    assert Version(metadata.version(name)).public == str(pinned()[name])


def test_every_entry_of_the_log_has_a_date_and_begins_with_its_verdict() -> None:
    sections = re.findall(r"^## .*", DOCUMENTS["log.md"], re.MULTILINE)
    entries = re.findall(r"^- .*", DOCUMENTS["log.md"], re.MULTILINE)
    assert [line for line in sections if not re.search(r" \(20\d\d-\d\d-\d\d\)$", line)] == []
    assert [line for line in entries if not re.match(r"- \*\*(Kept|Dropped|Missed|Open): ", line)] == []


NAMED_TESTS = sorted(set(re.findall(r"`(?:pytest )?(tests/[\w/*.]+)(?: -k \"?([\w ]+)\"?)?`", DOCUMENTS["trust.md"])))


@pytest.mark.parametrize(("place", "words"), NAMED_TESTS)
def test_a_promise_names_tests_that_exist(place: str, words: str) -> None:
    files = [file for path in ROOT.glob(place) for file in ([path] if path.is_file() else path.glob("test_*.py"))]
    names = re.findall(r"^def (test_\w+)", "".join(file.read_text(encoding="utf-8") for file in files), re.MULTILINE)
    assert names
    assert all(any(word in name for name in names) for word in words.split(" or ") if word)
