"""``kamerton predict`` and ``catalogue``: new galaxies, labelled, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kamerton.cli.options import with_options
from kamerton.cli.shared import Commands, JsonFlag, print_result
from kamerton.cli.terminal import answers, print_json, watcher
from kamerton.config.answers import PredictSettings

app = Commands()
finishing = Commands(name="catalogue", help="Finish a catalogue that `kamerton predict` made.")


@app.command()
@with_options(PredictSettings)
def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE...", help="Cubes, pictures, FITS cutouts, folders and lists of them."),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="Catalogue: a file .parquet, .fits, .vot, .csv or .ecsv, or a folder of shards."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish an unfinished catalogue, to the same bytes; several may help.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try the galaxies again that could not be read.")
    ] = False,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Label new galaxies with a run."""
    from kamerton.catalogue.predict import predict as run_prediction
    from kamerton.catalogue.showing import catalogue_table, failures
    from kamerton.machine.memory import keep_freed_memory

    keep_freed_memory()
    found = run_prediction(
        run, *sources, out=out, resume=resume, retry_failed=retry_failed, watcher=watcher(), **settings
    )
    if as_json:
        print_json(found.as_json())
        return
    if found.table is not None:
        answers().print(catalogue_table(found.table, tuple(found.class_counts)))
        print("".join(f"{line}\n" for line in failures(found.table)), end="")
    print("\n".join(found.describe()))


@finishing.command()
def hats(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of shards, as predict makes one.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Lay out a catalogue as HATS, tile by tile of the sky, in FOLDER/_hats; the shards stay."""
    from kamerton.catalogue.hats import write_hats

    made = write_hats(folder, watcher=watcher())
    print_result(as_json, made.as_json(), [made.describe(), f"catalogue: {made.path}"])
