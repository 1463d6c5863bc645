"""``kamerton evaluate``, ``calibrate``, ``compare``, ``report`` and ``verify``: what runs are worth."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from kamerton.cli.options import with_options
from kamerton.cli.shared import Commands, JsonFlag, OverwriteFlag, print_result
from kamerton.cli.terminal import answers, print_json, training_watcher, watcher
from kamerton.config.judging import REPORT_PAGE, CalibrateSettings, CompareSettings, EvaluateSettings, ReportSettings
from kamerton.errors import warn

Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or a sweep's folder of them.")]


app = Commands()


@app.command()
@with_options(EvaluateSettings)
def evaluate(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folder; several are averaged.")],
    cube: Annotated[Path, typer.Argument(metavar="CUBE", help="Labelled cube that the runs have not seen.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the ensemble of several runs; by default beside the first, by their names."),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace results of that name, of another cube or a member's other manner."),
    ] = False,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Test a run on a cube, or several runs as an ensemble: the mean of their probabilities."""
    from kamerton.evaluation.evaluate import evaluate as run_evaluation
    from kamerton.evaluation.tables import print_metrics
    from kamerton.machine.memory import keep_freed_memory

    keep_freed_memory()
    found = run_evaluation(runs, cube, out=out, overwrite=overwrite, watcher=watcher(), **settings)
    if as_json:
        for told in found.warnings:
            warn(f"{found.metrics.run} on {found.tested_on}: {told}")
        guess = None if found.guess is None else found.guess.as_json()
        cost = {"cost": dataclasses.asdict(found.cost)} if found.metrics.averaged else {}
        print_json({"path": str(found.path), **found.metrics.as_json(), "against_guessing": guess, **cost})
    else:
        print_metrics(found, answers())
        print(f"results: {found.path}")


@app.command()
@with_options(CalibrateSettings)
def calibrate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    cube: Annotated[Path, typer.Argument(metavar="CUBE", help="Labelled cube that training has not seen.")],
    *,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Make a run's probabilities mean what they say, and find sets that hold the true class as often as promised."""
    from kamerton.evaluation.calibrate import calibrate as run_calibration
    from kamerton.machine.memory import keep_freed_memory

    keep_freed_memory()
    found = run_calibration(run, cube, watcher=watcher(), **settings)
    print_result(as_json, found.as_json(), [*found.describe(), f"calibration: {found.path}"])


@app.command()
@with_options(CompareSettings)
def compare(
    runs: Runs,
    *,
    out: Annotated[Path | None, typer.Option(help="Folder for tables and pictures.")] = None,
    history: Annotated[
        list[Path] | None, typer.Option(help="A CSV of ResultLearning/ that joins the learning curves.")
    ] = None,
    overwrite: OverwriteFlag = False,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Lay runs side by side: error bars, tests, and in words whether a difference was shown."""
    from kamerton.evaluation.compare import compare as run_comparison
    from kamerton.evaluation.tables import print_comparison

    found = run_comparison(runs, out=out, histories=history or (), overwrite=overwrite, watcher=watcher(), **settings)
    if as_json:
        print_json(found.as_json())
    else:
        print_comparison(found, answers())
        if out is not None:
            print(f"tables and pictures: {out}")


@app.command()
@with_options(ReportSettings)
def report(
    runs: Runs,
    *,
    out: Annotated[Path, typer.Option(help="Page to write.")] = REPORT_PAGE,
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="What labels, similar or next wrote, to be shown too; as often as there are such."),
    ] = None,
    overwrite: OverwriteFlag = False,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Write a page that compares runs: one file, in English or Polish, that opens offline."""
    from kamerton.reporting.report import report as write_report

    path = write_report(runs, out, beside=beside or (), overwrite=overwrite, watcher=watcher(), **settings)
    print_result(as_json, {"path": path}, [f"report: {path}"])


@app.command()
def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    retrain: Annotated[bool, typer.Option("--retrain", help="Also train it again, and compare the bits.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check a run's files and cubes against its fingerprint; exit 1 where they differ."""
    from kamerton.machine.memory import keep_freed_memory
    from kamerton.verification import verify as run_verification

    keep_freed_memory()
    found = run_verification(run, retrain=retrain, watcher=training_watcher())
    print_result(as_json, found.as_json(), found.describe())
    raise typer.Exit(0 if found.sound else 1)
