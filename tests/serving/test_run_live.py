"""Trainings followed live: what a page is told, and that nothing is left of it when it goes."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from kamerton.config.serving import Caps, ServeSettings
from kamerton.runs.folder import Run, open_run
from kamerton.runs.lock import holder, locked
from kamerton.serving import run_live
from kamerton.serving.queue import BusyError
from kamerton.serving.run_live import Live, Stream
from kamerton.serving.run_results import version_of
from kamerton.serving.run_states import RunState, RunStates
from kamerton.serving.site import Site

WAIT_SECONDS = 20


@pytest.fixture
def run(toy_run: Run, tmp_path: Path) -> Run:
    """A training after its first epoch of two; nobody goes on with it."""
    shutil.copytree(toy_run.path, tmp_path / "run")
    found = open_run(tmp_path / "run")
    found.update(dataclasses.replace(found.record, results=None))
    rows = found.history().to_dict("records")
    found.write_history([{str(key): float(value) for key, value in rows[0].items()}])
    return found


def new_live(run: Run, **caps: Any) -> tuple[Site, Live]:
    """What follows the trainings of a folder."""
    site = Site(run.path.parent, ServeSettings(), Caps(**{"look_seconds": 0.01, **caps}), ())
    return site, Live(site, RunStates())


def told(state: RunState, version: str) -> dict[str, Any]:
    """An event with what counts here."""
    return {"state": state.state, "done": state.epochs_done}


class Browser:
    """Reads a stream, and goes when it is told to."""

    def __init__(self, stream: Stream) -> None:
        self.events: list[dict[str, Any]] = []
        self._gone = asyncio.Event()
        self.task = asyncio.create_task(stream({"type": "http"}, self._receive, self._send))

    def go(self) -> None:
        """Close the connection."""
        self._gone.set()

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        for line in message.get("body", b"").decode().splitlines():
            if line.startswith("data: "):
                self.events.append(json.loads(line.removeprefix("data: ")))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not holds():
                await asyncio.sleep(0.01)


def play(scene: Callable[[], Awaitable[None]]) -> None:
    """Run one scene to its end."""

    async def bounded() -> None:
        async with asyncio.timeout(4 * WAIT_SECONDS):
            await scene()

    asyncio.run(bounded())


def test_each_epoch_is_told_and_the_end(run: Run, toy_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_live, "NEWS_SECONDS", 0.01)
    second = {str(key): float(value) for key, value in toy_run.history().iloc[1].items()}

    async def scene() -> None:
        _, live = new_live(run)
        with locked(run.path, "train"):
            browser = Browser(live.stream("run", run.path, told))
            await browser.until(lambda: browser.events == [{"state": "training", "done": 1}])
            run.append_history(1, second)
            await browser.until(lambda: len(browser.events) == 2)
            run.update(toy_run.record)
        await browser.task
        assert browser.events[-2:] == [{"state": "training", "done": 2}, {"state": "finished", "done": 2}]

    play(scene)


def test_an_epoch_that_ends_while_a_run_is_looked_at_is_told(
    run: Run, toy_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_live, "NEWS_SECONDS", 0.01)
    second = {str(key): float(value) for key, value in toy_run.history().iloc[1].items()}

    def ends_before(states: Sequence[RunState]) -> str:
        if states[0].epochs_done == 1:
            run.append_history(1, second)
        return version_of(states)

    monkeypatch.setattr(run_live, "version_of", ends_before)

    async def scene() -> None:
        _, live = new_live(run)
        with locked(run.path, "train"):
            browser = Browser(live.stream("run", run.path, told))
            await browser.until(lambda: {"state": "training", "done": 2} in browser.events)
            browser.go()
            await browser.task

    play(scene)


def test_a_training_that_dies_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_live, "NEWS_SECONDS", 0.01)

    async def scene() -> None:
        _, live = new_live(run)
        with locked(run.path, "train"):
            browser = Browser(live.stream("run", run.path, told))
            await browser.until(lambda: bool(browser.events))
        await browser.task
        assert browser.events[-1]["state"] == "interrupted"

    play(scene)


def test_many_pages_share_one_look_and_leave_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_live, "NEWS_SECONDS", 0.01)

    async def scene() -> None:
        _, live = new_live(run)
        before = len(asyncio.all_tasks())
        with locked(run.path, "train"):
            browsers = [Browser(live.stream("run", run.path, told)) for _ in range(5)]
            for browser in browsers:
                await browser.until(lambda browser=browser: bool(browser.events))  # type: ignore[misc]
            watchers = [task for task in asyncio.all_tasks() if "_watch" in str(task.get_coro())]
            assert len(watchers) == 1
            for browser in browsers:
                browser.go()
                await browser.task
        with suppress(asyncio.CancelledError):
            await watchers[0]
        assert live.pages == 0
        assert len(asyncio.all_tasks()) == before

    play(scene)


def test_no_more_pages_follow_than_allowed(run: Run) -> None:
    async def scene() -> None:
        _, live = new_live(run, streams=2)
        with locked(run.path, "train"):
            browsers = [Browser(live.stream("run", run.path, told)) for _ in range(2)]
            with pytest.raises(BusyError):
                live.stream("run", run.path, told)
            for browser in browsers:
                browser.go()
                await browser.task
            again = Browser(live.stream("run", run.path, told))
            again.go()
            await again.task

    play(scene)


def test_a_server_that_ends_ends_its_streams(run: Run) -> None:
    async def scene() -> None:
        site, live = new_live(run)
        with locked(run.path, "train"):
            browser = Browser(live.stream("run", run.path, told))
            await browser.until(lambda: bool(browser.events))
            site.is_ending = True
            async with asyncio.timeout(Caps.closing_seconds):
                await browser.task

    play(scene)


def test_who_looks_whether_a_run_is_written_does_not_stop_who_writes(run: Run) -> None:
    assert holder(run.path) is None
    for _ in range(50):
        with locked(run.path, "train"):
            assert (holder(run.path) or "").startswith("train, process")
    (run.path / ".lock").write_text("left by a process that was killed")
    assert holder(run.path) is None
