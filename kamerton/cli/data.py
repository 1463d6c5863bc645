"""``kamerton data``: make, fetch, split and check labelled FITS cubes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from kamerton import config
from kamerton.cli.answers import JsonFlag, SeedOption, answer
from kamerton.errors import UnknownNameError

SYNTH, SPLIT, AUDIT, PICTURE = (
    config.SynthSettings(),
    config.SplitSettings(),
    config.AuditSettings(),
    config.PictureSettings(),
)

app = typer.Typer(help="Make, fetch, split and check labelled FITS cubes.")


@app.command()
def synth(
    out_dir: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")],
    count: Annotated[int, typer.Option(help="Galaxies in the whole survey.")] = SYNTH.count,
    size: Annotated[int, typer.Option(help="Side of a cutout, pixels.")] = SYNTH.size,
    seed: SeedOption = SYNTH.seed,
    as_json: JsonFlag = False,
) -> None:
    """Make a synthetic survey as train, valid and test cubes."""
    from kamerton.data.synthetic.survey import synth as make_survey

    summary = make_survey(out_dir, config.SynthSettings(count=count, size=size, seed=seed))
    answer(as_json, dataclasses.asdict(summary), [summary.describe()])


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Galaxy10 HDF5, class folders, CSV or FITS cube.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.fits", help="Cube to write.")],
    size: Annotated[int | None, typer.Option(help="Side of the cube's images, pixels.")] = PICTURE.size,
    crop: Annotated[int | None, typer.Option(help="Central square kept before resizing, pixels.")] = PICTURE.crop,
    label_column: Annotated[str, typer.Option(help="Column of a CSV that holds the labels.")] = "label",
    path_column: Annotated[str, typer.Option(help="Column of a CSV that holds the paths.")] = "path",
    as_json: JsonFlag = False,
) -> None:
    """Turn labelled galaxies of another form into a labelled cube."""
    from kamerton.data.importers import import_cube

    settings = config.PictureSettings(size=size, crop=crop)
    summary = import_cube(source, out, settings, label_column=label_column, path_column=path_column)
    answer(as_json, dataclasses.asdict(summary), [summary.describe()])


@app.command()
def download(
    dataset: Annotated[str, typer.Argument(metavar="galaxy10", help="What to fetch.")],
    out: Annotated[Path, typer.Option(help="Folder for the file.")] = Path(),
) -> None:
    """Fetch Galaxy10_DECals.h5 (2.7 GB), resuming where an earlier try ended, and check its SHA-256."""
    from kamerton.data.download import download_galaxy10

    if dataset != "galaxy10":
        raise UnknownNameError("dataset", dataset, ["galaxy10"])
    print(download_galaxy10(out))


@app.command()
def split(
    cube: Annotated[Path, typer.Argument(metavar="IN.fits", help="Labelled cube.")],
    out_dir: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the three cubes.")],
    fractions: Annotated[
        tuple[float, float, float], typer.Option(help="Shares for train, valid and test.")
    ] = SPLIT.fractions,
    group_radius: Annotated[
        float | None, typer.Option(help="Galaxies closer than this stay together, arcsec; 0 looks at no positions.")
    ] = SPLIT.group_radius_arcsec,
    group_column: Annotated[
        str | None, typer.Option(help="Catalogue column whose equal values stay together.")
    ] = SPLIT.group_column,
    seed: SeedOption = SPLIT.seed,
    as_json: JsonFlag = False,
) -> None:
    """Part a cube into train, valid and test, stratified, never parting galaxies that overlap on the sky."""
    from kamerton.data.splitting import split_cube

    settings = config.SplitSettings(fractions, group_radius or None, group_column, seed)
    summary = split_cube(cube, out_dir, settings)
    answer(as_json, dataclasses.asdict(summary), [summary.describe()])


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Labelled cubes, or lists of ra, dec, label.")],
    radius: Annotated[
        float | None, typer.Option(help="Galaxies closer than this are one galaxy, arcsec; 0 looks at no positions.")
    ] = AUDIT.radius_arcsec,
    as_json: JsonFlag = False,
) -> None:
    """Report all that is wrong with cubes: damage, bad pixels, the same galaxy twice, contradictory labels."""
    from kamerton.data.audit import check as run_audit

    report = run_audit(files, config.AuditSettings(radius or None))
    answer(as_json, report.as_json(), report.describe())
    raise typer.Exit(0 if report.sound else 1)
