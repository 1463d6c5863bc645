"""The one queue before the network: one request is computed at a time, and few wait."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

Given = ParamSpec("Given")
Found = TypeVar("Found")
Work = tuple[Future[Any], Callable[[], Any]]


class BusyError(Exception):
    """So many wait that one more is told to come again."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__(f"come again in {retry_seconds} s")
        self.retry_seconds = retry_seconds


class Queue:
    """A thread that computes one piece of work after another, before which at most ``most`` pieces wait.

    The thread does not keep a process that ends.
    """

    def __init__(self, most: int, retry_seconds: int) -> None:
        self._works: queue.Queue[Work] = queue.Queue(most)
        self._retry_seconds = retry_seconds
        self._thread: threading.Thread | None = None

    async def run(self, function: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs) -> Found:
        """Compute in the thread, and wait for it; BusyError where too many wait.

        What nobody waits for any more, and has not begun, is left out.
        """
        future: Future[Found] = Future()
        # What is warned of belongs to who asked.
        context = contextvars.copy_context()
        try:
            self._works.put_nowait((future, lambda: context.run(function, *args, **kwargs)))
        except queue.Full as error:
            raise BusyError(self._retry_seconds) from error
        if self._thread is None:
            self._thread = threading.Thread(target=self._go, name="kamerton-network", daemon=True)
            self._thread.start()
        return await asyncio.wrap_future(future)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits."""
        return self._works.empty()

    def _go(self) -> None:
        while True:
            future, work = self._works.get()
            if future.set_running_or_notify_cancel():
                try:
                    found = work()
                except BaseException as error:  # noqa: BLE001  # whoever waits is told
                    future.set_exception(error)
                else:
                    future.set_result(found)
            # Nothing of an answer stays in memory until the next one.
            del future, work
