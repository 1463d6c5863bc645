"""A plugin for ``make quick``: the tests that take little, within a minute, however many are added.

``tests/slow.txt`` names the others; ``make slow`` measures all tests and writes it anew.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

SLOW = Path(__file__).with_name("slow.txt")

SLOW_FROM_SECONDS = 0.2
"""Processor time of a test function with all its parameters and fixtures, from which it is slow."""

TIMES = "processor_seconds"
"""Under which a process of xdist hands over what it measured."""

QUICK_SECONDS = 50.0
"""After which the run ends; style and types have the rest of the minute."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that measures instead, and the one that waits longer."""
    parser.addoption("--write-slow", action="store_true", help="run all tests, and write tests/slow.txt")
    parser.addoption("--within", type=float, default=QUICK_SECONDS, metavar="SECONDS", help="end the run after these")


def pytest_configure(config: pytest.Config) -> None:
    """Leave the slow tests out, or measure all of them."""
    config.pluginmanager.register(
        Measuring() if config.getoption("--write-slow") else Quick(config.getoption("--within"))
    )


def function_of(nodeid: str) -> str:
    """Name the test function, whatever its parameters."""
    return nodeid.split("[", maxsplit=1)[0]


def slow_tests() -> set[str]:
    """Read the names of the slow tests; their times stand behind them."""
    return {line.split()[0] for line in SLOW.read_text(encoding="utf-8").splitlines() if not line.startswith("#")}


class Quick:
    """Leaves out the slow tests, and stops where the others take too long."""

    def __init__(self, within_seconds: float) -> None:
        self.within_seconds = within_seconds
        self.start = time.monotonic()
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out the slow tests."""
        slow = slow_tests()
        config.hook.pytest_deselected(items=[item for item in items if function_of(item.nodeid) in slow])
        items[:] = [item for item in items if function_of(item.nodeid) not in slow]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Stop when the time is up, and name what took it."""
        self.seconds[function_of(report.nodeid)] += report.duration
        if time.monotonic() - self.start > self.within_seconds and "PYTEST_XDIST_WORKER" not in os.environ:
            five = sorted(self.seconds, key=self.seconds.__getitem__, reverse=True)[:5]
            longest = ", ".join(f"{name} ({self.seconds[name]:.1f} s)" for name in five)
            pytest.exit(
                f"the quick tests take more than {self.within_seconds:.0f} s; the longest: {longest}", returncode=1
            )


class Measuring:
    """Writes the list of the slow tests after a run of all, in one process or in several (pytest-xdist)."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Take the processor's time of this process and of those that it waited for."""
        before = sum(os.times()[:4])
        done = yield
        self.seconds[function_of(item.nodeid)] += sum(os.times()[:4]) - before
        return done

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a process of xdist has measured."""
        for name, seconds in getattr(node, "workeroutput", {}).get(TIMES, {}).items():
            self.seconds[name] += seconds

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the list, or hand the times to the process that does."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[TIMES] = dict(self.seconds)
            return
        slow = sorted(name for name, seconds in self.seconds.items() if seconds >= SLOW_FROM_SECONDS)
        lines = [f"{name} {self.seconds[name]:.1f}" for name in slow]
        head = f"# Tests of {SLOW_FROM_SECONDS} s of processor time or more, in seconds; `make slow` writes this."
        SLOW.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
