"""``kamerton train`` and ``sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kamerton.cli import completion
from kamerton.cli.options import with_options
from kamerton.cli.shared import Commands, JsonFlag, print_result
from kamerton.cli.terminal import training_watcher
from kamerton.config.learning import SweepSettings, TrainSettings

app = Commands()


@app.command()
@with_options(TrainSettings)
def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with train.fits and valid.fits.")],
    network: Annotated[
        str, typer.Option(help="Name in `kamerton networks`, or timm:NAME.", autocompletion=completion.networks)
    ],
    *,
    out: Annotated[Path | None, typer.Option(help="Run folder to make; by default a new one in runs/.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on in the run folder, to the same bits.")] = False,
    notebook_paths: Annotated[
        bool, typer.Option("--notebook-paths", help="Also write Models/ and ResultLearning/ as the notebook does.")
    ] = False,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Train a network into a run folder."""
    from kamerton.formats.exporting import expected_pixels
    from kamerton.machine.memory import keep_freed_memory
    from kamerton.training.processes import rank
    from kamerton.training.progress import Silent
    from kamerton.training.train import train as run_training

    keep_freed_memory()
    run = run_training(
        data,
        network=network,
        out=out,
        resume=resume,
        notebook_paths=notebook_paths,
        watcher=Silent() if rank() else training_watcher(),
        **settings,
    )
    if rank():
        return
    last = run.history().iloc[-1].to_dict()
    if run.keras_path.exists():
        training_watcher().say(f"for Keras: {expected_pixels(run, run.keras_path)}")
    print_result(as_json, {"run": run.path, "last_epoch": last}, [f"run: {run.path}"])


@app.command()
@with_options(SweepSettings)
def sweep(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with train.fits, valid.fits and test.fits.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the run folders.")],
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Train several networks with several seeds, and test each; given again, it goes on where it was."""
    from kamerton.machine.memory import keep_freed_memory
    from kamerton.sweeping import sweep as run_sweep

    keep_freed_memory()
    runs = run_sweep(
        data,
        out=out,
        watcher_for=training_watcher,
        say=training_watcher().say,
        **settings,
    )
    paths = [str(run.path) for run in runs]
    print_result(as_json, {"runs": paths}, [f"{len(paths)} runs in {out}"])
