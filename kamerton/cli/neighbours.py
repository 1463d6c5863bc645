"""``kamerton similar`` and ``next``: galaxies beside each other in what a network sees."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kamerton.cli.options import with_options
from kamerton.cli.shared import Commands, JsonFlag
from kamerton.cli.terminal import answers, print_json, watcher
from kamerton.config.neighbours import NextSettings, SimilarSettings

app = Commands()


@app.command()
@with_options(SimilarSettings)
def similar(
    run_or_catalogue: Annotated[
        Path,
        typer.Argument(
            metavar="RUN_OR_CATALOGUE", help="Run folder, or a catalogue that `predict --features` has made."
        ),
    ],
    galaxy: Annotated[
        str, typer.Argument(metavar="ID_OR_IMAGE", help="Id of a galaxy there, or a picture or FITS cutout.")
    ],
    *,
    run: Annotated[
        Path | None, typer.Option(metavar="RUN", help="The run that made the catalogue, to see a picture.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for a table and a gallery.")] = None,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Find the galaxies that a network sees as most like one."""
    from kamerton.machine.memory import keep_freed_memory
    from kamerton.neighbours.similar import similar as find_similar

    keep_freed_memory()
    found = find_similar(run_or_catalogue, galaxy, run=run, out=out, watcher=watcher(), **settings)
    if as_json:
        print_json(found.as_json())
        return
    answers().print(found.table())
    print("\n".join(found.describe()))


@app.command("next")
@with_options(NextSettings)
def next_(
    catalogue: Annotated[
        Path, typer.Argument(metavar="CATALOGUE", help="Catalogue, best one that `predict --features` has made.")
    ],
    *,
    labelled: Annotated[
        Path | None,
        typer.Option(help="List with a column id, or a cube, of galaxies that are labelled already: not asked again."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="The run that made it, if it was moved; what that learned from is not asked."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV list for whoever labels.")] = None,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Choose the galaxies that are best labelled next: the least sure, spread over what the network sees."""
    from kamerton.neighbours.next_galaxies import next_galaxies

    found = next_galaxies(catalogue, labelled=labelled, run=run, out=out, watcher=watcher(), **settings)
    if as_json:
        print_json(found.as_json())
        return
    if out is None:
        answers().print(found.table())
    print("\n".join(found.describe()))
