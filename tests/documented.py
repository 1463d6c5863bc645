"""What stands in the `console` blocks of a document, tried as its reader would: it runs, and prints what is shown."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

COMMANDS = """
import contextlib, io, json, sys
from kamerton import cli
printed = []
for words in json.loads(sys.argv[1]):
    sys.argv = words
    with contextlib.redirect_stdout(io.StringIO()) as text:
        try:
            cli.main()
        except SystemExit as end:
            assert not end.code, words
    printed.append(text.getvalue())
print(json.dumps(printed))
"""
"""Runs many commands in one process, which imports PyTorch once."""


def blocks(document: str, kind: str) -> list[str]:
    """Give the fenced blocks of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", document, re.MULTILINE | re.DOTALL)


def run_in(folder: Path, *words: str, package: Path | None = None) -> str:
    """Run a program in a folder with the package that lies there, or in another, and give what it printed.

    It must succeed.
    """
    settings = os.environ | {"PYTHONPATH": str(package or folder), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    done = subprocess.run(words, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def try_commands(document: str, folder: Path, *, package: Path | None = None) -> None:
    """Run every command of a document in a folder; each must print the lines that stand below it."""
    calls = [call.splitlines() for block in blocks(document, "console") for call in block.split("$ ")[1:]]
    words = json.dumps([shlex.split(command) for command, *_ in calls])
    printed = json.loads(run_in(folder, sys.executable, "-c", COMMANDS, words, package=package))
    for (command, *shown), text in zip(calls, printed, strict=True):
        assert [line for line in shown if line not in text] == [], f"{command} printed\n{text}"
