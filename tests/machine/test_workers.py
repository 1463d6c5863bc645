"""Processes side by side give what one would, and none of them is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kamerton.errors import WorkerLostError
from kamerton.machine.workers import side_by_side


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def fail_at_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def wait_long(place: str) -> None:
    Path(place, str(os.getpid())).touch()
    time.sleep(600)


def test_each_item_is_worked_on_once_in_other_processes() -> None:
    looks: list[int] = []
    found = list(side_by_side(square, range(6), 2, lambda: looks.append(1)))
    assert sorted(result for result, _ in found) == [0, 1, 4, 9, 16, 25]
    assert os.getpid() not in {process for _, process in found}
    assert looks


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="three"):
        list(side_by_side(fail_at_three, range(6), 2, lambda: None))


def test_a_killed_process_is_one_line_that_says_how_to_go_on() -> None:
    with pytest.raises(WorkerLostError, match=r"killed.*fewer --workers") as caught:
        list(side_by_side(die, range(2), 2, lambda: None))
    assert "\n" not in str(caught.value)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def gone(folder: Path) -> bool:
    deadline = time.monotonic() + 60
    while any(alive(int(path.name)) for path in folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(alive(int(path.name)) for path in folder.iterdir())


def begun(folder: Path, count: int) -> bool:
    deadline = time.monotonic() + 60
    while len(list(folder.iterdir())) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(list(folder.iterdir())) == count


def test_who_stops_asking_leaves_no_process(tmp_path: Path) -> None:
    results = side_by_side(wait_long, [str(tmp_path)] * 2, 2, lambda: _stop_where(begun(tmp_path, 2)))
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert gone(tmp_path)


def _stop_where(is_begun: bool) -> None:
    assert is_begun
    raise KeyboardInterrupt


def test_a_killed_process_takes_its_workers_along(tmp_path: Path) -> None:
    script = (
        "from kamerton.machine.workers import side_by_side\n"
        "from tests.machine.test_workers import wait_long\n"
        f"if __name__ == '__main__': list(side_by_side(wait_long, [{str(tmp_path)!r}] * 2, 2, lambda: None))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2]) as first:
        assert begun(tmp_path, 2)
        first.kill()
    assert gone(tmp_path)
