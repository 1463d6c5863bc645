"""Every network in every layout, in turn with Keras and others: who is fastest, and how much of the machine it gets.

    python benchmarks/all_networks.py [--keras-python /tmp/keras/bin/python] [--sizes 128 256] [--turns 5]
    python benchmarks/all_networks.py --what prediction [--quick]

Each contender does a step (or answers a batch), half a second long or longer, and waits while the others do theirs, A
B A B. Kamerton's layouts share a process; each way of Keras, OpenVINO (--what prediction) and ``torch.compile``
(--compiled) has one of its own. Keras computes the same network: the twin that `kamerton.formats.keras` writes, without
GoogLeNet's auxiliary heads. Who is not ready after --patience seconds is left out, with a word. Rates are images a
second, medians of the turns; the share of the ceiling is of a matrix product in the same turn.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Container, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kamerton.config.machine import ChosenLayout

HERE = Path(__file__).resolve()
CLASSES = 10
BATCH = {"training": 32, "prediction": 64}
MATRIX, MATRIX_SIDE = "matrix", 3072
LAYOUTS: dict[str, ChosenLayout] = {"plain": "plain", "last": "channels_last", "mosaic": "mosaic"}
MUCH_OF_ITS_WORK = 0.05
"""Share of the operations in tiles, below which a network in tiles is the plain one."""
LEAST_SECONDS = 0.5
"""Of a turn."""
SILENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
KERAS = {"tensorflow": "tensorflow", "tensorflow_xla": "tensorflow", "jax": "jax"}
"""The backend of each contender; TensorFlow without its compiler and, as Keras takes it by default, with it."""

Works = dict[str, Callable[[], object]]


def kamerton_training(name: str, size: int, asked: Container[str], *, compiled: bool) -> Works:
    """Give a step of training in each layout that is asked for, or in the one that is compiled."""
    import torch

    from kamerton.config.pictures import Preprocessing
    from kamerton.machine.computation import Computation, choose_computation
    from kamerton.networks.cost import share_in_tiles
    from kamerton.networks.registry import build_network
    from kamerton.recipes import load_recipe
    from kamerton.training.loop import Trainer
    from kamerton.training.session import Session

    recipe, device = load_recipe("notebook"), torch.device("cpu")
    images_nhwc = torch.randint(0, 256, (BATCH["training"], size, size, 3), dtype=torch.uint8)
    labels = torch.arange(len(images_nhwc)) % CLASSES

    def step(computation: Computation) -> Callable[[], object]:
        network = computation.lay_out(build_network(name, size=size, channels=3, classes=CLASSES))
        trainer = Trainer(
            network=network, recipe=recipe, preprocessing=Preprocessing(size, 3), seed=0, computation=computation
        )
        optimizer = Session.start(network, recipe).optimizer
        trainer.learner.train()
        return lambda: trainer.learn(images_nhwc, labels, optimizer, 0)

    if compiled:
        return {"compiled": step(Computation(device, deterministic=True, channels_last=True, compiled=True))}
    network = build_network(name, size=size, channels=3, classes=CLASSES)
    share = share_in_tiles(network, size=size, channels=3, images=len(images_nhwc), side_by_side=True)
    layouts = [word for word in LAYOUTS if word in asked and (share >= MUCH_OF_ITS_WORK or word != "mosaic")]
    return {word: step(choose_computation(device, deterministic=True, layout=LAYOUTS[word])) for word in layouts}


def kamerton_prediction(name: str, size: int, asked: Container[str], *, compiled: bool) -> Works:
    """Give a batch's answers as Kamerton computes them, and from PyTorch in each layout that is asked for."""
    import torch

    from kamerton.inference.engines import Engine, float32_engine, torch_engine
    from kamerton.machine.computation import Computation, choose_computation
    from kamerton.networks.layouts import fastest_layout
    from kamerton.networks.registry import build_network, find_network

    device = torch.device("cpu")
    images_nchw = torch.rand(BATCH["prediction"], 3, size, size)

    def answer(engine: Engine) -> Callable[[], object]:
        def work() -> object:
            with torch.inference_mode():
                return engine(images_nchw)

        return work

    def network() -> torch.nn.Module:
        return build_network(name, size=size, channels=3, classes=CLASSES).eval()

    if compiled:
        last = Computation(device, deterministic=True, channels_last=True, compiled=True)
        return {"compiled": answer(torch_engine(last.prepared(network()), last))}
    layout = fastest_layout(find_network(name), size, device, deterministic=True)
    chosen = choose_computation(device, deterministic=True, layout=layout)
    works = {"kamerton": answer(float32_engine(network(), (size, size, 3), chosen))}
    for word, layout in LAYOUTS.items():
        if word not in asked:
            continue
        one = choose_computation(device, deterministic=True, layout=layout)
        works[word] = answer(torch_engine(network(), one))
    return works


def keras_work(who: str, size: int, what: str, file: Path) -> Works:
    """Give a step, or a batch's answers, of the network's twin in Keras."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    images_nhwc = rng.random((BATCH[what], size, size, 3), np.float32)
    labels = np.arange(BATCH[what]) % CLASSES
    model = keras.models.load_model(file, compile=False)
    optimizer, compiled = keras.optimizers.Adam(1e-3), who != "tensorflow"
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", jit_compile=compiled)
    if what == "training":
        return {who: lambda: model.train_on_batch(images_nhwc, labels)}
    return {who: lambda: np.asarray(model.predict_on_batch(images_nhwc))}


def openvino_work(size: int, file: Path) -> Works:
    """Give a batch's answers of OpenVINO from the network's ONNX file."""
    import numpy as np
    import openvino

    images_nchw = np.random.default_rng(0).random((BATCH["prediction"], 3, size, size), np.float32)
    model = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return {"openvino": lambda: model(images_nchw)}


def matrix_product() -> Callable[[], object]:
    """Give the product that the ceiling is taken from."""
    import torch

    matrix, product = torch.rand(MATRIX_SIDE, MATRIX_SIDE), torch.empty(MATRIX_SIDE, MATRIX_SIDE)
    return lambda: torch.mm(matrix, matrix, out=product)


def files(name: str, size: int, folder: Path) -> dict[str, Any]:
    """Write a network for Keras and for ONNX, where they can say it, and count its operations."""
    from kamerton.formats.keras.file import has_keras_twin, write_keras
    from kamerton.formats.onnx_file import onnx_bytes
    from kamerton.networks.cost import count_flops, count_training_flops
    from kamerton.networks.registry import build_network

    network = build_network(name, size=size, channels=3, classes=CLASSES).eval()
    if has_keras_twin(network):
        write_keras(network, (size, size, 3), folder / "network.keras", name)
    (folder / "network.onnx").write_bytes(onnx_bytes(network, (size, size, 3)))
    return {
        "training": count_training_flops(network, size=size, channels=3),
        "prediction": count_flops(network, size=size, channels=3),
    }


def child(who: str, name: str, size: int, what: str, folder: Path, layouts: Container[str]) -> None:
    """Tell which contenders are here; then do one piece of work for each line that names one, and tell its seconds."""
    if who in KERAS:
        works = keras_work(who, size, what, folder / "network.keras")
        wrapped = ExitStack()
    elif who == "openvino":
        works, wrapped = openvino_work(size, folder / "network.onnx"), ExitStack()
    else:
        sys.path.insert(0, str(HERE.parents[1]))
        from kamerton.machine.memory import keep_freed_memory
        from kamerton.machine.repeatable import repeatable

        keep_freed_memory()
        flops = files(name, size, folder)[what] if who == "kamerton" else None
        ours = kamerton_training if what == "training" else kamerton_prediction
        works = ours(name, size, layouts, compiled=who == "compiled")
        if who == "kamerton":
            works[MATRIX] = matrix_product()
        wrapped = ExitStack()
        wrapped.enter_context(repeatable(deterministic=True))
    with wrapped:
        for work in works.values():
            work()
        print(json.dumps({"names": list(works), "flops": flops if who == "kamerton" else None}), flush=True)
        for line in sys.stdin:
            start, done, seconds = time.perf_counter(), 0, 0.0
            while seconds < LEAST_SECONDS:
                works[line.strip()]()
                done, seconds = done + 1, time.perf_counter() - start
            print(json.dumps(seconds / done), flush=True)


class EndedError(Exception):
    """A contender's process is no more."""


@dataclass(frozen=True)
class Contender:
    """A name, and the process that does its work."""

    name: str
    process: subprocess.Popen[str]

    def seconds(self) -> float:
        """Let it do its work once."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(f"{self.name}\n")
            self.process.stdin.flush()
            return float(json.loads(self.process.stdout.readline()))
        except (BrokenPipeError, ValueError):
            raise EndedError(f"{self.name} ended, perhaps for want of memory: ask for fewer --layouts") from None


@contextmanager
def process_of(words: list[str], backend: str | None) -> Iterator[subprocess.Popen[str]]:
    """Start one, and end it."""
    environment = os.environ | SILENT | ({"KERAS_BACKEND": backend} if backend else {})
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            assert process.stdin is not None
            # What was to go to a process that had ended.
            with suppress(BrokenPipeError):
                process.stdin.close()


def ready(process: subprocess.Popen[str], patience: float | None) -> dict[str, Any] | None:
    """Wait for what a process tells of itself; None where it does not in time."""
    assert process.stdout is not None
    found, _, _ = select.select([process.stdout], [], [], patience)
    line = process.stdout.readline() if found else ""
    told: dict[str, Any] | None = json.loads(line) if line else None
    return told


@dataclass(frozen=True)
class Row:
    """What was measured of one network at one size: seconds of each turn, by contender."""

    chosen: str
    """The contender that Kamerton takes."""
    batch: int
    flops_an_image: int
    turns: list[dict[str, float]]

    def rate(self, name: str) -> float:
        """Give images a second."""
        return statistics.median(self.batch / turn[name] for turn in self.turns)

    def ratio(self, name: str) -> float:
        """Say how many times as fast as a contender Kamerton is."""
        return statistics.median(turn[name] / turn[self.chosen] for turn in self.turns)

    @property
    def share(self) -> float:
        """Of the ceiling."""
        work = self.batch * self.flops_an_image
        return statistics.median(work / turn[self.chosen] / (2 * MATRIX_SIDE**3 / turn[MATRIX]) for turn in self.turns)

    def describe(self) -> str:
        """Say it in a line."""
        told = [f"{self.chosen} {self.rate(self.chosen):.1f} ({self.share:.0%} of the ceiling)"]
        others = (name for name in self.turns[0] if name not in {MATRIX, self.chosen})
        return ", ".join([*told, *(f"{one} {self.rate(one):.1f} (x{self.ratio(one):.2f})" for one in others)])


def measured(name: str, size: int, given: argparse.Namespace) -> Row:
    """Measure one network at one size, all contenders in turn."""
    others = [*given.keras, *(["openvino"] if given.what == "prediction" else [])] if given.keras_python else []
    with ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory())
        contenders: list[Contender] = []
        flops = 0
        for who in ("kamerton", *others, *(["compiled"] if given.compiled else [])):
            if who in KERAS and not (Path(folder) / "network.keras").exists():
                continue
            python = given.keras_python if who in others else sys.executable
            words = [python, str(HERE), "--child", who, "--networks", name, "--sizes", str(size)]
            words += ["--what", given.what, "--folder", folder, "--layouts", *given.layouts]
            process = held.enter_context(process_of(words, KERAS.get(who)))
            told = ready(process, None if who == "kamerton" else given.patience)
            if told is None:
                print(f"{name} at {size} px: {who} was not ready after {given.patience:.0f} s", flush=True)
                process.kill()
                continue
            flops = told["flops"] or flops
            contenders += [Contender(one, process) for one in told["names"]]
        turns = [{one.name: one.seconds() for one in contenders} for _ in range(given.turns)]
    return Row(chosen_of(name, size, given.what, turns[0]), BATCH[given.what], flops, turns)


def chosen_of(name: str, size: int, what: str, contenders: Container[str]) -> str:
    """Name the contender that Kamerton takes."""
    if what == "prediction":
        return "kamerton"
    import torch

    from kamerton.networks.layouts import fastest_layout
    from kamerton.networks.registry import find_network

    layout = fastest_layout(find_network(name), size, torch.device("cpu"), deterministic=True)
    word = {layout: word for word, layout in LAYOUTS.items()}[layout]
    return word if word in contenders else "plain"


def main() -> None:
    """Print a row a network and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", help="by default all but EfficientNet-Lite1 and 2")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--what", choices=list(BATCH), default="training")
    parser.add_argument("--layouts", nargs="+", choices=list(LAYOUTS), default=list(LAYOUTS), help="of Kamerton's own")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two turns at the first size")
    parser.add_argument("--compiled", action="store_true", help="torch.compile too, where it is ready in time")
    parser.add_argument("--keras-python", help="interpreter with Keras, its backends and OpenVINO")
    parser.add_argument("--keras", nargs="+", choices=list(KERAS), default=["tensorflow", "tensorflow_xla"])
    parser.add_argument("--patience", type=float, default=120, help="seconds until a contender must be ready")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.networks[0], given.sizes[0], given.what, given.folder, given.layouts)
        return
    sys.path.insert(0, str(HERE.parents[1]))
    if given.quick:
        given.turns, given.sizes = 2, given.sizes[:1]
    from kamerton.networks.registry import NETWORKS

    names = given.networks or [name for name in NETWORKS if name not in {"efficientnet_lite1", "efficientnet_lite2"}]
    print(f"{given.what}, batches of {BATCH[given.what]}: images/s, and how many times as fast Kamerton is as each")
    for size in given.sizes:
        for name in names:
            try:
                told = measured(name, size, given).describe()
            except EndedError as error:
                told = f"not measured: {error}"
            print(f"{name:20} {size:4} px  {told}", flush=True)


if __name__ == "__main__":
    main()
