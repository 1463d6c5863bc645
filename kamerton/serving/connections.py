"""Connections that ask nothing are let go, so that nobody keeps others out by holding many."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def patient(seconds: float) -> type[H11Protocol]:
    """Make the protocol of connections that may go so long without a whole head of a request; Uvicorn waits on."""

    class Patient(H11Protocol):
        _before: Any = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.loop.call_later(seconds, self._look)

        def _look(self) -> None:
            """Close where no request has begun since the last look, and none is being answered."""
            if self.transport.is_closing():
                return
            is_answering = self.cycle is not None and not self.cycle.response_complete
            if not is_answering and self.cycle is self._before:
                self.transport.close()
                return
            self._before = self.cycle
            self.loop.call_later(seconds, self._look)

    return Patient
