"""Workers that are killed. They are apart from the tests, whose imports would take each of them seconds."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from kamerton.errors import DataError, warn


def dying(folder: Path, deaths: int) -> Callable[[int], int]:
    """Begin a worker that writes a file a shard, and is killed the first times that it gets the third."""

    def make(shard: int) -> int:
        marks = list(folder.glob("death-*"))
        if shard == 2 and len(marks) < deaths:
            (folder / f"death-{len(marks)}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (folder / f"shard-{shard}").touch()
        return shard + 10

    return make


def warning() -> Callable[[int], int]:
    """Begin a worker that has something to say of each shard."""

    def make(shard: int) -> int:
        warn(f"shard {shard} is odd")
        return shard

    return make


def refusing() -> Callable[[int], int]:
    """Begin a worker that finds its sources gone."""
    raise DataError("The disk is not there", received="nothing", next_step="mount it")
