"""A shell completes commands, options and names, without waiting for PyTorch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kamerton.networks.registry import NETWORKS
from kamerton.recipes import recipe_names

PROGRAM = """
import sys
sys.argv = ["kamerton"]
from kamerton.cli import main
try:
    main()
finally:
    print("torch" in sys.modules, file=sys.stderr)
"""


def complete(shell: str, line: str) -> tuple[list[str], str]:
    """What a shell offers for a line, and whether PyTorch was imported for it."""
    asked = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "_KAMERTON_COMPLETE": f"complete_{shell}", **asked},
    )
    return done.stdout.split(), done.stderr.strip()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_completes_the_name_of_a_network_at_once(shell: str) -> None:
    offered, torch_was_imported = complete(shell, "kamerton train data --network alexnet20")
    assert "alexnet2012" in " ".join(offered)
    assert "lenet5" not in " ".join(offered)
    assert torch_was_imported == "False"


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kamerton train data --network ", list(NETWORKS)),
        ("kamerton train data --recipe ", recipe_names()),
        ("kamerton sweep data --networks lenet5,alexnet2", ["lenet5,alexnet2012"]),
        ("kamerton export run --to ke", ["keras"]),
        ("kamerton eval", ["evaluate"]),
    ],
)
def test_what_is_offered_is_what_is_known(line: str, offered: list[str]) -> None:
    assert complete("bash", line)[0] == offered
