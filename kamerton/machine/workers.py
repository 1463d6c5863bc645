"""Processes of this machine that work side by side."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

from kamerton.errors import WorkerLostError

Item = TypeVar("Item")
Result = TypeVar("Result")

LOOK_SECONDS = 1.0
"""Time between two looks at what the processes have done."""


def side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int, look: Callable[[], None]
) -> Generator[Result, None, None]:
    """Give ``work(item)`` of each item as it is done, each in one of so many processes; ``look`` is called meanwhile.

    They are killed where this process ends, however it ends, and where the caller stops asking: what they do must
    survive that. Raises what ``work`` raises, and WorkerLostError where a process is killed by somebody else.
    """
    context = get_context("spawn")
    ends, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, _begin, (ends,))
    try:
        yield from _results([pool.submit(work, item) for item in items], look)
        pool.shutdown()
    except BrokenProcessPool as error:
        raise WorkerLostError(
            "A process that worked here was killed",
            received="often that is the system, for want of memory",
            next_step="give the same command again, it goes on where it was; fewer --workers leave more memory to each",
        ) from error
    finally:
        held.close()
        pool.shutdown(cancel_futures=True)
        ends.close()


def _results(futures: Sequence[Future[Result]], look: Callable[[], None]) -> Iterator[Result]:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
        look()
        for future in done:
            yield future.result()


def _begin(ends: Connection) -> None:
    """Leave Ctrl-C to the first process, and end when it closes the pipe, as it does even where it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(ends,), daemon=True).start()


def _end_with(ends: Connection) -> None:
    with suppress(EOFError, OSError):
        ends.recv_bytes()
    os.kill(os.getpid(), signal.SIGKILL)
