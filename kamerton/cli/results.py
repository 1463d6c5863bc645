"""``kamerton evaluate``, ``compare``, ``report`` and ``verify``: what runs are worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from kamerton import config
from kamerton.cli.answers import JsonFlag, SeedOption, answer, console

COMPARE, TRAIN = config.CompareSettings(), config.TrainSettings()


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    cube: Annotated[Path, typer.Argument(metavar="CUBE", help="Labelled cube that the run has not seen.")],
    by: Annotated[str | None, typer.Option(help="Catalogue column whose groups are also measured apart.")] = None,
    eight_views: Annotated[
        bool, typer.Option("--eight-views", help="Average over the turns and mirror images of each galaxy.")
    ] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Faster on the processor, in eight-bit numbers.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = TRAIN.device,
    as_json: JsonFlag = False,
) -> None:
    """Test a run on a cube."""
    from kamerton.evaluation.evaluate import evaluate as run_evaluation
    from kamerton.evaluation.tables import print_metrics

    found = run_evaluation(run, cube, by=by, eight_views=eight_views, int8=int8, device=device)
    if as_json:
        print(json.dumps({"path": str(found.path), **found.metrics}))
    else:
        print_metrics(found.metrics, console())
        print(f"results: {found.path}")


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or a sweep's folder of them.")],
    out: Annotated[Path | None, typer.Option(help="Folder for tables and pictures.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Which test, where the runs share several.")] = None,
    history: Annotated[
        list[Path] | None, typer.Option(help="A CSV of ResultLearning/ that joins the learning curves.")
    ] = None,
    resamples: Annotated[int, typer.Option(help="Bootstrap samples behind each interval.")] = COMPARE.resamples,
    seed: SeedOption = COMPARE.seed,
    as_json: JsonFlag = False,
) -> None:
    """Lay runs side by side: error bars, tests, and in words whether a difference was shown."""
    from kamerton.evaluation.compare import compare as run_comparison
    from kamerton.evaluation.tables import print_comparison

    settings = config.CompareSettings(resamples=resamples, seed=seed)
    found = run_comparison(runs, out=out, dataset=dataset, histories=history or (), settings=settings)
    if as_json:
        print(json.dumps(found.as_json()))
    else:
        print_comparison(found, console())
        if out is not None:
            print(f"tables and pictures: {out}")


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or a sweep's folder of them.")],
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("report.html"),
    lang: Annotated[str, typer.Option(help="en or pl.")] = "en",
    dataset: Annotated[str | None, typer.Option(help="Which test, where the runs share several.")] = None,
) -> None:
    """Write a page that compares runs: one file, in English or Polish, that opens offline."""
    from kamerton.reporting.report import report as write_report

    print(f"report: {write_report(runs, out, lang=lang, dataset=dataset)}")


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    retrain: Annotated[bool, typer.Option("--retrain", help="Also train it again, and compare the bits.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check a run's files and cubes against its fingerprint; exit 1 where they differ."""
    from kamerton.training.progress import Silent, watcher_for
    from kamerton.verification import verify as run_verification

    found = run_verification(run, retrain=retrain, watcher=Silent() if as_json else watcher_for(console()))
    answer(as_json, found.as_json(), found.describe())
    raise typer.Exit(0 if found.sound else 1)
