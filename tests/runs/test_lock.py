"""One process writes into a run at a time, whatever became of the one before it."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from kamerton.errors import KamertonWarning, OutputError
from kamerton.runs.lock import LOCK_FILE, locked

HOLD = """
import sys, time
from pathlib import Path
from kamerton.runs.lock import locked
with locked(Path(sys.argv[1]), "train"):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(run: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(run)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_that_is_held_is_one_line_that_says_by_whom(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        with (
            pytest.raises(OutputError, match=rf"another process.*train, process {process.pid} on .*Next: wait") as said,
            locked(tmp_path, "evaluate"),
        ):
            pytest.fail("another process writes")
        process.kill()
    assert said.value.exit_code == 2


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / LOCK_FILE).exists()
    with locked(tmp_path, "train"):
        assert f"process {os.getpid()}" in (tmp_path / LOCK_FILE).read_text()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_made_for_the_lock_goes_when_it_stays_empty(tmp_path: Path) -> None:
    with locked(tmp_path / "deep" / "run", "train"):
        assert (tmp_path / "deep" / "run").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_filled_stays(tmp_path: Path) -> None:
    with locked(tmp_path / "run", "train"):
        (tmp_path / "run" / "run.json").write_text("{}")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]


def test_never_two_at_once_though_the_file_goes_each_time(tmp_path: Path) -> None:
    """Threads count as processes: each opens the file anew."""
    inside, most, done = [0], [0], [0]

    def work() -> None:
        while done[0] < 200:
            try:
                with locked(tmp_path, "train"):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    inside[0] -= 1
                    done[0] += 1
            except OutputError:
                continue

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_what_is_no_file_in_the_place_of_the_lock_is_one_line_and_stays(tmp_path: Path, kind: str) -> None:
    place, other = tmp_path / LOCK_FILE, tmp_path / "thesis.txt"
    other.write_text("mine")
    {"link": lambda: place.symlink_to(other), "folder": place.mkdir, "fifo": lambda: os.mkfifo(place)}[kind]()
    with pytest.raises(OutputError, match="cannot be written"), locked(tmp_path, "train"):
        pytest.fail("nothing may be written")
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK_FILE, "thesis.txt"]
    assert other.read_text() == "mine"


def test_a_file_system_without_locks_is_told_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.warns(KamertonWarning, match="knows no locks"), locked(tmp_path, "train"):
        pass
