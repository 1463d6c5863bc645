"""``kamerton labels``: which labels are probably wrong, and cubes with those that a person decided on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kamerton.cli import completion
from kamerton.cli.options import with_options
from kamerton.cli.shared import Commands, JsonFlag, print_result
from kamerton.cli.terminal import training_watcher, watcher
from kamerton.config.labels import LabelsSettings
from kamerton.errors import UsageError

app = Commands()


@app.command()
@with_options(LabelsSettings)
def labels(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A labelled cube, or a folder with train.fits and valid.fits."),
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder for what is found; with --apply the corrected cube, or folder.")],
    network: Annotated[
        str | None,
        typer.Option(help="Name in `kamerton networks`, or timm:NAME; it judges.", autocompletion=completion.networks),
    ] = None,
    apply: Annotated[
        Path | None,
        typer.Option(metavar="LIST", help="Instead, write DATA with the labels of this list of id and label."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on in the folder, to the same bits.")] = False,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Find labels that are probably wrong, by networks that have not seen the galaxy; or write corrected ones."""
    if (network is None) == (apply is None) or (apply is not None and resume):
        raise UsageError(
            "Either labels are looked for, or decisions are applied",
            received="neither --network nor --apply" if apply is None else "--apply with --network or --resume",
            allowed="--network NAME, or --apply decisions.csv",
            next_step="give one of the two",
        )
    if apply is not None:
        from kamerton.labelling.relabel import relabel

        written = relabel(data, apply, out=out, watcher=watcher())
        print_result(as_json, written.as_json(), written.describe())
        return
    from kamerton.labelling.labels import labels as find_labels
    from kamerton.machine.memory import keep_freed_memory

    keep_freed_memory()
    assert network is not None, "one of the two was given"
    found = find_labels(data, network=network, out=out, resume=resume, watcher_for=training_watcher, **settings)
    print_result(as_json, found.as_json(), found.describe())
