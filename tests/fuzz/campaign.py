"""A run of the fuzzer: cases given to a worker, its outcomes counted, and the input of every defect kept."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.cases import Files
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import READ, Outcome, load_seeds, make_case

ROOT = Path(__file__).parents[2]
WORKER = (sys.executable, "-m", "tests.fuzz.worker")
SILENCE_SECONDS = 60
"""A worker that is silent so long hangs."""
START_SECONDS = 600
"""Within which it says its first line: on a busy machine imports alone may take minutes."""


@dataclass
class Summary:
    """What came of a target's cases."""

    target: str
    files: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: Outcome | None = None
    largest: Outcome | None = None
    defects: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.files += 1
        self.kinds[outcome.kind] += 1
        if self.slowest is None or outcome.milliseconds > self.slowest.milliseconds:
            self.slowest = outcome
        if self.largest is None or outcome.memory_bytes > self.largest.memory_bytes:
            self.largest = outcome
        if not outcome.good:
            self.defects.append(outcome)


def write_seeds(target: str, folder: Path) -> dict[str, Files]:
    """Make the sound cases of a target, each in a folder of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    workshop = folder.with_name(f"{folder.name}.workshop")
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir(parents=True)
    for name, files in TARGETS[target].seeds(workshop).items():
        for place, content in files.items():
            path = folder / name / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    shutil.rmtree(workshop)
    return load_seeds(folder)


def attack(target: str, files: int, seed: int, folder: Path, command: Sequence[str] = WORKER) -> Summary:
    """Let one worker read so many spoilt files of a target; the input of every defect is kept in ``folder``."""
    seeds = write_seeds(target, folder / "seeds" / target)
    summary = Summary(target)
    number = 0
    while number < files:
        for outcome in _worker(command, target, seed, number, files, folder):
            summary.add(outcome)
            number = max(number, outcome.number + 1)
            if not outcome.good and outcome.number >= 0:
                _keep(
                    folder / "defects" / f"{target}-{outcome.number}", make_case(seeds, seed, outcome.number), outcome
                )
            if outcome.number < 0:
                return summary
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    return summary


def _worker(command: Sequence[str], target: str, seed: int, first: int, last: int, folder: Path) -> Iterator[Outcome]:
    """Run a worker until it has read all cases or died; its death is the outcome of the case that it had begun."""
    scratch = folder / "scratch" / target
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    arguments = [target, folder / "seeds" / target, seed, first, last, scratch]
    with (scratch / "stderr.txt").open("wb") as stderr:
        worker = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        begun: int | None = None
        try:
            for line in _lines(worker):
                told = json.loads(line)
                begun = told.get("begin")
                if begun is None:
                    yield Outcome(**told)
        finally:
            hangs = worker.poll() is None and begun is not None
            worker.kill() if hangs else None
            code = worker.wait()
    if begun is not None or code != 0:
        said = (scratch / "stderr.txt").read_text(encoding="utf-8", errors="replace")[-400:]
        kind = "hang" if hangs else "crash"
        yield Outcome(-1 if begun is None else begun, kind, f"exit {code}: {said}", 0, 0)


def _lines(worker: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Give the worker's lines until it ends, or is silent for too long."""
    assert worker.stdout is not None
    with worker.stdout as pipe, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        rest = b""
        patience = START_SECONDS
        while selector.select(patience):
            patience = SILENCE_SECONDS
            chunk = os.read(pipe.fileno(), 1 << 16)
            if not chunk:
                worker.wait(SILENCE_SECONDS)
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines


def _keep(place: Path, case: Files, outcome: Outcome) -> None:
    for name, content in case.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (place / "outcome.txt").write_text(f"{outcome}\n", encoding="utf-8")


def table(summaries: list[Summary]) -> str:
    """Show the summaries, a target a column."""
    kinds = sorted({kind for summary in summaries for kind in summary.kinds}, key=lambda kind: (kind != READ, kind))
    rows = [["", *(summary.target for summary in summaries), "all"]]
    rows.append(["files tried", *_with_sum([summary.files for summary in summaries])])
    for kind in kinds:
        rows.append([kind, *_with_sum([summary.kinds[kind] for summary in summaries])])
    slowest = [summary.slowest.milliseconds if summary.slowest else 0 for summary in summaries]
    largest = [summary.largest.memory_bytes / 2**20 if summary.largest else 0 for summary in summaries]
    rows.append(["slowest file, ms", *(f"{value:.0f}" for value in [*slowest, max(slowest)])])
    rows.append(["largest memory, MiB", *(f"{value:.1f}" for value in [*largest, max(largest)])])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        row[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )


def _with_sum(counts: list[int]) -> list[str]:
    return [f"{count:,}" for count in [*counts, sum(counts)]]
