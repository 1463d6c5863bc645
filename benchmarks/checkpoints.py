"""What checkpoints cost a training: AlexNet at 256 px, batch 32, an epoch of Galaxy10's 11,350 galaxies.

    python benchmarks/checkpoints.py [--steps 12] [--checkpoints 5]

Times steps on noise and writes of a checkpoint, in turn, and prints the share of an epoch that its checkpoints take:
one at the end, and one every ten minutes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from kamerton.config.learning import TrainSettings
from kamerton.config.pictures import Preprocessing
from kamerton.machine.computation import choose_computation
from kamerton.machine.memory import keep_freed_memory
from kamerton.networks.registry import build_network
from kamerton.recipes import load_recipe
from kamerton.training.checkpoint import write_checkpoint
from kamerton.training.loop import Trainer
from kamerton.training.session import Session

GALAXIES = 11_350


def main() -> None:
    """Print the cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--checkpoints", type=int, default=5)
    options = parser.parse_args()
    keep_freed_memory()
    recipe = load_recipe("notebook")
    network = build_network("alexnet", size=256, channels=3, classes=10)
    session = Session.start(network, recipe)
    trainer = Trainer(
        network=network,
        recipe=recipe,
        preprocessing=Preprocessing(256, 3),
        seed=0,
        computation=choose_computation(torch.device("cpu"), deterministic=True),
    )
    images_nhwc = torch.randint(0, 256, (recipe.batch_size, 256, 256, 3), dtype=torch.uint8)
    labels = torch.arange(recipe.batch_size) % 10
    steps, writes = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.steps):
            start = time.perf_counter()
            trainer.learn(images_nhwc, labels, session.optimizer, seed=0)
            steps.append(time.perf_counter() - start)
            if number % max(1, options.steps // options.checkpoints) == 0:
                start = time.perf_counter()
                write_checkpoint(Path(folder) / "checkpoint", session)
                writes.append(time.perf_counter() - start)
                session.step += 1
        size_bytes = max(path.stat().st_size for path in Path(folder).rglob("*.safetensors"))
    step, write = statistics.median(steps), statistics.median(writes)
    epoch_seconds = step * GALAXIES / recipe.batch_size
    minutes = TrainSettings.checkpoint_minutes
    assert minutes is not None
    count = 1 + epoch_seconds // (60 * minutes)
    share, spread = count * write / epoch_seconds, f"{min(writes):.2f} to {max(writes):.2f}"
    print(f"step {step:.2f} s; checkpoint of {size_bytes / 1e6:.0f} MB {write:.2f} s ({spread})")
    print(f"epoch of {GALAXIES} galaxies {epoch_seconds:.0f} s with {count:.0f} checkpoints, which take {share:.2%}")


if __name__ == "__main__":
    main()
