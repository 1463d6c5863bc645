"""The ``kamerton`` command in a process of its own, without the seconds in which PyTorch is imported.

It is forked from a process that has imported everything, so that it can be killed and be sent signals like any other.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.imported"])


class Forked:
    """A ``kamerton`` command that runs."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Begin, with more of an ``environment``; what it prints comes into files in ``folder``."""
        self._stdout, self._stderr = folder / "stdout.txt", folder / "stderr.txt"
        folder.mkdir(parents=True, exist_ok=True)
        self._process = SERVER.Process(
            target=_command, args=(list(words), self._stdout, self._stderr, dict(environment or {}))
        )
        self._process.start()

    def poll(self) -> int | None:
        """Give the exit code, as ``subprocess`` has it; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None and self._process.pid is not None:
            os.kill(self._process.pid, number)

    def wait(self) -> int:
        """Wait for its end, and give the exit code."""
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    @property
    def stdout(self) -> str:
        """What it has printed."""
        return self._stdout.read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        """What it has printed as notes and errors."""
        return self._stderr.read_text(encoding="utf-8")


def run_forked(words: Sequence[str], folder: Path) -> Forked:
    """Run a command to its end, which must be a good one."""
    command = Forked(words, folder)
    assert command.wait() == 0, command.stderr
    return command


def _command(words: list[str], stdout: Path, stderr: Path, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    for number, place in ((1, stdout), (2, stderr)):
        with place.open("wb") as file:
            os.dup2(file.fileno(), number)
    # The server ignores Ctrl-C; a command of a terminal does not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["kamerton", *words]
    from kamerton.cli import main

    main()
