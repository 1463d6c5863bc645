"""What making a catalogue costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kamerton.runs.folder import Run
from tests.conftest import write_toy_cube

WATCHED = """
import sys
from pathlib import Path
from kamerton.catalogue.answering import Answering
from kamerton.catalogue.predict import predict

def anonymous_mib():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024

seen, plain = [], Answering.rows
def rows(self, batch):
    found = plain(self, batch)
    seen.append(anonymous_mib())
    return found

Answering.rows = rows
predict(Path(sys.argv[1]), Path(sys.argv[2]), out=Path(sys.argv[3]))
print(len(seen), seen[-1] - seen[len(seen) // 4])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc")
def test_memory_does_not_grow_from_batch_to_batch_of_a_shard(toy_run: Run, tmp_path: Path) -> None:
    cube = write_toy_cube(tmp_path / "many.fits", 6000, size=64, seed=3)
    words = [sys.executable, "-c", WATCHED, str(toy_run.path), str(cube), str(tmp_path / "shapes")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    batches, growth_mib = done.stdout.split()[-2:]
    assert int(batches) > 80
    # It was 45 to 115 MiB as long as the rows of each batch lay where its images had been.
    assert float(growth_mib) < 30
