"""Files of the internet, fetched whole or not at all: resumable, and checked against a published SHA-256.

What has arrived waits in ``NAME.part``, beside ``NAME.part.version`` with the server's word (ETag or date) for which
version of the file it is, so that halves of two versions are never glued.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO

from kamerton.config.surveys import DOWNLOAD_FOLDER
from kamerton.data import galaxy10
from kamerton.errors import DownloadError, OutputError
from kamerton.opening import open_plain
from kamerton.progress import BYTES, Progress, Silent

BLOCK_BYTES = 1 << 20
LONGEST_PAUSE_S = 60.0
PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""HTTP answers that may differ a moment later."""


class _InterruptedError(Exception):
    """A failure that another try may mend, not before ``pause_s`` seconds."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause_s = pause_s


class _BeyondTheEndError(Exception):
    """The server has nothing from the asked place on (HTTP 416)."""

    def __init__(self, content_range: str) -> None:
        super().__init__(content_range)
        self.content_range = content_range


@dataclass(frozen=True)
class _Fetch:
    """One file on its way."""

    url: str
    target: Path
    timeout_s: float
    watcher: Progress

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    @property
    def version(self) -> Path:
        return self.target.with_name(self.target.name + ".part.version")

    def arrived_bytes(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.version.unlink(missing_ok=True)


def download_galaxy10(out_dir: str | Path = DOWNLOAD_FOLDER, *, watcher: Progress | None = None) -> Path:
    """Fetch Galaxy10 DECaLS (about 2.7 GB) into a folder and return the file's path.

    Raises DownloadError and OutputError as `download` does.
    """
    target = Path(out_dir) / galaxy10.FILE_NAME
    return download(galaxy10.URL, target, galaxy10.SHA256, watcher=watcher)


def download(
    url: str,
    target: str | Path,
    sha256: str,
    *,
    attempts: int = 4,
    pause_s: float = 1.0,
    timeout_s: float = 30.0,
    watcher: Progress | None = None,
) -> Path:
    """Fetch one file, going on where an earlier call stopped, and return its path.

    A file that is there already and has the right SHA-256 is returned without a connection. ``attempts`` tries in a row
    may bring nothing new, with pauses of ``pause_s`` seconds that double; ``timeout_s`` bounds each silence of the
    server. Raises DownloadError where the file cannot be had or has another hash, and OutputError where it cannot be
    placed; an interrupted part is kept for the next call, a part with a wrong hash is removed.
    """
    fetch = _Fetch(url, Path(target), timeout_s, watcher or Silent())
    if fetch.target.exists():
        return _check_present(fetch, sha256)
    _make_folder(fetch.target.parent)
    _require_files(fetch)
    _fetch_patiently(fetch, attempts, pause_s)
    _check_hash(fetch, sha256)
    fetch.part.replace(fetch.target)
    fetch.forget()
    return fetch.target


def sha256_of(path: Path, watcher: Progress | None = None) -> str:
    """SHA-256 of a file, as lower-case hexadecimal digits."""
    digest = hashlib.sha256()
    with (
        open_plain(path) as file,
        (watcher or Silent()).task(f"checking {path.name}", path.stat().st_size, BYTES) as advance,
    ):
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            advance(len(block))
    return digest.hexdigest()


def _check_present(fetch: _Fetch, sha256: str) -> Path:
    target = fetch.target
    if target.is_file() and sha256_of(target, fetch.watcher) == sha256.lower():
        return target
    raise OutputError(
        f"{target}: is there already and is not the published file",
        received="another SHA-256" if target.is_file() else "not a file",
        allowed=f"SHA-256 {sha256.lower()}",
        next_step="move it away or choose another folder",
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made", received=error.strerror, next_step="choose a folder you may write to"
        ) from error


def _require_files(fetch: _Fetch) -> None:
    """Refuse a part that is a link, which would be written through, or a pipe, which would wait (OutputError)."""
    for path in (fetch.part, fetch.version):
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            raise OutputError(
                f"{path}: no part of a download",
                received="a link, a pipe or a folder",
                next_step="move it away or choose another folder",
            )


def _check_hash(fetch: _Fetch, sha256: str) -> None:
    received = sha256_of(fetch.part, fetch.watcher)
    if received == sha256.lower():
        return
    fetch.forget()
    raise DownloadError(
        f"{fetch.url}: what arrived is not the published file, and was removed",
        received=f"SHA-256 {received}",
        allowed=sha256.lower(),
        next_step="try again; if it fails again, the server or a proxy on the way serves another file",
    )


# ------------------------------------------------------------------------------------------------ trying


def _fetch_patiently(fetch: _Fetch, attempts: int, pause_s: float) -> None:
    """Try until the part is whole; a try that brings new bytes is not counted as a failure."""
    failures, most_bytes = 0, fetch.arrived_bytes()
    while True:
        try:
            return _fetch_rest(fetch)
        except _InterruptedError as interruption:
            failures = 1 if fetch.arrived_bytes() > most_bytes else failures + 1
            most_bytes = max(most_bytes, fetch.arrived_bytes())
            if failures >= attempts:
                raise _gave_up(fetch, interruption, failures) from interruption
            time.sleep(min(max(pause_s * 2 ** (failures - 1), interruption.pause_s), LONGEST_PAUSE_S))


def _gave_up(fetch: _Fetch, interruption: _InterruptedError, failures: int) -> DownloadError:
    arrived = fetch.arrived_bytes()
    return DownloadError(
        f"{fetch.url}: did not arrive after {failures} tries",
        received=f"{interruption.reason}; {arrived} bytes so far",
        next_step="check the connection and run the same command again"
        + (f": it goes on from {fetch.part.name}" if arrived else ""),
    )


@contextmanager
def _network_errors(url: str) -> Iterator[None]:
    """Sort what the network raises into failures that may pass (_InterruptedError) and those that will not."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _BeyondTheEndError(error.headers.get("Content-Range", "")) from error
        if error.code in PASSING_STATUSES:
            raise _InterruptedError(f"HTTP {error.code} {error.reason}", _retry_after_s(error.headers)) from error
        raise DownloadError(
            f"{url}: the server refuses",
            received=f"HTTP {error.code} {error.reason}",
            next_step="open the address in a browser to see whether the file has moved",
        ) from error
    except urllib.error.URLError as error:
        raise _InterruptedError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _InterruptedError(f"{type(error).__name__}: {error}") from error


def _retry_after_s(headers: Message) -> float:
    seconds = headers.get("Retry-After", "")
    return float(seconds) if seconds.isdigit() else 0.0


# ------------------------------------------------------------------------------------------------ one try


def _fetch_rest(fetch: _Fetch) -> None:
    """Ask for what is missing, and append it; or start again where the server has another version or no ranges."""
    start = _resumable_bytes(fetch)
    try:
        with _network_errors(fetch.url):
            response = urllib.request.urlopen(_request(fetch, start), timeout=fetch.timeout_s)
    except _BeyondTheEndError as error:
        return _judge_part(fetch, start, error.content_range)
    with response:
        start = start if _continues(fetch, response, start) else 0
        total = _total_bytes(response, start)
        _check_space(fetch, start, total)
        with _opened_part(fetch, response, start) as file:
            return _copy(fetch, response, file, start, total)


@contextmanager
def _opened_part(fetch: _Fetch, response: http.client.HTTPResponse, start: int) -> Iterator[IO[bytes]]:
    with _disk_errors(fetch):
        file = fetch.part.open("ab" if start else "wb", buffering=0)
        if not start:
            # Only after the old part is emptied: the other way round, a crash here would leave it with a new version.
            fetch.version.write_text(_version_of(response.headers), encoding="utf-8")
    with file:
        yield file


def _resumable_bytes(fetch: _Fetch) -> int:
    """Bytes of an earlier try that may be kept: none where it is unknown of which version they are."""
    known = fetch.version.exists() and fetch.version.read_text(encoding="utf-8") != ""
    return fetch.arrived_bytes() if known else 0


def _request(fetch: _Fetch, start: int) -> urllib.request.Request:
    request = urllib.request.Request(fetch.url, headers={"User-Agent": "Kamerton", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
        request.add_header("If-Range", fetch.version.read_text(encoding="utf-8"))
    return request


def _version_of(headers: Message) -> str:
    """The strong ETag, else the date, else nothing; a weak ETag (W/) does not promise the same bytes."""
    etag = str(headers.get("ETag", ""))
    return etag if etag.startswith('"') else str(headers.get("Last-Modified", ""))


def _continues(fetch: _Fetch, response: http.client.HTTPResponse, start: int) -> bool:
    """Whether the answer is the part that was asked for; a server without ranges answers 200 and sends everything."""
    if response.status != http.client.PARTIAL_CONTENT:
        return False
    place = response.headers.get("Content-Range", "")
    same_version = _version_of(response.headers) in {"", fetch.version.read_text(encoding="utf-8")}
    if not (same_version and place.startswith(f"bytes {start}-")):
        fetch.forget()
        raise _InterruptedError(f"a part that does not follow the one here, {place!r}")
    return True


def _total_bytes(response: http.client.HTTPResponse, start: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _judge_part(fetch: _Fetch, start: int, content_range: str) -> None:
    """After the answer 416: the part is whole already, or it is longer than the file and worth nothing."""
    if content_range != f"bytes */{start}":
        fetch.forget()
        raise _InterruptedError("the part here is longer than the file there, and was dropped")


def _copy(fetch: _Fetch, response: http.client.HTTPResponse, file: IO[bytes], start: int, total: int | None) -> None:
    arrived = start
    with fetch.watcher.task(f"downloading {fetch.target.name}", total, BYTES, done=start) as advance:
        while True:
            with _network_errors(fetch.url):
                block = response.read(BLOCK_BYTES)
            if not block:
                break
            with _disk_errors(fetch):
                file.write(block)
            arrived += len(block)
            advance(len(block))
    if total is not None and arrived < total:
        raise _InterruptedError(f"the connection closed after {arrived} of {total} bytes")


# ------------------------------------------------------------------------------------------------ the disk


def _check_space(fetch: _Fetch, start: int, total: int | None) -> None:
    if total is None:
        return
    free = shutil.disk_usage(fetch.target.parent).free
    # A part that is begun again gives its own space back.
    needed = total - start if start else total - fetch.arrived_bytes()
    if needed > free:
        raise DownloadError(
            f"{fetch.target}: the disk has no room for it",
            received=f"{free} bytes free",
            allowed=f"{needed} bytes or more",
            next_step="free some space or choose another folder",
        )


@contextmanager
def _disk_errors(fetch: _Fetch) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DownloadError(
            f"{fetch.part}: cannot be written",
            received=error.strerror or str(error),
            next_step="free some space or choose another folder, then run the same command again",
        ) from error
