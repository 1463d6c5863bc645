"""Who makes which shard."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kamerton.catalogue.claims import CLAIMS, claim, remove_dead_claims

HOLD = "import sys; from pathlib import Path; from kamerton.catalogue.claims import claim\n"
HOLD += "claim(Path(sys.argv[1]), 'a', wait=True); print('held', flush=True); sys.stdin.read()"


def test_what_one_has_another_does_not_get_until_it_is_released(tmp_path: Path) -> None:
    first = claim(tmp_path, "a", wait=False)
    assert first is not None
    assert claim(tmp_path, "a", wait=False) is None
    with claim(tmp_path, "b", wait=False) or first:
        first.release()
        second = claim(tmp_path, "a", wait=False)
    assert second is not None
    second.release()
    assert not (tmp_path / CLAIMS).exists()


def test_who_waits_gets_it_when_it_is_released(tmp_path: Path) -> None:
    first = claim(tmp_path, "a", wait=False)
    assert first is not None
    threading.Timer(0.1, first.release).start()
    second = claim(tmp_path, "a", wait=True)
    assert second is not None
    second.release()


def test_a_killed_process_claims_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert claim(tmp_path, "a", wait=False) is None
        other.kill()
        other.wait()
    found = claim(tmp_path, "a", wait=False)
    assert found is not None
    found.release()


def test_what_the_dead_left_goes_and_what_the_living_hold_stays(tmp_path: Path) -> None:
    held = claim(tmp_path, "000001", wait=False)
    assert held is not None
    (tmp_path / CLAIMS / "000002").touch()
    remove_dead_claims(tmp_path)
    assert [path.name for path in (tmp_path / CLAIMS).iterdir()] == ["000001"]
    held.release()


def test_what_is_no_claim_stays_and_nothing_is_removed_through_a_link(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (tmp_path / "one" / CLAIMS).mkdir(parents=True)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / CLAIMS).symlink_to(theirs)
    places = [folder / name for folder in (theirs, tmp_path / "one" / CLAIMS) for name in ("notes.txt", "000001x")]
    (theirs / "000001").touch()
    for place in places:
        place.touch()
    for out in (tmp_path / "one", tmp_path / "two"):
        remove_dead_claims(out)
    assert all(place.exists() for place in (*places, theirs / "000001"))
    with pytest.raises(OSError, match="is a link"):
        claim(tmp_path / "two", "000001", wait=False)
