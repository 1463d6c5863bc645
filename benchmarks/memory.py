"""Peak memory and time of an epoch against the size of the cube: Kamerton, and the notebook's own code in Keras.

    python benchmarks/memory.py results/memory [--galaxies 1000 4000 11350] [--size 256] [--threads 2]
        [--keras-python /tmp/keras/bin/python --keras-galaxies 1000 4000]

Writes a cube of noise for each size, trains one epoch of AlexNet on it in a process of its own, and reads RssAnon from
/proc twenty times a second. RssAnon leaves out the mapped file, whose pages the kernel may take back. Keras has its
images in memory as float32, twice for a while, as in the notebook. Draws OUT/growth.svg and OUT/growth.png, and prints
one row a size.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

CHUNK = 50
CLASSES = 10
HERE = Path(__file__).resolve()

Row = tuple[int, float, float]
"""(galaxies, peak RssAnon in MiB, seconds of an epoch)."""


def write_noise(path: Path, galaxies: int, size: int) -> None:
    """Write a labelled cube of noise, streamed."""
    from kamerton.data.cubes.writer import CubeWriter

    rng = np.random.default_rng(0)
    names = [f"class {index}" for index in range(CLASSES)]
    with CubeWriter(path, image_shape=(size, size, 3), dtype=np.uint8, class_names=names) as writer:
        for start in range(0, galaxies, CHUNK):
            count = min(CHUNK, galaxies - start)
            writer.append(rng.integers(0, 256, (count, size, size, 3), np.uint8))
        writer.finish(np.arange(galaxies) % CLASSES)


def peak_anonymous_mib(command: list[str], threads: int) -> tuple[float, str]:
    """Run a command and give its peak RssAnon in MiB and what it said last."""
    peak_kib = 0
    count = str(threads)
    environment = os.environ | {"OMP_NUM_THREADS": count, "TF_NUM_INTRAOP_THREADS": count, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            if found := re.search(r"RssAnon:\s+(\d+) kB", status.read_text()):
                peak_kib = max(peak_kib, int(found[1]))
            time.sleep(0.05)
        assert process.stdout is not None
        said = process.stdout.read().strip().splitlines()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return peak_kib / 1024, said[-1]


def kamerton_row(data: Path, galaxies: int, given: argparse.Namespace) -> Row:
    """Train one epoch into a new run folder."""
    from kamerton.runs.folder import open_run

    command = [sys.executable, "-m", "kamerton", "train", str(data), "--network", "alexnet", "--epochs", "1"]
    command += ["--batch-size", str(given.batch_size), "--out", str(data / "run"), "--device", "cpu"]
    peak, _ = peak_anonymous_mib(command, given.threads)
    return galaxies, peak, float(open_run(data / "run").history()["seconds"].iloc[-1])


def keras_row(data: Path, galaxies: int, given: argparse.Namespace) -> Row:
    """Train one epoch as the notebook does."""
    command = [given.keras_python, str(HERE), str(data), "--child", "--batch-size", str(given.batch_size)]
    peak, said = peak_anonymous_mib(command, given.threads)
    return galaxies, peak, float(said)


def notebook_epoch(data: Path, batch_size: int) -> float:
    """Read, scale and train as the notebook does; in the interpreter that has Keras and TensorFlow."""
    import keras
    from astropy.io import fits

    sys.path.insert(0, str(HERE.parents[1]))
    from tests.notebook_in_keras import alexnet_in_keras

    sets = []
    for name in ("train", "valid"):
        with fits.open(data / f"{name}.fits") as hdus:
            x, y = hdus[0].data.astype("float32"), hdus[1].data.astype("int64")
            sets.append((x / 255.0, y))
    model = alexnet_in_keras(keras, sets[0][0].shape[1])
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    start = time.perf_counter()
    model.fit(*sets[0], batch_size=batch_size, epochs=1, validation_data=sets[1], verbose=0)
    return time.perf_counter() - start


def draw(rows: dict[str, list[Row]], size: int, out: Path) -> None:
    """Draw memory and time of an epoch against the number of galaxies."""
    from kamerton.figures.drawing import MARKERS, OKABE_ITO, PICTURE_ENDINGS, new_figure, save_figure

    figure = new_figure(7, 3)
    memory, seconds = figure.subplots(1, 2)
    for (name, found), marker, colour in zip(rows.items(), MARKERS, OKABE_ITO, strict=False):
        galaxies, peak_mib, epoch_s = zip(*found, strict=True)
        memory.plot(galaxies, np.array(peak_mib) / 1024, marker=marker, color=colour, label=name)
        seconds.plot(galaxies, epoch_s, marker=marker, color=colour, label=name)
    for axes, what in ((memory, "peak RssAnon, GiB"), (seconds, "one epoch, s")):
        axes.set(xlabel=f"galaxies of {size} px", ylabel=what, xlim=0, ylim=(0, 1.1 * axes.get_ylim()[1]))
        axes.legend(frameon=False)
    for ending in PICTURE_ENDINGS:
        save_figure(figure, out / f"growth{ending}")


def main() -> None:
    """Train on each cube, print one row a size, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--galaxies", type=int, nargs="+", default=[1000, 4000, 11350])
    parser.add_argument("--keras-python", help="Interpreter with Keras, TensorFlow and Astropy.")
    parser.add_argument("--keras-galaxies", type=int, nargs="+", default=[1000])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(notebook_epoch(given.out, given.batch_size))
        return
    rows: dict[str, list[Row]] = {"Kamerton": []}
    if given.keras_python:
        rows["the notebook in Keras"] = []
    print("galaxies  peak RssAnon, MiB  epoch, s  program")
    for galaxies in sorted({*given.galaxies, *(given.keras_galaxies if given.keras_python else ())}):
        data = given.out / f"noise{galaxies}"
        data.mkdir(parents=True)
        write_noise(data / "train.fits", galaxies, given.size)
        write_noise(data / "valid.fits", 2 * given.batch_size, given.size)
        for name, found in rows.items():
            ours = name == "Kamerton"
            if galaxies in (given.galaxies if ours else given.keras_galaxies):
                found.append((kamerton_row if ours else keras_row)(data, galaxies, given))
                print(f"{galaxies:8d}  {found[-1][1]:17.0f}  {found[-1][2]:8.0f}  {name}", flush=True)
    draw(rows, given.size, given.out)
    print(f"drawn: {given.out / 'growth.svg'}")


if __name__ == "__main__":
    main()
