"""Connections that ask nothing are let go."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from kamerton.serving.connections import LOOKS_AT_UNREAD, patient

SECONDS = 0.3

LONG_BYTES = 32 << 20
"""More than the kernel takes for whoever does not read."""


async def slow(_: object) -> PlainTextResponse:
    import asyncio

    await asyncio.sleep(3 * SECONDS)
    return PlainTextResponse("done")


async def long(_: object) -> PlainTextResponse:
    return PlainTextResponse("x" * LONG_BYTES)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server whose connections are let go soon."""
    app = Starlette(routes=[Route("/", slow), Route("/long", long)])
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=patient(SECONDS), log_config=None, lifespan="off", loop="asyncio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(5)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_one_that_does_not_say_what_it_wants_is_closed(port: int, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(begun)
        begin = time.monotonic()
        assert connection.recv(100) == b""
        assert time.monotonic() - begin < 5


def test_one_that_is_being_answered_stays(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for _ in range(2):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = b""
            while not answer.endswith(b"done"):
                part = connection.recv(1000)
                assert part, "closed while it was answered, or right after"
                answer += part
            assert answer.startswith(b"HTTP/1.1 200")


def test_one_that_takes_nothing_of_its_answer_is_closed(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep((LOOKS_AT_UNREAD + 4) * SECONDS)
        assert taken_of(connection) < LONG_BYTES


def test_one_that_takes_its_answer_slowly_has_all_of_it(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert taken_of(connection, pause=(LOOKS_AT_UNREAD + 4) * SECONDS / 32) > LONG_BYTES


def taken_of(connection: socket.socket, pause: float = 0) -> int:
    """How much arrives, a MiB after another."""
    taken, left = 0, 1 << 20
    with suppress(ConnectionResetError):
        while part := connection.recv(left):
            taken, left = taken + len(part), left - len(part)
            if not left:
                left = 1 << 20
                time.sleep(pause)
    return taken
