"""``kamerton export`` and ``import``: to other programs and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kamerton.cli import completion
from kamerton.cli.shared import Commands, JsonFlag, print_result
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
    as_json: JsonFlag = False,
) -> None:
    """Write a run's network in another program's format."""
    path = exporting.export(run, to)
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

    path = import_keras_file(file, out, classes_of=classes_of).path
    print_result(as_json, {"run": path}, [f"run: {path}"])
