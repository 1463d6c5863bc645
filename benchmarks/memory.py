"""Peak anonymous memory (RssAnon) of a training against the size of its cube.

    python benchmarks/memory.py results/memory [--galaxies 1000 11350] [--size 256] [--batch-size 32]

Writes a cube of noise for each size (2.2 GB for 11,350 galaxies), trains one epoch in a process of its own, and reads
RssAnon from /proc twenty times a second. RssAnon leaves out the mapped file, whose pages the kernel may take back.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from kamerton.data.cubes import CubeWriter

CHUNK = 50
CLASSES = 10


def write_noise(path: Path, galaxies: int, size: int) -> None:
    """Write a labelled cube of noise, streamed."""
    rng = np.random.default_rng(0)
    names = [f"class {index}" for index in range(CLASSES)]
    with CubeWriter(path, image_shape=(size, size, 3), dtype=np.uint8, class_names=names) as writer:
        for start in range(0, galaxies, CHUNK):
            count = min(CHUNK, galaxies - start)
            writer.append(rng.integers(0, 256, (count, size, size, 3), np.uint8))
        writer.finish(np.arange(galaxies) % CLASSES)


def peak_anonymous_mib(command: list[str]) -> tuple[float, float]:
    """Run a command and give its peak RssAnon in MiB and its seconds."""
    start, peak_kib = time.monotonic(), 0
    with subprocess.Popen(command) as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            if found := re.search(r"RssAnon:\s+(\d+) kB", status.read_text()):
                peak_kib = max(peak_kib, int(found[1]))
            time.sleep(0.05)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return peak_kib / 1024, time.monotonic() - start


def main() -> None:
    """Train on each cube and print one row a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--galaxies", type=int, nargs="+", default=[1000, 11350])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    given = parser.parse_args()
    rows = []
    for galaxies in given.galaxies:
        data = given.out / f"noise{galaxies}"
        data.mkdir(parents=True)
        write_noise(data / "train.fits", galaxies, given.size)
        write_noise(data / "valid.fits", 2 * given.batch_size, given.size)
        command = [sys.executable, "-m", "kamerton", "train", str(data), "--network", "alexnet", "--epochs", "1"]
        command += ["--batch-size", str(given.batch_size), "--out", str(data / "run")]
        rows.append((galaxies, (data / "train.fits").stat().st_size / 1e9, *peak_anonymous_mib(command)))
    print("galaxies  cube, GB  peak RssAnon, MiB  seconds")
    for galaxies, cube_gb, peak_mib, seconds in rows:
        print(f"{galaxies:8d}  {cube_gb:8.2f}  {peak_mib:17.0f}  {seconds:7.0f}")


if __name__ == "__main__":
    main()
