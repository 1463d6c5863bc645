"""How much of a network's own rate a catalogue keeps, what a galaxy costs beside it, and how memory grows.

    python benchmarks/predict.py ../shared/data

DATA holds labels.csv (path) and the pictures that it names. Each rate is the median of several turns, in each of which
the network alone, on images that are in memory already, and the catalogue follow each other on the same galaxies: a
busy machine slows both. The cost beside the network and decoding is processor time, all threads together. Memory is the
largest RssAnon of a process that labels a list of EFIGI's pictures, repeated. About a quarter of an hour on free cores.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

import kamerton
from kamerton.catalogue.predict import predict
from kamerton.config.pictures import PATH_COLUMN
from kamerton.data.sources import open_source
from kamerton.data.sources.source import SourceRequest, settings_of
from kamerton.inference.engines import BATCH_IMAGES
from kamerton.inference.predictor import Predictor
from kamerton.progress import Advance, Silent
from kamerton.runs.folder import Run, is_run, open_run

TURNS = 5
CASES = (("alexnet", 256, 256), ("lenet5", 64, 4096))
"""Network, side of its images in pixels, galaxies of a turn."""

PREDICT = [sys.executable, "-m", "kamerton", "predict"]

FEW, MANY = 5_000, 200_000


@dataclass
class Timed:
    """A watcher that times the task of labelling."""

    seconds: float = 0
    cpu_seconds: float = 0
    said: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """See Progress."""
        self.said.append(line)

    @contextmanager
    def task(self, title: str, total: int | None, unit: str, done: int = 0) -> Iterator[Advance]:
        """See Progress."""
        start, cpu = time.perf_counter(), time.process_time()
        with Silent().task(title, total, unit) as advance:
            yield advance
        if title == "labelling":
            self.seconds, self.cpu_seconds = time.perf_counter() - start, time.process_time() - cpu


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Time a work: seconds on the clock, and of all processors."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cpu


def a_run(folder: Path, network: str, side_px: int) -> Run:
    """Train a network a little; what it knows does not matter."""
    if is_run(folder / network):
        return open_run(folder / network)
    data = folder / f"data-{side_px}"
    if not data.exists():
        kamerton.synth(data, count=60, size=side_px, seed=0)
    return kamerton.train(data, network=network, epochs=1, batch_size=16, out=folder / network)


def pictures_of(data: Path, count: int) -> list[Path]:
    """List pictures of 256 pixels, as many as there are, and then again."""
    labels = pd.read_csv(data / "labels.csv")
    large = [data / path for path in labels["path"] if "efigi" not in path]
    return [large[row % len(large)] for row in range(count)]


def rates(run: Run, sources: dict[str, Path], folder: Path) -> None:
    """Print the share of the network's own rate that a catalogue of each source keeps."""
    predictor = Predictor(run)
    for kind, source in sources.items():
        with open_source(SourceRequest(source, settings_of(run.record.pixel_origin), PATH_COLUMN)) as opened:
            places = [place for batch in opened.batches(4096) for place in batch["place"].to_pylist()]
            decoding = timed(lambda: deque(opened.images(places), maxlen=0))  # noqa: B023  # called at once
            images = list(opened.images(places))
        batches = [np.stack(images[start : start + BATCH_IMAGES]) for start in range(0, len(images), BATCH_IMAGES)]
        shares, beside = [], []
        for turn in range(TURNS):
            alone = timed(lambda: deque(map(predictor.answers, batches), maxlen=0))  # noqa: B023  # called at once
            watcher = Timed()
            predict(run, source, out=folder / f"{run.name}-{kind}-{turn}", watcher=watcher)
            shares.append(alone[0] / watcher.seconds)
            beside.append((watcher.cpu_seconds - alone[1] - decoding[1]) / len(places) * 1e3)
        print(
            f"| {run.name} | {kind} | {len(places) / alone[0]:.1f} | {statistics.median(shares):.1%} "
            f"({min(shares):.1%} to {max(shares):.1%}) | {statistics.median(beside):.2f} |",
            flush=True,
        )


def peak_rss_anon_mb(command: list[str]) -> float:
    """Run a command, and give the largest RssAnon that was seen of it, MB."""
    peak_kb = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            found = [line for line in status.splitlines() if line.startswith("RssAnon")]
            peak_kb = max([peak_kb, *(int(line.split()[1]) for line in found)])
            time.sleep(0.02)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return peak_kb / 1024


def memory(data: Path, folder: Path) -> None:
    """Print how the memory of a long list compares with that of a short one."""
    run = a_run(folder, "lenet5", 64)
    labels = pd.read_csv(data / "labels.csv")
    small = [str((data / path).resolve()) for path in labels["path"] if "efigi" in path]
    found = {}
    for count in (FEW, MANY):
        listed = pd.DataFrame({"path": [small[row % len(small)] for row in range(count)]})
        listed.insert(0, "id", [f"galaxy {row}" for row in range(count)])
        place = folder / f"{count}.csv"
        listed.to_csv(place, index=False)
        start = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "kamerton",
            "predict",
            str(run.path),
            str(place),
            "--out",
            str(folder / f"out-{count}"),
        ]
        found[count] = peak_rss_anon_mb(command)
        print(
            f"| {count} | {found[count]:.0f} MB | {count / (time.perf_counter() - start):.0f} galaxies/s |", flush=True
        )
    print(f"{found[MANY] / found[FEW] - 1:+.1%} of memory for {MANY // FEW} times the galaxies")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", choices=["rates", "memory"])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if chosen.only != "memory":
            print("| network | source | network alone, galaxies/s | share kept | ms a galaxy beside both |")
            print("|---|---|---|---|---|")
            for network, side_px, count in CASES:
                run = a_run(folder, network, side_px)
                pictures = folder / f"pictures-{network}"
                pictures.mkdir()
                for row, picture in enumerate(pictures_of(chosen.data, count)):
                    (pictures / f"{row:06}.jpg").symlink_to(picture.resolve())
                survey = folder / f"survey-{network}"
                kamerton.synth(survey, count=count, size=side_px, seed=1)
                rates(run, {"folder": pictures, "cube": survey / "train.fits"}, folder)
        if chosen.only != "rates":
            memory(chosen.data, folder)


if __name__ == "__main__":
    main()
