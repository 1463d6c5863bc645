"""The server as a process: its address, its end, and what stands in its way."""

from __future__ import annotations

import html
import inspect
import os
import queue
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2
import pytest
import uvicorn

from kamerton.cli import serving as command
from kamerton.errors import MissingExtraError, UsageError
from kamerton.serving.server import serve


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server and its address with the token."""
    command = [sys.executable, "-m", "kamerton", "serve", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line
    yield process, found[0]
    process.kill()
    process.communicate()


def test_it_answers_at_the_printed_address_and_ends_when_it_is_told_to(
    server: tuple[subprocess.Popen[str], str],
) -> None:
    process, address = server
    with httpx2.Client(follow_redirects=True) as browser:
        assert browser.get(address).status_code == 200
    begin = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(10) == 128 + signal.SIGTERM
    assert time.monotonic() - begin < 5
    assert process.communicate()[1] == "kamerton: stopped by SIGTERM\n"


def test_it_ends_within_five_seconds_though_somebody_still_sends(server: tuple[subprocess.Popen[str], str]) -> None:
    process, address = server
    where, _, token = address.partition("/?token=")
    port = int(where.rpartition(":")[2])
    head = f"POST /classify HTTP/1.1\r\nHost: localhost\r\nX-Kamerton-Token: {token}\r\nContent-Length: 1000\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n--x".encode())
        time.sleep(0.5)
        begin = time.monotonic()
        process.terminate()
        assert process.wait(10) == 128 + signal.SIGTERM
        assert time.monotonic() - begin < 5
    assert process.communicate()[1] == "kamerton: stopped by SIGTERM\n"


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="in use"):
        serve(tmp_path, port=taken.getsockname()[1])


def test_a_browser_is_started_without_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr("webbrowser.open", opened.put)
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    monkeypatch.setattr("kamerton.serving.temporary._take_away", lambda folder: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    said: list[str] = []
    serve(tmp_path, port=0, open=True, token="a&b=c#d 'ł'", say=said.append)
    address = opened.get(timeout=10)
    page = Path(unquote(urlsplit(address).path))
    assert urlsplit(address).scheme == "file"
    assert "token" not in address
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    (target,) = re.findall(r'content="0;url=(.*?)"', page.read_text())
    assert said[0].endswith(html.unescape(target))
    assert parse_qs(urlsplit(html.unescape(target)).query) == {"token": ["a&b=c#d 'ł'"]}


def test_a_missing_package_is_named_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"kamerton\[web\]"):
        serve(tmp_path)


def test_a_folder_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        serve(tmp_path / "none")


def test_threads_sleep_while_they_wait_for_each_other() -> None:
    code = (
        "import os, sys; import kamerton.serving.server as server; from kamerton.cli.command import answer;"
        "server.serve = lambda *_, **__: print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules);"
        "answer(['serve', '.'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    # What PyTorch has read once when it was loaded stays.
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert said.stdout == "PASSIVE False\n"


def test_a_server_that_has_ended_does_not_wait_for_its_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = threading.Event()
    codes = []

    def end(*_: object, **__: object) -> None:
        raise SystemExit(143)

    def leave(code: int) -> None:
        codes.append(code)
        left.set()

    monkeypatch.setattr("kamerton.serving.server.serve", end)
    monkeypatch.setattr(command, "LEAVING_SECONDS", 0)
    monkeypatch.setattr(os, "_exit", leave)
    # Without what --quiet and --verbose are kept in for the whole process.
    with pytest.raises(SystemExit):
        inspect.unwrap(command.serve)(runs=tmp_path)
    assert left.wait(10)
    assert codes == [143]
