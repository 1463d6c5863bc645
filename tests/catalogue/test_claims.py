"""Who makes which shard."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

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
    held = claim(tmp_path, "a", wait=False)
    assert held is not None
    (tmp_path / CLAIMS / "b").touch()
    remove_dead_claims(tmp_path)
    assert [path.name for path in (tmp_path / CLAIMS).iterdir()] == ["a"]
    held.release()
