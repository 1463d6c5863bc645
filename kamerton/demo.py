"""The whole way on a synthetic survey: ``kamerton demo``."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from kamerton.config import DemoSettings, SynthSettings
from kamerton.data.survey import synth
from kamerton.evaluation.evaluate import evaluate
from kamerton.evaluation.tables import HEADLINES, compare_table
from kamerton.figures import learning_curves_figure, save_figure
from kamerton.files import new_folder, whole_file
from kamerton.networks import NETWORKS
from kamerton.runs import Run
from kamerton.training.progress import watcher_for
from kamerton.training.train import train


@dataclass(frozen=True)
class Demo:
    """What the demo made."""

    table: Path
    picture: Path
    results: list[dict[str, Any]]


def demo(out: str | Path, console: Console, settings: DemoSettings | None = None) -> Demo:
    """Make a synthetic survey, train each network of the demo on it, test them, and lay the results side by side.

    ``out`` must not exist yet (OutputError). The table is ``OUT/comparison.csv``, the picture ``OUT/comparison.png``.
    """
    settings = settings or DemoSettings()
    folder = new_folder(Path(out))
    try:
        return _demo(folder, console, settings)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _demo(folder: Path, console: Console, settings: DemoSettings) -> Demo:
    console.print(f"A synthetic survey of {settings.count} galaxies, {settings.size} x {settings.size} pixels")
    summary = synth(folder / "data", SynthSettings(settings.count, settings.size, settings.seed))
    console.print(summary.describe(), markup=False)
    runs, results = [], []
    for name in settings.networks:
        console.print(f"\n{NETWORKS[name].title}, the notebook's recipe")
        run = train(
            folder / "data",
            network=name,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            seed=settings.seed,
            out=folder / "runs" / name,
            watcher=watcher_for(console),
        )
        runs.append(run)
        results.append(evaluate(run, folder / "data" / "test.fits").metrics)
    return _compare(folder, console, runs, results)


def _compare(folder: Path, console: Console, runs: list[Run], results: list[dict[str, Any]]) -> Demo:
    table, picture = folder / "comparison.csv", folder / "comparison.png"
    columns = ["run", "network", "galaxies", *HEADLINES]
    with whole_file(table) as partial:
        pd.DataFrame([{name: metrics[name] for name in columns} for metrics in results]).to_csv(partial, index=False)
    save_figure(learning_curves_figure({NETWORKS[r.record.network].title: r.history() for r in runs}), picture)
    console.print("\nOn the test set, which no training saw:")
    console.print(compare_table(results))
    console.print(f"table:   {table}\npicture: {picture}\nmistakes: {runs[0].evaluation_path('test') / 'mistakes.png'}")
    return Demo(table, picture, results)
