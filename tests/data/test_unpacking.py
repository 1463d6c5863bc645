"""Gzipped files are unpacked to a place that disappears; plain ones are opened as they are."""

import gzip
import os
from pathlib import Path

import pytest

from kamerton.data.unpacking import as_plain_file
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
