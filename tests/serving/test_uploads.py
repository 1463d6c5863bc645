"""What a browser sends is counted while it arrives, and looked at before it is read."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from starlette.testclient import TestClient

from kamerton.config.serving import Caps
from kamerton.errors import DataError, UsageError
from kamerton.serving.uploads import require_small, shown_name, without_folders
from kamerton.serving.words import WORDS
from tests.serving.asking import MULTIPART, form
from tests.serving.conftest import visitor

SMALL = Caps(upload_bytes=5000, form_bytes=1000, files=3, parts=6, hdus=3, unpacked_bytes=100_000, idle_seconds=0.2)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """At a page that takes little."""
    return visitor(tmp_path, caps=SMALL)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (form(("a", b"x" * 6000)), 413),
        (form(*[("a", b"x")] * 4), 413),
        (form(("a", b"")) * 1, 400),
        (form(run="r" * 2000), 413),
        (b"--other--", 400),
        (b"", 400),
    ],
)
def test_more_than_is_taken_is_refused(client: TestClient, body: bytes, status: int) -> None:
    answer = client.post("/classify", content=body, headers={"Content-Type": MULTIPART})
    assert answer.status_code == status


def test_bytes_count_that_nobody_has_promised(client: TestClient) -> None:
    def stream() -> Iterator[bytes]:
        yield form(("a", b""))[:-30]
        for _ in range(100):
            yield b"x" * 100

    answer = client.post("/classify", content=stream(), headers={"Content-Type": MULTIPART})
    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "multipart/mixed; boundary=x"])
def test_another_kind_of_request_is_refused(client: TestClient, kind: str) -> None:
    answer = client.post("/classify", content=b"{}", headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert WORDS["en"].frame.not_this in answer.text


def cube_of(hdus: int) -> bytes:
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(np.zeros((3, 3))) for _ in range(hdus - 1))]).writeto(file)
    return file.getvalue()


def test_a_file_is_judged_by_its_headers_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(cube_of(3))
    require_small(path, SMALL)
    path.write_bytes(cube_of(4))
    with pytest.raises(DataError, match="more than this page takes"):
        require_small(path, SMALL)


@pytest.mark.parametrize("packed", [False, True])
def test_compressed_tiles_count_by_what_they_promise(tmp_path: Path, packed: bool) -> None:
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.zeros((400, 400), np.int16))]).writeto(file)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(file.getvalue()) if packed else file.getvalue())
    assert path.stat().st_size < SMALL.unpacked_bytes
    with pytest.raises(DataError, match="more than this page takes"):
        require_small(path, SMALL)


def test_a_gzip_bomb_is_unpacked_no_further_than_allowed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(bytes(10_000_000)))
    with pytest.raises(DataError, match="unpacks to more"):
        require_small(path, SMALL)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_gzipped_file_is_a_plain_one_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(cube_of(2)))
    require_small(path, SMALL)
    assert path.read_bytes() == cube_of(2)


def test_hdf5_may_lead_to_other_files_and_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(UsageError, match="kamerton predict"):
        require_small(path, SMALL)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.png", "a.png"),
        ("/etc/passwd", "passwd"),
        ("..", ".."),
        ("", "-"),
        ("///", "-"),
        ("a\\b\\c.png", "c.png"),
        ("x" * 500, "x" * 120),
        ("a\nb", "a\\x0ab"),
        ("\udcff.png", "?.png"),
    ],
)
def test_a_name_is_its_last_part_in_printable_letters(name: str, shown: str) -> None:
    assert shown_name(name) == shown


def test_an_id_that_is_a_path_of_the_machine_is_shown_by_its_last_part() -> None:
    assert [without_folders(name) for name in ("/home/x/a.png", "north/a.png")] == ["a.png", "north/a.png"]
