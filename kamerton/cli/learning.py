"""``kamerton train`` and ``sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kamerton import config
from kamerton.cli.answers import JsonFlag, SeedOption, answer, console, whole_numbers, words

TRAIN = config.TrainSettings()


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with train.fits and valid.fits.")],
    network: Annotated[str, typer.Option(help="Name in `kamerton networks`, or timm:NAME.")],
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a path to one ending in .toml.")] = "notebook",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    size: Annotated[int | None, typer.Option(help="Resize images to this side, pixels.")] = TRAIN.size,
    seed: SeedOption = TRAIN.seed,
    out: Annotated[Path | None, typer.Option(help="Run folder to make.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on in the run folder, to the same bits.")] = False,
    checkpoint_minutes: Annotated[
        float | None, typer.Option(help="Write a checkpoint when the last one is older.")
    ] = TRAIN.checkpoint_minutes,
    checkpoint_steps: Annotated[
        int | None, typer.Option(help="Write a checkpoint every so many batches.")
    ] = TRAIN.checkpoint_steps,
    deterministic: Annotated[
        bool | None, typer.Option(help="Same seed, same bits; by default on the processor, not on a card.")
    ] = TRAIN.deterministic,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = TRAIN.device,
    notebook_paths: Annotated[
        bool, typer.Option("--notebook-paths", help="Also write Models/ and ResultLearning/ as the notebook does.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a network into a run folder."""
    from kamerton.training.processes import rank
    from kamerton.training.progress import Silent, watcher_for
    from kamerton.training.train import train as run_training

    run = run_training(
        data,
        network=network,
        recipe=recipe,
        epochs=epochs,
        batch_size=batch_size,
        size=size,
        seed=seed,
        checkpoint_minutes=checkpoint_minutes,
        checkpoint_steps=checkpoint_steps,
        deterministic=deterministic,
        device=device,
        out=out,
        resume=resume,
        notebook_paths=notebook_paths,
        watcher=Silent() if as_json or rank() else watcher_for(console()),
    )
    if rank():
        return
    last = run.history().iloc[-1].to_dict()
    answer(as_json, {"run": run.path, "last_epoch": last}, [f"run: {run.path}"])


def sweep(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with train.fits, valid.fits and test.fits.")],
    networks: Annotated[str, typer.Option(help="Names in `kamerton networks`, with commas between.")],
    out: Annotated[Path, typer.Option(help="Folder of the run folders.")],
    seeds: Annotated[str, typer.Option(help="Whole numbers with commas between.")] = "0,1,2",
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a path to one ending in .toml.")] = "notebook",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    size: Annotated[int | None, typer.Option(help="Resize images to this side, pixels.")] = TRAIN.size,
    eight_views: Annotated[
        bool, typer.Option("--eight-views", help="Test with the mean over turns and mirror images.")
    ] = False,
    ray: Annotated[bool, typer.Option("--ray", help="Spread the runs over a Ray cluster (extra `ray`).")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train several networks with several seeds, and test each; given again, it goes on where it was."""
    from kamerton.sweeping import sweep as run_sweep
    from kamerton.training.progress import Silent, watcher_for

    runs = run_sweep(
        data,
        networks=words(networks),
        seeds=whole_numbers("seeds", seeds),
        out=out,
        recipe=recipe,
        epochs=epochs,
        batch_size=batch_size,
        size=size,
        eight_views=eight_views,
        ray=ray,
        watcher_for=Silent if as_json else lambda: watcher_for(console()),
        say=None if as_json else print,
    )
    paths = [str(run.path) for run in runs]
    answer(as_json, {"runs": paths}, [f"{len(paths)} runs in {out}"])
