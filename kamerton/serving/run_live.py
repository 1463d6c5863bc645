"""Trainings that are followed live: one look at a run a second, however many pages show it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from kamerton.serving.queue import BusyError
from kamerton.serving.run_results import version_of
from kamerton.serving.run_states import RunState, RunStates
from kamerton.serving.site import Site

NEWS_SECONDS = 0.25
"""How soon a page is told of what was seen, and of a server that ends."""

SIGN_OF_LIFE_SECONDS = 15.0
"""So often a page is sent an empty line, by which a connection that is dead is found."""

RETRY_MILLISECONDS = 3000
"""When a browser asks again that was cut off."""


@dataclass
class _Watched:
    """A run that pages follow."""

    task: asyncio.Task[None] | None = None
    pages: int = 0
    seen: RunState | None = None
    version: str = ""


class Live:
    """The trainings that pages follow now."""

    def __init__(self, site: Site, states: RunStates) -> None:
        self._site, self._states = site, states
        self._watched: dict[Path, _Watched] = {}

    @property
    def pages(self) -> int:
        """How many streams there are."""
        return sum(watched.pages for watched in self._watched.values())

    def stream(self, name: str, path: Path, tell: Callable[[RunState, str], dict[str, Any]]) -> Stream:
        """Begin to follow a run; ``tell`` makes an event of how it is. BusyError where too many pages follow one."""
        if self.pages >= self._site.caps.streams:
            raise BusyError(self._site.caps.retry_seconds)
        watched = self._watched.setdefault(path, _Watched())
        watched.pages += 1
        if watched.task is None:
            watched.task = asyncio.get_running_loop().create_task(self._watch(name, path, watched))
        return Stream(self._events(watched, tell), lambda: self._leave(path, watched))

    def _leave(self, path: Path, watched: _Watched) -> None:
        watched.pages -= 1
        if watched.pages == 0:
            if watched.task is not None:
                watched.task.cancel()
            if self._watched.get(path) is watched:
                del self._watched[path]

    async def _watch(self, name: str, path: Path, watched: _Watched) -> None:
        while not self._site.is_ending:
            # A run that was taken away meanwhile is damaged, and says so.
            watched.version, watched.seen = await asyncio.to_thread(self._look, name, path)
            await asyncio.sleep(self._site.caps.look_seconds)

    def _look(self, name: str, path: Path) -> tuple[str, RunState]:
        """Take a version before its state, so that what changes between the two is told again, and not never."""
        version = version_of([self._states.look(name, path)])
        return version, self._states.look(name, path)

    async def _events(self, watched: _Watched, tell: Callable[[RunState, str], dict[str, Any]]) -> AsyncIterator[bytes]:
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        told: tuple[str, str] | None = None
        quiet = 0.0
        while not self._site.is_ending:
            seen = watched.seen
            if seen is not None and (watched.version, seen.state) != told:
                told, quiet = (watched.version, seen.state), 0.0
                yield f"data: {json.dumps(tell(seen, watched.version))}\n\n".encode()
                if seen.state != "training":
                    return
            elif quiet >= SIGN_OF_LIFE_SECONDS:
                quiet = 0.0
                yield b":\n\n"
            await asyncio.sleep(NEWS_SECONDS)
            quiet += NEWS_SECONDS


class Stream(StreamingResponse):
    """Server-sent events, which let go of what they follow however they end."""

    def __init__(self, events: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._events, self._leave = events, leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them until the page goes, the training ends, or the server does."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()
            with suppress(RuntimeError):
                await self._events.aclose()  # type: ignore[attr-defined]  # an asynchronous generator
