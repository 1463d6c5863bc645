"""``kamerton export`` and ``import``: to other programs and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kamerton.cli import completion
from kamerton.cli.shared import Commands, JsonFlag, print_result
from kamerton.cli.terminal import watcher
from kamerton.formats import exporting

app = Commands()


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    *,
    to: Annotated[
        str,
        typer.Option(help=f"Format: {' or '.join(exporting.EXPORTS)}.", autocompletion=completion.formats),
    ],
    with_scaling: Annotated[
        bool, typer.Option("--with-scaling", help="Let the Keras file divide pixels by 255 itself.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write a run's network in another program's format; the file wants pixels divided by 255."""
    from kamerton.runs.folder import open_run

    opened = open_run(run)
    path = exporting.export(opened, to, with_scaling=with_scaling, watcher=watcher())
    watcher().say(exporting.expected_pixels(opened, path))
    print_result(as_json, {"path": path}, [str(path)])


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE.keras", help="Model saved by Keras 3.")],
    *,
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    classes_of: Annotated[
        Path | None, typer.Option(help="Labelled cube whose class names the model learned; a .keras holds none.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a run folder from a Keras model of a known network; nothing in the file is executed."""
    from kamerton.formats.importing import import_keras_file

    path = import_keras_file(file, out, classes_of=classes_of, watcher=watcher()).path
    watcher().say(
        "pixels are divided by 255 on their way in, as in the notebook; a model that learned from others would be wrong"
    )
    print_result(as_json, {"run": path}, [f"run: {path}"])
