"""What the page puts aside is gone with its server, and what a killed one left with the next."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kamerton.serving.temporary import LOCK_FILE, PREFIX, temporary_files_in_own_folder

HOLDING = """
import tempfile
from kamerton.serving.temporary import temporary_files_in_own_folder
with temporary_files_in_own_folder():
    print(tempfile.mkdtemp(), flush=True)
    input()
"""


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_temporary_files_are_in_the_folder_and_go_with_it(around: Path) -> None:
    with temporary_files_in_own_folder() as folder:
        assert Path(tempfile.mkdtemp()).parent == folder
        assert folder.parent == around
    assert list(around.iterdir()) == []
    assert tempfile.gettempdir() == str(around)


def test_what_a_killed_server_left_goes_when_the_next_begins_and_not_before(around: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(around)},
    )
    assert other.stdout is not None
    left = Path(other.stdout.readline().strip())
    (left / "galaxy.fits").write_text("of somebody")
    with temporary_files_in_own_folder():
        assert (left / "galaxy.fits").exists()
    other.kill()
    other.communicate()
    assert (left / "galaxy.fits").exists()
    with temporary_files_in_own_folder():
        assert not left.parent.exists()


def test_what_may_be_somebody_elses_stays(around: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / LOCK_FILE).touch()
    (around / f"{PREFIX}link").symlink_to(elsewhere)
    (around / f"{PREFIX}file").touch()
    (around / f"{PREFIX}new").mkdir()
    (around / f"{PREFIX}linked").mkdir()
    (around / f"{PREFIX}linked" / LOCK_FILE).symlink_to(elsewhere / LOCK_FILE)
    (around / "kamerton-other").mkdir()
    (around / "kamerton-other" / LOCK_FILE).touch()
    before = sorted(around.rglob("*"))
    with temporary_files_in_own_folder():
        pass
    assert sorted(around.rglob("*")) == before
    assert (elsewhere / LOCK_FILE).exists()
