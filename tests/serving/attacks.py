"""Hostile requests against a server: ``python -m tests.serving.attacks [--runs RUNS] [--requests N] [--seed S]``.

None may be answered with a file, a traceback or a path of this machine, leave anything behind, or keep an honest
request from its answer.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from kamerton.training.train import train
from tests.conftest import write_toy_splits
from tests.serving.asking import png, upload
from tests.serving.hostile import Attacks, by_oversize, by_slowness
from tests.serving.running import Running, running

LEAKS = re.compile(rb"Traceback|File \"|/tmp/|/home/|/root/|root:x:|site-packages|kamerton-page-|\.py\b")
"""What no answer may hold."""

GROWTH_MB = 60
"""Of a server's memory, beside answers that it may keep."""

HONEST_EVERY = 25
"""Hostile requests between two honest ones."""


def honest(at: Running) -> str:
    """Ask what anybody may, and give the address of the answer."""
    answer = at.raw(upload(at, ("a.png", png(seed=1))))
    assert b" 200 " in answer.split(b"\r\n", 1)[0], answer[:500]
    address: str = json.loads(answer.partition(b"\r\n\r\n")[2])["address"]
    return address


@dataclass
class Found:
    """What came of it."""

    statuses: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    honest_seconds: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)

    def take(self, kind: str, answer: bytes) -> None:
        """Look at an answer to a hostile request."""
        status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/") else "cut"
        self.statuses[status] += 1
        if status == "500":
            self.bad.append(f"{kind}: 500")
        leak = LEAKS.search(answer)
        if leak:
            self.bad.append(f"{kind}: {leak[0]!r} in {answer[:300]!r}")


def attack(at: Running, requests: int, seed: int, *, slow: int = 0) -> Found:
    """Send hostile requests, four at a time, and honest ones between."""
    found = Found()
    attacks = iter(Attacks(at, random.Random(seed)))
    with ThreadPoolExecutor(4) as threads, ThreadPoolExecutor(max(1, slow)) as slow_ones:
        waiting = [slow_ones.submit(by_slowness, at, 40) for _ in range(slow)]
        done = 0
        while done < requests:
            some = [next(attacks) for _ in range(min(HONEST_EVERY, requests - done))]
            for (kind, _), answer in zip(some, threads.map(lambda one: one[1](), some), strict=True):
                found.take(kind, answer)
            done += len(some)
            begin = time.perf_counter()
            honest(at)
            found.honest_seconds.append(time.perf_counter() - begin)
            found.memory_mb.append(at.memory_mb)
        for one in waiting:
            found.take("by_slowness", one.result())
    if slow:
        for _ in range(3):
            found.take("by_oversize", by_oversize(at))
        honest(at)
    return found


def main() -> None:
    """Read the command line; exit 1 where an attack did anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, help="folder of one run; by default a small one is trained")
    parser.add_argument("--requests", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = options.runs or _small_run(Path(folder))
        sys.exit(not _holds(runs, options.requests, options.seed))


def _small_run(folder: Path) -> Path:
    train(write_toy_splits(folder / "data"), network="lenet5", recipe="notebook", epochs=1, out=folder / "runs/toy")
    return folder / "runs"


def _holds(runs: Path, requests: int, seed: int) -> bool:
    """Attack a server, and say what came of it; tell whether nothing did."""
    before = sorted(runs.rglob("*"))
    with running(runs) as at:
        for _ in range(80):
            honest(at)
        start_mb, start_files = at.memory_mb, at.open_files
        found = attack(at, requests, seed, slow=8)
        end_mb, end_files, kept_mb, said = at.memory_mb, at.open_files, at.kept_mb, at.said.read_text()
    statuses = ", ".join(f"{status} {count}" for status, count in sorted(found.statuses.items()))
    print(f"{sum(found.statuses.values())} hostile requests: {statuses}")
    slowest = max(found.honest_seconds)
    print(f"{len(found.honest_seconds)} honest ones between, each answered, the slowest in {slowest:.2f} s")
    print(f"memory {start_mb:.0f} MB before, {end_mb:.0f} MB after; open files {start_files}, {end_files}")
    print(f"kept on disk: {kept_mb:.1f} MB")
    for line in found.bad[:20]:
        print("BAD:", line)
    if said:
        print("SAID:", said[:3000])
    has_grown = end_mb > start_mb + GROWTH_MB or end_files > start_files + 4
    return not (found.bad or said or has_grown) and sorted(runs.rglob("*")) == before


if __name__ == "__main__":
    main()
