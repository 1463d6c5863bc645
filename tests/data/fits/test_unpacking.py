"""Gzipped files are unpacked to a place that disappears; plain ones are opened as they are."""

import gzip
import io
import os
import shutil
import tracemalloc
from pathlib import Path

import pytest

from kamerton.data.fits.unpacking import SMALL_BYTES, as_plain_file
from kamerton.errors import CubeError


def test_a_gzipped_file_reads_like_the_plain_one(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "a.gz").write_bytes(gzip.compress(content, 1))
    with as_plain_file(tmp_path / "a.gz") as file:
        assert file.read() == content


def test_the_unpacked_file_has_no_name_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"content"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with as_plain_file(tmp_path / "a.gz") as file:
        assert list(scratch.iterdir()) == []
        assert file.read() == b"content"


def test_a_file_without_permission_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CubeError, match=r"cannot be opened.*Is a directory"):
        as_plain_file(tmp_path)


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """A small file that unpacks to several times what is allowed."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as packing:
        for _ in range(3 * SMALL_BYTES >> 20):
            packing.write(bytes(1 << 20))
    path = tmp_path / "bomb.fits.gz"
    path.write_bytes(packed.getvalue())
    return path


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of temporary files."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_gzip_bomb_is_stopped_in_one_line_and_leaves_nothing(bomb: Path, scratch: Path) -> None:
    assert bomb.stat().st_size < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(CubeError, match=r"bomb\.fits\.gz: unpacks to too much.*200 times the file"):
            as_plain_file(bomb)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert list(scratch.iterdir()) == []


def test_unpacking_stops_before_the_disk_is_full(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(os.urandom(100_000)))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: type("Usage", (), {"free": 50_000}))
    with pytest.raises(CubeError, match=r"unpacks to too much.*50000 bytes free"):
        as_plain_file(tmp_path / "a.gz")
    assert list(scratch.iterdir()) == []


def test_a_device_is_no_cube() -> None:
    with pytest.raises(CubeError, match="not a plain file"):
        as_plain_file(Path("/dev/zero"))
