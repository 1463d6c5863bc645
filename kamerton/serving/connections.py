"""Connections that ask nothing are let go, so that nobody keeps others out by holding many."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

LOOKS_AT_UNREAD = 8
"""So many looks in a row may find that nothing of an answer was taken: a slow line takes some of it."""


def patient(seconds: float) -> type[H11Protocol]:
    """Make the protocol of connections that may go so long without a whole head of a request; Uvicorn waits on.

    They may go some times as long without taking anything of an answer.
    """

    class Patient(H11Protocol):
        _before: Any = None
        _unread: tuple[Any, int] | None = None
        _looks = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.loop.call_later(seconds, self._look)

        def _look(self) -> None:
            """Close where no request has begun since the last look and none is being answered, or nothing is taken."""
            # What is being closed waits until all is taken.
            unread = (self.cycle, self.transport.get_write_buffer_size())
            if self.transport.is_closing() and not unread[1]:
                return
            self._looks = self._looks + 1 if unread[1] and unread == self._unread else 0
            self._unread = unread
            if self._looks == LOOKS_AT_UNREAD:
                self.transport.abort()
                return
            is_answering = self.cycle is not None and not self.cycle.response_complete
            if not is_answering and self.cycle is self._before:
                self.transport.close()
            # Whoever was just answered has until the look after the next to ask again.
            self._before = None if is_answering else self.cycle
            self.loop.call_later(seconds, self._look)

    return Patient
