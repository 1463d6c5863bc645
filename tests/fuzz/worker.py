"""The process that reads spoilt files, one after another, and tells of each what came of it.

It is a process of its own so that its memory can be bounded and its death be noticed. Each line that it prints is a
JSON object: ``{"begin": number}`` before a case, and an ``Outcome`` after it.
"""

from __future__ import annotations

import gc
import json
import os
import random
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from tests.fuzz.cases import Files, Target, files_of
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import TARGETS

MEMORY_BYTES = 128 << 20
"""No file of a few kilobytes may cost more than this, above what the process has."""
ADDRESS_BYTES = 1 << 30
"""Nor may it ask for more address space than this, touched or not."""
SECONDS = 5.0
MESSAGE_LENGTH = 4000
OPEN_FILES = 16
"""So many may be open more than at the beginning, until the garbage is collected."""

READ = "read"


@dataclass(frozen=True)
class Outcome:
    """What came of one case."""

    number: int
    kind: str
    """``read``, or ``clean NAME`` for an error as promised; anything else is a defect."""
    detail: str
    milliseconds: float
    memory_bytes: int

    @property
    def good(self) -> bool:
        return self.kind == READ or self.kind.startswith("clean ")


def make_case(seeds: dict[str, Files], seed: int, number: int) -> Files:
    """Spoil one file of a sound case, now and then two; a pure function of its arguments."""
    rng = random.Random(f"{seed}:{number}")
    case = dict(seeds[rng.choice(sorted(seeds))])
    for name in rng.sample(sorted(case), min(len(case), rng.choice((1, 1, 1, 2)))):
        case[name] = mutate(name, case[name], rng)
    return case


def read_case(target: Target, case: Files, scratch: Path, number: int) -> Outcome:
    """Let the reader read a case, and judge what it did."""
    folder, temporary = scratch / "case", scratch / "temporary"
    _write(folder, case)
    noise_bytes = os.fstat(2).st_size
    before_bytes = _reset_peak()
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        kind, detail = _kind_of(target, folder)
    milliseconds = (time.perf_counter() - start) * 1000
    memory_bytes = max(0, _status_bytes("VmHWM") - before_bytes)
    if kind == READ or kind.startswith("clean "):
        checks = {
            "warning": "; ".join(str(warning.message)[:200] for warning in warned),
            "memory": f"{memory_bytes >> 20} MiB" if memory_bytes > MEMORY_BYTES else "",
            "slow": f"{milliseconds:.0f} ms" if milliseconds > SECONDS * 1000 else "",
            "leftover": _leftovers(folder, case, temporary),
            "noise": "text on stderr" if os.fstat(2).st_size > noise_bytes else "",
        }
        kind, detail = next(((name, found) for name, found in checks.items() if found), (kind, detail))
    return Outcome(number, kind, detail[:500], milliseconds, memory_bytes)


def _kind_of(target: Target, folder: Path) -> tuple[str, str]:
    try:
        target.read(folder)
    except target.error as error:
        message = str(error)
        clean = message.isprintable() and len(message) <= MESSAGE_LENGTH
        return (f"clean {target.error.__name__}", message) if clean else ("message", repr(message))
    except KeyboardInterrupt:
        raise
    except AssertionError as error:
        return "wrong read", _where(error)
    # Whatever a library raises, its panics included, is the finding.
    except BaseException as error:
        return f"exception {type(error).__name__}", f"{str(error)[:300]} {_where(error)}"
    return READ, ""


def _where(error: BaseException) -> str:
    trace, place = error.__traceback__, ""
    while trace is not None:
        place += f" {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _write(folder: Path, case: Files) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name, content in case.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _leftovers(folder: Path, case: Files, temporary: Path) -> str:
    if files_of(folder) != case:
        return "the files themselves were changed"
    return ", ".join(path.name for path in temporary.iterdir())


def _status_bytes(field: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def _reset_peak() -> int:
    """Let the peak of the memory begin anew, and give what is in use (Linux: proc_pid_clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status_bytes("VmRSS")


def _count_open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def load_seeds(folder: Path) -> dict[str, Files]:
    """Read the sound cases, each in a folder of its own."""
    return {path.name: files_of(path) for path in sorted(folder.iterdir())}


def outcomes(target: Target, seeds: dict[str, Files], seed: int, numbers: range, scratch: Path) -> Iterator[Outcome]:
    """Read the cases of these numbers; the sound ones come first, unnumbered, and warm the process up."""
    (scratch / "temporary").mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(scratch / "temporary")
    for name, case in seeds.items():
        outcome = read_case(target, case, scratch, -1)
        if outcome.kind != READ:
            yield Outcome(-1, "sound file refused", f"{name}: {outcome.detail}", 0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (_status_bytes("VmSize") + ADDRESS_BYTES,) * 2)
    open_files = _count_open()
    for number in numbers:
        print(json.dumps({"begin": number}), flush=True)
        yield read_case(target, make_case(seeds, seed, number), scratch, number)
        if _count_open() > open_files + OPEN_FILES:
            gc.collect()
            if _count_open() > open_files:
                yield Outcome(number, "open files", "", 0, 0)


def main() -> None:
    """Read the cases that the command line names: target, folder of seeds, seed, first, last, scratch."""
    name, seeds, seed, first, last, scratch = sys.argv[1:]
    torch.set_num_threads(1)
    numbers = range(int(first), int(last))
    for outcome in outcomes(TARGETS[name], load_seeds(Path(seeds)), int(seed), numbers, Path(scratch)):
        print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    main()
