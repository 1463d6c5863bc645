"""One thread computes, few wait, and the next is told to come again."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kamerton.errors import heard, warn
from kamerton.serving.queue import BusyError, Queue
from kamerton.serving.words import WORDS
from tests.serving.conftest import site_of, visitor


def test_work_is_done_one_after_another_in_one_thread() -> None:
    def name(number: int) -> tuple[int, str]:
        return number, threading.current_thread().name

    async def go() -> list[tuple[int, str]]:
        queue = Queue(10, 2)
        return list(await asyncio.gather(*(queue.run(name, number) for number in range(5))))

    assert asyncio.run(go()) == [(number, "kamerton-network") for number in range(5)]


def test_an_error_is_that_of_whoever_asked() -> None:
    async def go() -> int:
        queue = Queue(10, 2)
        with pytest.raises(ZeroDivisionError):
            await queue.run(lambda: 1 // 0)
        return await queue.run(lambda: 1)

    assert asyncio.run(go()) == 1


def test_what_is_warned_of_is_heard_by_whoever_asked() -> None:
    async def ask(queue: Queue, line: str) -> list[str]:
        with heard() as lines:
            await queue.run(warn, line)
        return lines

    async def go() -> list[list[str]]:
        queue = Queue(10, 2)
        return list(await asyncio.gather(ask(queue, "one"), ask(queue, "two")))

    assert asyncio.run(go()) == [["one."], ["two."]]


def test_one_more_than_may_wait_is_told_to_come_again() -> None:
    async def go() -> list[int]:
        queue, begun, go_on = Queue(2, 7), threading.Event(), threading.Event()

        def slow() -> int:
            begun.set()
            go_on.wait(10)
            return 0

        first = asyncio.ensure_future(queue.run(slow))
        await asyncio.to_thread(begun.wait, 10)
        waiting = [asyncio.ensure_future(queue.run(lambda: 1)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError) as busy:
            await queue.run(lambda: 1)
        assert busy.value.retry_seconds == 7
        go_on.set()
        return list(await asyncio.gather(first, *waiting))

    assert asyncio.run(go()) == [0, 1, 1]


def test_what_nobody_waits_for_any_more_is_left_out() -> None:
    done: list[str] = []

    async def go() -> None:
        queue, begun, go_on = Queue(5, 2), threading.Event(), threading.Event()

        def slow() -> bool:
            begun.set()
            return go_on.wait(10)

        first = asyncio.ensure_future(queue.run(slow))
        await asyncio.to_thread(begun.wait, 10)
        left = asyncio.ensure_future(queue.run(lambda: done.append("left")))
        await asyncio.sleep(0)
        left.cancel()
        with suppress(asyncio.CancelledError):
            await left
        go_on.set()
        await first
        await queue.run(lambda: done.append("last"))

    asyncio.run(go())
    assert done == ["last"]


def test_a_busy_page_says_when_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client: TestClient = visitor(tmp_path)

    def busy() -> None:
        raise BusyError(3)

    monkeypatch.setattr(site_of(client), "run_folders", busy)
    answer = client.get("/classify")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert WORDS["en"].frame.busy.format(seconds=3) in answer.text
