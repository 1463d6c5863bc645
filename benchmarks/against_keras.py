"""The notebook's own code in Keras and Kamerton in turn, A B A B, in processes of their own.

    python3 -m venv /tmp/keras && /tmp/keras/bin/pip install 'keras==3.15.1' 'tensorflow==2.21.*' jax
    python benchmarks/against_keras.py --keras-python /tmp/keras/bin/python [--pairs 5] [--images 320] [--size 256]

Each process trains AlexNet with batches of 32 for one epoch to warm up and for another that counts, and then predicts
the same images, once to warm up and once that counts. Keras has its images in memory, as in the notebook, and its time
ends with its last batch: TensorFlow then waits for seconds before ``fit`` returns, which is not held against it.
Kamerton reads a cube. Prediction is also timed with Keras on JAX, where that is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
BATCH, CLASSES = 32, 10


def images_per_second(images: int, work: Callable[[], object], end: Callable[[], float] = time.perf_counter) -> float:
    """Time some work, after once unseen; ``end`` tells afterwards when it was done."""
    work()
    start = time.perf_counter()
    work()
    return images / (end() - start)


def keras_rates(images: int, size: int) -> dict[str, float]:
    """Train and predict as the notebook does."""
    import keras
    import numpy as np

    sys.path.insert(0, str(HERE.parents[1]))
    from tests.notebook_in_keras import alexnet_in_keras

    ends: list[float] = []

    def note(*_: object, **__: object) -> None:
        ends.append(time.perf_counter())

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (images, size, size, 3), np.uint8).astype("float32") / 255.0
    y = np.eye(CLASSES, dtype="float32")[np.arange(images) % CLASSES]
    model = alexnet_in_keras(keras, size)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="categorical_crossentropy", metrics=["accuracy"])
    noting = keras.callbacks.LambdaCallback(on_train_batch_end=note, on_predict_batch_end=note)
    settings: dict[str, Any] = {"batch_size": BATCH, "verbose": 0, "callbacks": [noting]}
    rates = {}
    if keras.backend.backend() == "tensorflow":
        rates["training"] = images_per_second(images, lambda: model.fit(x, y, **settings), lambda: ends[-1])
    rates["prediction"] = images_per_second(images, lambda: model.predict(x, **settings), lambda: ends[-1])
    return rates


def kamerton_rates(images: int, size: int) -> dict[str, float]:
    """Train from a cube into a run folder, and predict with the run."""
    import numpy as np

    from kamerton.data.cubes.cube import open_cube
    from kamerton.data.cubes.writer import CubeWriter
    from kamerton.inference.predictor import Predictor
    from kamerton.machine.memory import keep_freed_memory
    from kamerton.training.train import train

    keep_freed_memory()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for name, count in (("train", images), ("valid", BATCH)):
            writer = CubeWriter(
                Path(folder) / f"{name}.fits",
                image_shape=(size, size, 3),
                dtype=np.uint8,
                class_names=[f"class {index}" for index in range(CLASSES)],
            )
            with writer:
                for start in range(0, count, BATCH):
                    rows = min(BATCH, count - start)
                    writer.append(rng.integers(0, 256, (rows, size, size, 3), np.uint8))
                writer.finish(np.arange(count) % CLASSES)
        run = train(folder, network="alexnet", recipe="notebook", epochs=2, batch_size=BATCH, out=Path(folder) / "run")
        predictor = Predictor(run)
        with open_cube(Path(folder) / "train.fits") as cube:
            prediction = images_per_second(images, lambda: list(predictor.over_cube(cube)))
        return {"training": float(run.history()["images_per_second"].iloc[-1]), "prediction": prediction}


def child(python: str, who: str, given: argparse.Namespace) -> dict[str, float]:
    """Measure in a process of its own."""
    words = [python, str(HERE), "--child", who, "--images", str(given.images), "--size", str(given.size)]
    environment = os.environ | {"KERAS_BACKEND": who, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
    rates: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return rates


def has(python: str, module: str) -> bool:
    """Tell whether an interpreter has a module."""
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def spread(values: list[float]) -> str:
    """Say median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Measure pair by pair and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keras-python", default=sys.executable, help="Interpreter with Keras and TensorFlow.")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--images", type=int, default=320)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        measure = kamerton_rates if given.child == "kamerton" else keras_rates
        print(json.dumps(measure(given.images, given.size)))
        return
    backends = [name for name in ("tensorflow", "jax") if has(given.keras_python, name)]
    found: list[dict[str, Any]] = []
    for number in range(given.pairs):
        theirs = {name: child(given.keras_python, name, given) for name in backends}
        ours = child(sys.executable, "kamerton", given)
        fastest = max(theirs, key=lambda name: theirs[name]["prediction"])
        row = {
            "keras training": theirs["tensorflow"]["training"],
            "kamerton training": ours["training"],
            "keras prediction": theirs[fastest]["prediction"],
            "kamerton prediction": ours["prediction"],
        }
        found.append(row)
        print(
            f"pair {number + 1}: training {row['keras training']:.1f} and {row['kamerton training']:.1f} images/s, "
            f"ratio {row['kamerton training'] / row['keras training']:.2f}; prediction {row['keras prediction']:.1f} "
            f"({fastest}) and {row['kamerton prediction']:.1f} images/s, "
            f"ratio {row['kamerton prediction'] / row['keras prediction']:.2f}",
            flush=True,
        )
    for what in ("training", "prediction"):
        print(f"{what}: {spread([row[f'kamerton {what}'] / row[f'keras {what}'] for row in found])} times Keras")


if __name__ == "__main__":
    main()
