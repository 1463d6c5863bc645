"""Downloads, against a small web server on this machine that behaves well or badly as each test asks."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kamerton.data import galaxy10
from kamerton.data.download import download, download_galaxy10, sha256_of
from kamerton.errors import DownloadError, OutputError
from tests.watching import Recorder

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Site:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    etag: str | None = '"one"'
    ranges: bool = True
    close_after: list[int] = field(default_factory=list)
    """Bytes sent before the connection breaks off, one entry a request; when used up, everything is sent."""
    statuses: list[int] = field(default_factory=list)
    """Statuses answered first, one a request."""
    deaf_to_if_range: bool = False
    requests: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    """Serves the content of its Site."""

    site: Site

    def log_message(self, *args: object) -> None:
        """Keep the test output quiet."""

    def do_GET(self) -> None:
        site = self.site
        site.requests.append(dict(self.headers))
        if site.statuses:
            self.send_error(site.statuses.pop(0))
            return
        start = self.first_byte()
        if start >= len(site.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(site.content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_headers(start)
        body = site.content[start:]
        self.wfile.write(body[: site.close_after.pop(0)] if site.close_after else body)

    def first_byte(self) -> int:
        site, wanted = self.site, self.headers.get("Range")
        same = site.deaf_to_if_range or self.headers.get("If-Range") == site.etag
        return int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and site.ranges and same else 0

    def send_headers(self, start: int) -> None:
        site = self.site
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(site.content) - 1}/{len(site.content)}")
        self.send_header("Content-Length", str(len(site.content) - start))
        if site.etag:
            self.send_header("ETag", site.etag)
        self.end_headers()


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server on the loopback address, for one test."""
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": site}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}/file.h5"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(site: Site, folder: Path, sha256: str = SHA256, attempts: int = 3) -> Path:
    return download(site.url, folder / "file.h5", sha256, attempts=attempts, pause_s=0.001, timeout_s=5)


def leave_part(site: Site, folder: Path, length: int) -> None:
    """Interrupt a download after ``length`` bytes, as the user's own Ctrl-C or a dead line would."""
    site.close_after = [length]
    with pytest.raises(DownloadError):
        fetch(site, folder, attempts=1)
    site.close_after.clear()
    site.requests.clear()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_arrives_whole(site: Site, tmp_path: Path) -> None:
    assert fetch(site, tmp_path).read_bytes() == CONTENT
    assert names_in(tmp_path) == ["file.h5"]


def test_hash_is_the_standard_librarys(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert sha256_of(tmp_path / "file") == SHA256


def test_capital_letters_in_the_hash_are_the_same_hash(site: Site, tmp_path: Path) -> None:
    assert fetch(site, tmp_path, SHA256.upper()).exists()


@pytest.mark.parametrize("ending", [".part", ".part.version"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_nothing_is_written_through_a_link_and_no_pipe_is_waited_for(
    site: Site, tmp_path: Path, ending: str, kind: str
) -> None:
    place = tmp_path / f"file.h5{ending}"
    if kind == "link":
        (tmp_path / "theirs").write_bytes(b"theirs")
        place.symlink_to(tmp_path / "theirs")
    else:
        os.mkfifo(place)
    with pytest.raises(OutputError, match=r"no part of a download.*a link, a pipe"):
        fetch(site, tmp_path)
    assert kind == "pipe" or (tmp_path / "theirs").read_bytes() == b"theirs"


def test_missing_folder_is_made(site: Site, tmp_path: Path) -> None:
    assert fetch(site, tmp_path / "new" / "folder").exists()


def test_whole_file_is_returned_without_network(tmp_path: Path) -> None:
    (tmp_path / "file.h5").write_bytes(CONTENT)
    target = download("http://127.0.0.1:1/file.h5", tmp_path / "file.h5", SHA256, attempts=1)
    assert target.read_bytes() == CONTENT


def test_another_file_in_the_place_is_never_overwritten(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.h5").write_bytes(b"my own")
    with pytest.raises(OutputError, match="not the published file"):
        fetch(site, tmp_path)
    assert (tmp_path / "file.h5").read_bytes() == b"my own"


def test_broken_connection_goes_on_within_one_call(site: Site, tmp_path: Path) -> None:
    site.close_after = [1000, 2000]
    assert fetch(site, tmp_path).read_bytes() == CONTENT
    assert [request.get("Range") for request in site.requests] == [None, "bytes=1000-", "bytes=3000-"]


def test_tries_that_bring_bytes_are_not_counted(site: Site, tmp_path: Path) -> None:
    site.close_after = [10] * 8
    assert fetch(site, tmp_path, attempts=2).read_bytes() == CONTENT


def test_next_call_asks_only_for_the_rest(site: Site, tmp_path: Path) -> None:
    leave_part(site, tmp_path, 4321)
    assert fetch(site, tmp_path).read_bytes() == CONTENT
    (request,) = site.requests
    assert (request["Range"], request["If-Range"]) == ("bytes=4321-", '"one"')


def test_interrupted_part_is_kept_and_named(site: Site, tmp_path: Path) -> None:
    site.close_after = [100]
    with pytest.raises(DownloadError, match=r"100 bytes so far.*goes on from file\.h5\.part"):
        fetch(site, tmp_path, attempts=1)
    assert (tmp_path / "file.h5.part").read_bytes() == CONTENT[:100]


def test_server_without_ranges_starts_again(site: Site, tmp_path: Path) -> None:
    site.ranges = False
    leave_part(site, tmp_path, 5000)
    assert fetch(site, tmp_path).read_bytes() == CONTENT


def test_server_without_ranges_that_always_breaks_is_given_up(site: Site, tmp_path: Path) -> None:
    site.ranges, site.close_after = False, [5000] * 10
    with pytest.raises(DownloadError, match="after 3 tries"):
        fetch(site, tmp_path)


def test_changed_file_is_not_glued_to_the_old_part(site: Site, tmp_path: Path) -> None:
    leave_part(site, tmp_path, 5000)
    site.etag, site.content = '"two"', CONTENT[::-1]
    target = fetch(site, tmp_path, hashlib.sha256(CONTENT[::-1]).hexdigest())
    assert target.read_bytes() == CONTENT[::-1]


def test_changed_file_of_a_server_deaf_to_if_range_is_not_glued_either(site: Site, tmp_path: Path) -> None:
    leave_part(site, tmp_path, 5000)
    site.etag, site.content, site.deaf_to_if_range = '"two"', CONTENT[::-1], True
    target = fetch(site, tmp_path, hashlib.sha256(CONTENT[::-1]).hexdigest())
    assert target.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_part_of_an_unknown_version_is_fetched_again(site: Site, tmp_path: Path, etag: str | None) -> None:
    site.etag = etag
    leave_part(site, tmp_path, 5000)
    assert fetch(site, tmp_path).read_bytes() == CONTENT
    assert "Range" not in site.requests[0]


def test_part_that_is_whole_already_needs_no_second_transfer(site: Site, tmp_path: Path) -> None:
    leave_part(site, tmp_path, 5000)
    (tmp_path / "file.h5.part").write_bytes(CONTENT)
    assert fetch(site, tmp_path).read_bytes() == CONTENT


def test_part_longer_than_the_file_is_dropped(site: Site, tmp_path: Path) -> None:
    leave_part(site, tmp_path, 5000)
    (tmp_path / "file.h5.part").write_bytes(CONTENT + b"more")
    assert fetch(site, tmp_path).read_bytes() == CONTENT


def test_wrong_hash_is_refused_and_leaves_nothing(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"not the published file, and was removed.*{SHA256}"):
        fetch(site, tmp_path, "0" * 64)
    assert names_in(tmp_path) == []


def test_missing_page_is_refused_at_once(site: Site, tmp_path: Path) -> None:
    site.statuses = [404] * 5
    with pytest.raises(DownloadError, match="HTTP 404"):
        fetch(site, tmp_path)
    assert len(site.requests) == 1


def test_busy_server_is_asked_again(site: Site, tmp_path: Path) -> None:
    site.statuses = [503, 429]
    assert fetch(site, tmp_path).read_bytes() == CONTENT


def test_refused_connection_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file.h5"
    with pytest.raises(DownloadError, match=r"after 2 tries.*refused") as caught:
        download(url, tmp_path / "file.h5", SHA256, attempts=2, pause_s=0.001)
    assert "\n" not in str(caught.value)


def test_silent_server_times_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file.h5"
        with pytest.raises(DownloadError, match="timed out"):
            download(url, tmp_path / "file.h5", SHA256, attempts=1, timeout_s=0.05)


def test_full_disk_is_told_before_the_transfer(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(DownloadError, match="no room"):
        fetch(site, tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's always-full device")
def test_disk_that_fills_up_is_one_line(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A link is no part of a download, and here it stands for a file on a full disk.
    monkeypatch.setattr("kamerton.data.download._require_files", lambda fetch: None)
    (tmp_path / "file.h5.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="No space left") as caught:
        fetch(site, tmp_path)
    assert "\n" not in str(caught.value)


def test_folder_that_cannot_be_made_is_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be made"):
        fetch(site, tmp_path / "file" / "folder")


def test_progress_ends_at_the_whole(site: Site, tmp_path: Path) -> None:
    site.close_after = [1000]
    watcher = Recorder()
    download(site.url, tmp_path / "f", SHA256, pause_s=0.001, watcher=watcher)
    assert watcher.tasks == {
        # The second try begins where the first one ended.
        ("downloading f", len(CONTENT), "bytes"): [0, 1000, 1000, len(CONTENT)],
        ("checking f.part", len(CONTENT), "bytes"): [0, len(CONTENT)],
    }


def test_galaxy10_comes_from_its_published_address(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(galaxy10, "URL", site.url)
    monkeypatch.setattr(galaxy10, "SHA256", SHA256)
    assert download_galaxy10(tmp_path) == tmp_path / "Galaxy10_DECals.h5"


def test_galaxy10_constants_are_those_published() -> None:
    assert galaxy10.URL == "https://zenodo.org/records/10845026/files/Galaxy10_DECals.h5"
    assert galaxy10.SHA256 == "19aefc477c41bb7f77ff07599a6b82a038dc042f889a111b0d4d98bb755c1571"
