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

SLOW_FROM_SECONDS = 0.1
"""Processor time from which a test function with all its parameters is slow."""

SLOW_SHARED_FROM_SECONDS = 0.2
"""And a fixture that tests share; leaving it out leaves out all that ask for it."""

FIXTURE = "fixture::"
"""Before the name of a shared fixture in the list: the first test that asks pays for it, so all are left out."""

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


def processor_seconds() -> float:
    """Take the processor's time of this process and of those that it waited for."""
    return sum(os.times()[:4])


def slow_from(name: str) -> float:
    """Give the processor time from which a test or a shared fixture is slow."""
    return SLOW_SHARED_FROM_SECONDS if name.startswith(FIXTURE) else SLOW_FROM_SECONDS


def slow_names() -> set[str]:
    """Read the names of the slow tests and fixtures; their times stand behind them."""
    return {line.split()[0] for line in SLOW.read_text(encoding="utf-8").splitlines() if not line.startswith("#")}


def is_slow(item: pytest.Item, slow: set[str]) -> bool:
    """Say whether a test is slow itself, is marked as long, or needs a fixture that is slow."""
    if item.get_closest_marker("long"):
        return True
    fixtures = getattr(item, "fixturenames", ())
    return function_of(item.nodeid) in slow or any(FIXTURE + name in slow for name in fixtures)


class Quick:
    """Leaves out the slow tests, and stops where the others take too long."""

    def __init__(self, within_seconds: float) -> None:
        self.within_seconds = within_seconds
        self.start = time.monotonic()
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out the slow tests."""
        slow = slow_names()
        config.hook.pytest_deselected(items=[item for item in items if is_slow(item, slow)])
        items[:] = [item for item in items if not is_slow(item, slow)]

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
        self.shared_seconds = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Take what a test needs, without the fixtures that it shares."""
        before, shared = processor_seconds(), self.shared_seconds
        done = yield
        self.seconds[function_of(item.nodeid)] += processor_seconds() - before - (self.shared_seconds - shared)
        return done

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Take what a shared fixture needs, without those that it is made of."""
        before, shared = processor_seconds(), self.shared_seconds
        done = yield
        if fixturedef.scope != "function":
            own = processor_seconds() - before - (self.shared_seconds - shared)
            self.shared_seconds += own
            name = FIXTURE + fixturedef.argname
            self.seconds[name] = max(self.seconds[name], own)
        return done

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a process of xdist has measured."""
        for name, seconds in getattr(node, "workeroutput", {}).get(TIMES, {}).items():
            known = self.seconds[name]
            self.seconds[name] = max(known, seconds) if name.startswith(FIXTURE) else known + seconds

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the list, or hand the times to the process that does."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[TIMES] = dict(self.seconds)
            return
        slow = sorted(name for name, seconds in self.seconds.items() if seconds >= slow_from(name))
        lines = [f"{name} {self.seconds[name]:.1f}" for name in slow]
        head = (
            f"# Tests of {SLOW_FROM_SECONDS} s of processor time or more, and fixtures that they share of "
            f"{SLOW_SHARED_FROM_SECONDS} s; `make slow` writes this."
        )
        SLOW.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
