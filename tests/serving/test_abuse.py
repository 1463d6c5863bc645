"""Hostile requests against a real server; `make fuzz` sends more of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kamerton.runs.folder import Run
from tests.serving.asking import png, upload
from tests.serving.attacks import attack, honest
from tests.serving.running import running

pytestmark = pytest.mark.long

REQUESTS = 120


def test_hostile_requests_get_nothing_and_leave_nothing(calibrated: Run, tmp_path: Path) -> None:
    (tmp_path / "run").symlink_to(calibrated.path)
    with running(tmp_path) as at:
        honest(at)
        files = at.open_files
        found = attack(at, REQUESTS, seed=3)
        assert found.bad == []
        assert at.said.read_text() == ""
        assert at.open_files <= files + 2
        assert at.kept_mb < 30
    assert len(found.honest_seconds) >= REQUESTS // 25
    assert {"413", "403", "401", "404"} <= set(found.statuses)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_nothing_is_kept_when_the_server_has_ended(calibrated: Run) -> None:
    with running(calibrated.path.parent) as at:
        honest(at)
        assert list(at.temporary.glob("kamerton-page-*"))
        at.process.terminate()
        at.process.wait(10)
        assert not list(at.temporary.glob("kamerton-page-*"))


def test_an_upload_that_is_cut_leaves_no_file(calibrated: Run) -> None:
    with running(calibrated.path.parent) as at:
        honest(at)
        kept = at.kept_mb
        whole = upload(at, ("a.png", png(512)))
        at.raw(whole[: len(whole) // 2], half=True)
        honest(at)
        assert at.kept_mb == pytest.approx(2 * kept, rel=0.01)
