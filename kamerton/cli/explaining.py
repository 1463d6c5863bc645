"""``kamerton explain``: why a run says so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kamerton.cli.options import with_options
from kamerton.cli.shared import Commands, JsonFlag, OverwriteFlag, print_result
from kamerton.cli.terminal import watcher
from kamerton.config.answers import ExplainSettings

app = Commands()


@app.command()
@with_options(ExplainSettings)
def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A cube, a picture, a FITS cutout, a folder or a list.")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for pictures, maps and their receipt; by default explanations/SOURCE in the run folder, where "
            "a report finds it."
        ),
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(
            help="Rows of the source, from 0, as 0,5,10-20; by default those that tell the most of each class."
        ),
    ] = None,
    class_name: Annotated[
        str | None,
        typer.Option("--class", metavar="NAME", help="Class that is explained; by default the predicted one."),
    ] = None,
    overwrite: OverwriteFlag = False,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Show where in galaxies a run saw what speaks for a class, and try whether that is so."""
    from kamerton.explaining.explain import explain as run_explanation
    from kamerton.machine.memory import keep_freed_memory

    keep_freed_memory()
    found = run_explanation(
        run, source, out=out, rows=rows, class_name=class_name, overwrite=overwrite, watcher=watcher(), **settings
    )
    print_result(as_json, found.as_json(), found.describe())
