"""How fast the page answers, and what it does under load.

    python -m benchmarks.serving RUN GALAXY [--threads 2] [--clients 50] [--requests 2000]

A server of its own answers for the RUN (best an AlexNet of 256 px) about the picture GALAXY, one browser at a time:
whole requests, from the first byte sent to the last received, without and with the map of why. Wall time depends on
what else the machine does, processor time hardly does. Then so many clients at once ask for as many answers; nothing
but an answer or 503 may come, and memory must stay where it is. Exit 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.serving.asking import request, upload
from tests.serving.running import Running, running

REPEATS = 20
GROWTH_MB = 30
"""Between the second and the last quarter of the load; what Python and the allocator keep is there before."""


def ask(at: Running, raw: bytes) -> tuple[int, bytes]:
    """Send a request; give status and body."""
    head, _, body = at.raw(raw, seconds=120).partition(b"\r\n\r\n")
    return int(head[9:12] or 0), body


def classify(at: Running, content: bytes) -> str:
    """Classify a galaxy, and give the address of the answer."""
    status, body = ask(at, upload(at, ("galaxy.jpg", content)))
    assert status == 200, body
    address: str = json.loads(body)["address"]
    return address


def explain(at: Running, content: bytes) -> None:
    """Classify a galaxy, and make the map of why."""
    status, _ = ask(at, request(at, f"{classify(at, content)}/0/map.png"))
    assert status == 200


def processor_seconds(at: Running) -> float:
    """Processor time of the server so far."""
    fields = Path(f"/proc/{at.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(at: Running, name: str, work: Callable[[], object]) -> None:
    """Time some work again and again, and print what it took."""
    work()
    before, times = processor_seconds(at), []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begin))
    processor = 1000 * (processor_seconds(at) - before) / REPEATS
    ends = f"{min(times):.0f} to {max(times):.0f}"
    print(f"{name}: median {statistics.median(times):.0f} ms ({ends}), {processor:.0f} ms of processor time")


def load(at: Running, content: bytes, clients: int, requests: int) -> bool:
    """Let many clients ask at once; tell whether nothing but answers and 503 came, and memory stayed."""
    raw = upload(at, ("galaxy.jpg", content))
    statuses: Counter[int] = Counter()
    memory_mb = []
    begin = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        for count, (status, _) in enumerate(threads.map(lambda _: ask(at, raw), range(requests)), start=1):
            statuses[status] += 1
            if count % max(1, requests // 40) == 0:
                memory_mb.append(at.memory_mb)
    seconds = time.perf_counter() - begin
    quarter = len(memory_mb) // 4
    early, late = statistics.mean(memory_mb[quarter : 2 * quarter]), statistics.mean(memory_mb[-quarter:])
    told = ", ".join(f"{count} of {status}" for status, count in sorted(statuses.items()))
    print(f"{clients} clients, {requests} requests in {seconds:.0f} s: {told}")
    print(f"memory: {early:.0f} MB in the second quarter, {late:.0f} MB in the last; on disk {at.kept_mb:.0f} MB")
    return set(statuses) <= {200, 503} and late < early + GROWTH_MB and not at.said.read_text()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("galaxy", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=2000)
    options = parser.parse_args()
    content = options.galaxy.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run").symlink_to(options.run.resolve())
        with running(Path(folder), threads=options.threads) as at:
            measure(at, "one galaxy", lambda: classify(at, content))
            measure(at, "one galaxy, explained", lambda: explain(at, content))
            holds = load(at, content, options.clients, options.requests)
    sys.exit(not holds)


if __name__ == "__main__":
    main()
