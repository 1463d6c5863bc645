"""One network on real galaxies: import, split by group, train, evaluate by source.

    python benchmarks/real_galaxies.py ../shared/data results/real
    python benchmarks/real_galaxies.py ../shared/data results/modern --recipe modern --size 128 --eight-views
    python benchmarks/real_galaxies.py ../shared/data results/resnet18 --network resnet18 --recipe modern --size 96
    python benchmarks/real_galaxies.py ../shared/data results/finetune --network efficientnet_lite0_stages --size 128 \
        --crop 128 --start efficientnet_lite0_stages.imagenet --recipe finetune --eight-views --seeds 0,1,2
    python benchmarks/real_galaxies.py ../shared/data results/probe --network efficientnet_lite0_stages --size 64 \
        --crop 128 --start efficientnet_lite0_stages.imagenet --recipe finetune --freeze --epochs 4 --eight-views

DATA holds labels.csv (path, galaxy10_name, source, group) and the pictures that it names. EFIGI is left out: its crops
are tighter, and it has no Merging and no Cigar, so that source would tell the class. Without options it is the
notebook's recipe, about 15 minutes on two cores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd
from rich.console import Console

from kamerton.data.importers import import_cube
from kamerton.data.splitting import split_cube
from kamerton.evaluation.evaluate import evaluate
from kamerton.evaluation.tables import print_metrics
from kamerton.machine.memory import keep_freed_memory
from kamerton.training.progress import PlainLines
from kamerton.training.train import train


def write_list(data: Path, path: Path) -> None:
    """List the pictures with a Galaxy10 class, EFIGI's left out, with their places made absolute."""
    labels = pd.read_csv(data / "labels.csv")
    chosen = labels[labels["galaxy10_name"].notna() & (labels["source"] != "efigi")]
    places = [str((data / place).resolve()) for place in chosen["path"]]
    columns = {"path": places, "label": chosen["galaxy10_name"], "source": chosen["source"], "group": chosen["group"]}
    pd.DataFrame(columns).to_csv(path, index=False)


def main() -> None:
    """Run the whole way and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--network", default="alexnet")
    parser.add_argument("--recipe", default="notebook")
    parser.add_argument("--eight-views", action="store_true")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--crop", type=int, help="side of the central square that is kept before resizing")
    parser.add_argument("--seed", type=int, default=0, help="of the split, and of the training")
    parser.add_argument("--seeds", help="of several trainings on that split, with commas")
    parser.add_argument("--start", help="learned weights to begin with")
    parser.add_argument("--freeze", action="store_true", help="fit the last layer alone")
    given = parser.parse_args()
    keep_freed_memory()
    given.out.mkdir(parents=True)
    write_list(given.data, given.out / "galaxies.csv")
    print(import_cube(given.out / "galaxies.csv", given.out / "all.fits", size=given.size, crop=given.crop))
    print(split_cube(given.out / "all.fits", given.out / "data", group_column="group", seed=given.seed).describe())
    for seed in [given.seed] if given.seeds is None else map(int, given.seeds.split(",")):
        start = time.perf_counter()
        run = train(
            given.out / "data",
            network=given.network,
            recipe=given.recipe,
            epochs=given.epochs,
            seed=seed,
            start=given.start,
            freeze=given.freeze,
            out=given.out / "runs" / (given.network if given.seeds is None else f"{given.network}-seed{seed}"),
            watcher=PlainLines(Console()),
        )
        print(f"trained in {time.perf_counter() - start:.0f} s")
        found = evaluate(run, given.out / "data" / "test.fits", by="source", eight_views=given.eight_views)
        print_metrics(found, Console())
        print(f"results: {found.path}")


if __name__ == "__main__":
    main()
