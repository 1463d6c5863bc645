"""``kamerton data``: make, fetch, split and check labelled FITS cubes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from kamerton.cli.options import WithTuples, with_options
from kamerton.cli.shared import Commands, JsonFlag, OverwriteFlag, print_result
from kamerton.cli.terminal import watcher
from kamerton.config.pictures import ImportSettings
from kamerton.config.surveys import DOWNLOAD_FOLDER, AuditSettings, SplitSettings, SynthSettings
from kamerton.errors import UnknownNameError

app = Commands(name="data", help="Make, fetch, split and check labelled FITS cubes.")


@app.command()
@with_options(SynthSettings)
def synth(
    out_dir: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")],
    *,
    overwrite: OverwriteFlag = False,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Make a synthetic survey as train, valid and test cubes."""
    from kamerton.data.synthetic.survey import synth as make_survey

    summary = make_survey(out_dir, overwrite=overwrite, watcher=watcher(), **settings)
    print_result(as_json, dataclasses.asdict(summary), [summary.describe()])


@app.command("import")
@with_options(ImportSettings)
def import_(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="Galaxy10 HDF5, class folders, CSV or Parquet list, or FITS cube.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.fits", help="Cube to write.")],
    *,
    overwrite: OverwriteFlag = False,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Turn labelled galaxies of another form into a labelled cube."""
    from kamerton.data.importers import import_cube

    summary = import_cube(source, out, overwrite=overwrite, watcher=watcher(), **settings)
    print_result(as_json, dataclasses.asdict(summary), [summary.describe()])


@app.command()
def download(
    dataset: Annotated[str, typer.Argument(metavar="galaxy10", help="What to fetch.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the file.")] = DOWNLOAD_FOLDER,
    as_json: JsonFlag = False,
) -> None:
    """Fetch Galaxy10_DECals.h5 (2.7 GB), resuming where an earlier try ended, and check its SHA-256."""
    from kamerton.data.download import download_galaxy10

    if dataset != "galaxy10":
        raise UnknownNameError("dataset", dataset, ["galaxy10"])
    path = download_galaxy10(out, watcher=watcher())
    print_result(as_json, {"path": path}, [str(path)])


@app.command(cls=WithTuples)
@with_options(SplitSettings)
def split(
    cube: Annotated[Path, typer.Argument(metavar="IN.fits", help="Labelled cube.")],
    out_dir: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the three cubes.")],
    *,
    overwrite: OverwriteFlag = False,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Part a cube into train, valid and test, stratified, never parting galaxies that overlap on the sky."""
    from kamerton.data.splitting import split_cube

    summary = split_cube(cube, out_dir, overwrite=overwrite, watcher=watcher(), **settings)
    print_result(as_json, dataclasses.asdict(summary), [summary.describe()])


@app.command()
@with_options(AuditSettings)
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Labelled cubes, lists of ra, dec, label, or their folder.")
    ],
    *,
    as_json: JsonFlag = False,
    **settings: Any,
) -> None:
    """Report all that is wrong with cubes: damage, bad pixels, the same galaxy twice, contradictory labels."""
    from kamerton.data.audit import check as run_audit

    report = run_audit(files, watcher=watcher(), **settings)
    print_result(as_json, report.as_json(), report.describe())
    raise typer.Exit(0 if report.sound else 1)
