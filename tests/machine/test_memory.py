"""Memory that one step frees is there for the next one, without the kernel."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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
    kept = faults("from kamerton.machine.memory import keep_freed_memory; keep_freed_memory()")
    given_back = faults("")
    assert given_back > 10 * TIMES, "the witness: without it pages come anew each time, however large they are"
    assert kept < given_back / 20
