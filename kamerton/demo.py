"""The whole way on a synthetic survey: ``kamerton demo``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from kamerton.config import DemoSettings
from kamerton.data.synthetic.survey import synth
from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison import Comparison
from kamerton.evaluation.evaluate import evaluate
from kamerton.evaluation.tables import print_comparison
from kamerton.files import whole_folder
from kamerton.networks.registry import NETWORKS
from kamerton.reporting.report import write_report
from kamerton.runs.folder import Run
from kamerton.training.progress import Watcher
from kamerton.training.train import train


@dataclass(frozen=True)
class Demo:
    """What the demo made."""

    table: Path
    picture: Path
    report: Path
    comparison: Comparison


def demo(
    out: str | Path, console: Console, settings: DemoSettings | None = None, *, watcher: Watcher | None = None
) -> Demo:
    """Make a synthetic survey, train each network of the demo on it, test them, and compare them.

    ``out`` must not exist yet (OutputError). Tables and pictures are in ``OUT/comparison/``, the report is
    ``OUT/report.html``.
    """
    settings = settings or DemoSettings()
    with whole_folder(Path(out)) as folder:
        return _demo(folder, console, settings, watcher)


def _demo(folder: Path, console: Console, settings: DemoSettings, watcher: Watcher | None) -> Demo:
    console.print(f"A synthetic survey of {settings.count} galaxies, {settings.size} x {settings.size} pixels")
    summary = synth(folder / "data", count=settings.count, size=settings.size, seed=settings.seed, watcher=watcher)
    console.print(summary.describe(), markup=False)
    runs = []
    for name in settings.networks:
        console.print(f"\n{NETWORKS[name].title}, the recipe {settings.recipe}")
        run = train(
            folder / "data",
            network=name,
            recipe=settings.recipe,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            seed=settings.seed,
            out=folder / "runs" / name,
            watcher=watcher,
        )
        evaluate(run, folder / "data" / "test.fits", watcher=watcher)
        runs.append(run)
    return _compare(folder, console, runs)


def _compare(folder: Path, console: Console, runs: list[Run]) -> Demo:
    place = folder / "comparison"
    comparison = compare(runs, out=place)
    page = write_report(comparison, folder / "report.html")
    console.print("\nOn the test set, which no training saw:")
    print_comparison(comparison, console)
    table, picture = place / "comparison.csv", place / "learning_curves.png"
    mistakes = runs[0].picture_path("test", "mistakes")
    console.print(f"table:    {table}\npicture:  {picture}\nmistakes: {mistakes}\nreport:   {page}")
    return Demo(table, picture, page, comparison)
