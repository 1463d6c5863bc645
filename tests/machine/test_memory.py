"""Memory that one step frees is there for the next one, without the kernel."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from kamerton.cli import main
from kamerton.evaluation.evaluate import evaluate
from kamerton.machine import memory
from kamerton.machine.memory import keep_freed_memory
from kamerton.measuring import bench
from kamerton.training.train import train

ARRAY_BYTES, TIMES = 48 << 20, 20


def faults(first: str) -> int:
    """Pages that the kernel had to give while large arrays came and went, in a process of its own."""
    program = f"""
import resource, torch
{first}
def step():
    torch.ones({ARRAY_BYTES // 4})
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({TIMES}):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own switch")
def test_large_arrays_that_come_and_go_stay_with_the_process() -> None:
    # The system may take pages back from any process meanwhile, but not each time.
    kept = min(faults("from kamerton.machine.memory import keep_freed_memory; keep_freed_memory()") for _ in range(3))
    given_back = faults("")
    assert given_back > 10 * TIMES, "the witness: without it pages come anew each time, however large they are"
    assert kept < given_back / 20


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The libraries that were opened to change malloc."""
    opened: list[str] = []

    class Recorder:
        def CDLL(self, name: object) -> object:  # noqa: N802
            opened.append(str(name))
            raise OSError("malloc stays as it is in this test")

    keep_freed_memory.cache_clear()
    monkeypatch.setattr(memory, "ctypes", Recorder())
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2"))
    return opened


def test_a_call_of_the_library_leaves_the_users_process_as_it_is(
    calls: list[str], toy_splits: Path, tmp_path: Path
) -> None:
    run = train(toy_splits, network="lenet5", epochs=1, out=tmp_path / "run")
    evaluate(run, toy_splits / "test.fits")
    bench(["lenet5"], size=32, batch_size=4, repeats=1)
    assert calls == []


@pytest.mark.parametrize(
    "line",
    [
        "demo --out new",
        "train data --network lenet5",
        "sweep data --networks lenet5 --out new",
        "evaluate run cube.fits",
        "verify run",
        "bench",
    ],
)
def test_a_command_that_computes_keeps_freed_memory(
    line: str, calls: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["kamerton", *line.split()])
    with pytest.raises(SystemExit):
        main()
    assert "malloc stays as it is in this test" in capsys.readouterr().err
    assert calls == ["None"]
