"""The whole way on a synthetic survey: ``kamerton demo``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from kamerton.catalogue.predict import predict
from kamerton.config.surveys import DemoSettings, SynthSettings
from kamerton.data.synthetic.survey import synth, write_new_galaxies
from kamerton.errors import TrainingStoppedError
from kamerton.evaluation.calibrate import calibrate
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
    catalogue: Path


def demo(
    out: str | Path, console: Console, settings: DemoSettings | None = None, *, watcher: Watcher | None = None
) -> Demo:
    """Make a synthetic survey, train each network of the demo on it, test and compare them, and label new galaxies.

    ``out`` must not exist yet (OutputError). Tables and pictures are in ``OUT/comparison/``, the report is
    ``OUT/report.html``; ``OUT/new_galaxies.vot`` is a catalogue of galaxies that nobody has labelled, with calibrated
    probabilities.
    """
    settings = settings or DemoSettings()
    try:
        with whole_folder(Path(out)) as folder:
            return _demo(folder, console, settings, watcher)
    except TrainingStoppedError as stopped:
        # The folder is gone, and with it what could go on.
        raise TrainingStoppedError(
            stopped.signal, stopped.place, Path(out), next_step="give the same command again", is_kept=False
        ) from stopped


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
    # Before the run is calibrated, or its results would be those of before that.
    comparison = compare(runs, out=folder / "comparison")
    page = write_report(comparison, folder / "report.html")
    catalogue = _label_new_galaxies(folder, console, runs[0], settings, watcher)
    return _told(folder, console, runs[0], comparison, page, catalogue)


def _label_new_galaxies(
    folder: Path, console: Console, run: Run, settings: DemoSettings, watcher: Watcher | None
) -> Path:
    """Calibrate a run on the test set, and label galaxies of another survey of this kind with it."""
    console.print(f"\n{settings.new_galaxies} new galaxies, which nobody has labelled, by {run.name}")
    new = folder / "new_galaxies.fits"
    write_new_galaxies(new, SynthSettings(settings.new_galaxies, settings.size, settings.seed + 1))
    calibrated = calibrate(run, folder / "data" / "test.fits", watcher=watcher)
    found = predict(run, new, out=folder / "new_galaxies.vot", watcher=watcher)
    console.print("\n".join([*calibrated.describe()[:1], found.describe()[0]]), markup=False)
    return folder / "new_galaxies.vot"


def _told(folder: Path, console: Console, run: Run, comparison: Comparison, page: Path, catalogue: Path) -> Demo:
    console.print("\nOn the test set, which no training saw:")
    print_comparison(comparison, console)
    if any(caution.leakage is not None and caution.leakage.status == "likely" for caution in comparison.cautions):
        console.print("PERHAPS NOT A TEST: drawn galaxies may be alike by chance. Here all of them are distinct.")
    table, picture = folder / "comparison/comparison.csv", folder / "comparison/learning_curves.png"
    mistakes = run.picture_path("test", "mistakes")
    console.print(f"table:    {table}\npicture:  {picture}\nmistakes: {mistakes}\nreport:   {page}")
    console.print(f"new galaxies, labelled: {catalogue}")
    return Demo(table, picture, page, comparison, catalogue)
