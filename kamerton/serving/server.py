"""``kamerton serve``: the page, on this machine, until it is ended."""

from __future__ import annotations

import errno
import html
import logging
import os
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlencode

from kamerton.config.serving import RUNS_FOLDER, Caps, ServeSettings
from kamerton.errors import MissingExtraError, UsageError
from kamerton.serving.temporary import temporary_files_in_own_folder

BACKLOG = 128

TALKERS = ("uvicorn", "uvicorn.error", "python_multipart", "asyncio")
"""Loggers that would say a line for every broken request; what goes wrong in Kamerton is said by the guard."""


def serve(
    runs: str | Path = RUNS_FOLDER,
    *,
    port: int = ServeSettings.port,
    host: str = ServeSettings.host,
    password: str | None = ServeSettings.password,
    token: str | None = ServeSettings.token,
    open: bool = ServeSettings.open,  # noqa: A002  # the option's name
    say: Callable[[str], None] = print,
) -> None:
    """Show the runs below a folder as a page in the browser, until the process is told to end.

    ``say`` is given the address of the page, with the token that opens it. Nobody but this machine reaches it unless
    ``host`` is another address, which needs ``password`` or ``token``. Raises UsageError for a folder that is none, an
    address that cannot be had, and MissingExtraError where the web packages are not installed.
    """
    settings = ServeSettings(port, host, password, token, open)
    _require_extra()
    folder = Path(runs)
    if not folder.is_dir():
        raise UsageError(
            f"{runs}: no folder", next_step="name the folder in which your runs are, as in `kamerton serve runs`"
        )
    listening = _listen(settings)
    with listening, temporary_files_in_own_folder():
        _answer(folder, settings, listening, say)


def _require_extra() -> None:
    try:
        import python_multipart  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "The page needs the packages of the extra `web`",
            received=str(error),
            next_step="pip install 'kamerton[web]'",
        ) from error


def _listen(settings: ServeSettings) -> socket.socket:
    """Take the address, before anything slow, so that one in use is said at once."""
    try:
        family, *_, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        in_use = getattr(error, "errno", None) == errno.EADDRINUSE
        raise UsageError(
            f"Port {settings.port} is in use" if in_use else "The page cannot be shown at this address",
            received=f"{settings.host}:{settings.port}" if in_use else f"{settings.host}: {_reason(error)}",
            next_step="choose another with --port, or 0 for any free one" if in_use else "choose another with --host",
        ) from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _answer(folder: Path, settings: ServeSettings, listening: socket.socket, say: Callable[[str], None]) -> None:
    import uvicorn

    from kamerton.serving.app import create_app
    from kamerton.serving.security import Gate

    port = listening.getsockname()[1]
    settings = ServeSettings(port, settings.host, settings.password, settings.token, settings.open)
    gate, caps = Gate.of(settings), Caps()
    app = create_app(folder, settings, gate=gate, caps=caps)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            # What streams for long stops by itself.
            app.state.site.is_ending = True
            super().handle_exit(sig, frame)

    address = f"http://{_shown(settings.host)}:{port}/"
    opened = f"{address}?{urlencode({'token': gate.token})}"
    say(f"Kamerton's page: {opened}")
    say("Ctrl-C ends it.")
    if settings.open:
        threading.Thread(target=webbrowser.open, args=(_leading_to(opened).as_uri(),), daemon=True).start()
    for name in TALKERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    Server(_config(uvicorn, app, caps)).run(sockets=[listening])


def _leading_to(address: str) -> Path:
    """Write a page that leads to an address, and that nobody else can read.

    What a browser is started with stands in the list of processes, for every user of the machine.
    """
    descriptor, name = tempfile.mkstemp(prefix="open-", suffix=".html")
    target = html.escape(address)
    os.close(descriptor)
    page = Path(name)
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Kamerton</title>'
        f'<meta http-equiv="refresh" content="0;url={target}"><a href="{target}">Kamerton</a>\n',
        encoding="utf-8",
    )
    return page


def _shown(host: str) -> str:
    """Write a host as it stands in an address; one that means every address, as this machine's own."""
    if host in {"0.0.0.0", "::"}:
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _config(uvicorn: Any, app: Any, caps: Caps) -> Any:
    from kamerton.serving.connections import patient

    return uvicorn.Config(
        app,
        http=patient(caps.idle_seconds),
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=caps.connections,
        timeout_graceful_shutdown=caps.closing_seconds,
    )
