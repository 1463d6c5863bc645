"""A page's server as a process of its own, and what of the machine it takes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TOKEN = "a-token-of-tests"


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    process: subprocess.Popen[str]
    port: int
    folder: Path
    """That of the runs."""
    temporary: Path
    """Where it keeps what is sent."""
    said: Path
    """What it says on stderr."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}"

    @property
    def memory_mb(self) -> float:
        """What it holds in memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0

    @property
    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))  # noqa: PTH208  # of another process, which changes

    @property
    def kept_mb(self) -> float:
        """What it holds on disk now."""
        return sum(path.stat().st_size for path in self.temporary.rglob("*") if path.is_file()) / 2**20

    def raw(self, request: bytes, *, seconds: float = 30, pause: float = 0, half: bool = False) -> bytes:
        """Send bytes, and give the answer up to its end; nothing where the server cut the connection.

        ``half`` cuts the connection oneself after the request, and ``pause`` waits so long in its middle.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection, suppress(OSError):
            if pause:
                connection.sendall(request[: len(request) // 2])
                with suppress(TimeoutError):
                    connection.settimeout(pause)
                    return connection.recv(1 << 16)
                connection.settimeout(seconds)
                request = request[len(request) // 2 :]
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            if half:
                return b""
            parts = []
            with suppress(ConnectionResetError, TimeoutError):
                while part := connection.recv(1 << 16):
                    parts.append(part)
            return b"".join(parts)
        return b""


@contextmanager
def running(runs: Path, *, threads: int = 1, port: int = 0) -> Iterator[Running]:
    """Serve a folder of runs until the end of the block; the temporary files go with it."""
    with tempfile.TemporaryDirectory(prefix="kamerton-test-") as folder:
        temporary, said = Path(folder) / "tmp", Path(folder) / "stderr"
        temporary.mkdir()
        environment = os.environ | {"TMPDIR": str(temporary), "OMP_NUM_THREADS": str(threads)}
        command = [sys.executable, "-m", "kamerton", "serve", str(runs), "--port", str(port), "--token", TOKEN]
        with said.open("w") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r":(\d+)/", line)
            assert found, line + said.read_text()
            yield Running(process, int(found[1]), runs, temporary, said)
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.communicate()
