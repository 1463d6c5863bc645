"""The ``kamerton`` command: each command builds settings, calls one public function and says where the result is.

Nothing heavy is imported before a command needs it, so that ``kamerton --help`` answers at once.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kamerton import config
from kamerton.errors import KamertonError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="Sorts galaxies by their shape, and tells which network does it best.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Make, fetch, split and check labelled FITS cubes.")
app.add_typer(data_app, name="data")

SYNTH, SPLIT, AUDIT, COMPARE, BENCH, PICTURE, TABLE, TRAIN = (
    config.SynthSettings(),
    config.SplitSettings(),
    config.AuditSettings(),
    config.CompareSettings(),
    config.BenchSettings(),
    config.PictureSettings(),
    config.TableSettings(),
    config.TrainSettings(),
)

CTRL_C_EXIT_CODE = 130
"""128 and the number of the signal, as shells count."""

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
SeedOption = Annotated[int, typer.Option(help="Same seed, same result.")]


def main() -> None:
    """Run the command line; every foreseen error is one line on stderr and an exit code: 2 usage, 1 data."""
    try:
        code = app(standalone_mode=False)
        # Typer has caught Ctrl-C itself, and says nothing.
        if code == CTRL_C_EXIT_CODE:
            _complain("stopped by Ctrl-C", code)
    except KamertonError as error:
        code = _complain(str(error), error.exit_code)
    except typer.TyperException as error:
        message = error.format_message().strip() or type(error).__name__
        end = "" if message.endswith((".", "?")) else "."
        code = _complain(f"{message}{end} Next: see `{_command_of(error)} --help`.", 2)
    sys.exit(code if isinstance(code, int) else 0)


def _command_of(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context is not None else "kamerton"


def _complain(message: str, code: int) -> int:
    print("kamerton:", " ".join(message.split()), file=sys.stderr)
    return code


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def _answer(as_json: bool, content: dict[str, Any], lines: list[str]) -> None:
    """Print the same answer for a program or for a person."""
    print(json.dumps(content, ensure_ascii=False, default=str) if as_json else "\n".join(lines))


@app.callback(invoke_without_command=True)
def version_option(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """Sorts galaxies by their shape, and tells which network does it best."""
    if version:
        from kamerton import __version__

        print(f"kamerton {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to make.")] = Path("demo"),
) -> None:
    """Go the whole way on a synthetic survey: data, two networks, evaluation, a table and a picture."""
    from kamerton.demo import demo as run_demo

    run_demo(out, _console())


@data_app.command()
def synth(
    out_dir: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")],
    count: Annotated[int, typer.Option(help="Galaxies in the whole survey.")] = SYNTH.count,
    size: Annotated[int, typer.Option(help="Side of a cutout, pixels.")] = SYNTH.size,
    seed: SeedOption = SYNTH.seed,
    as_json: JsonFlag = False,
) -> None:
    """Make a synthetic survey as train, valid and test cubes."""
    from kamerton.data.survey import synth as make_survey

    summary = make_survey(out_dir, config.SynthSettings(count=count, size=size, seed=seed))
    _answer(as_json, dataclasses.asdict(summary), [summary.describe()])


@data_app.command("import")
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
    _answer(as_json, dataclasses.asdict(summary), [summary.describe()])


@data_app.command()
def download(
    dataset: Annotated[str, typer.Argument(metavar="galaxy10", help="What to fetch.")],
    out: Annotated[Path, typer.Option(help="Folder for the file.")] = Path(),
) -> None:
    """Fetch Galaxy10_DECals.h5 (2.7 GB), resuming where an earlier try ended, and check its SHA-256."""
    from kamerton.data.download import download_galaxy10

    if dataset != "galaxy10":
        raise UnknownNameError("dataset", dataset, ["galaxy10"])
    print(download_galaxy10(out))


@data_app.command()
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
    _answer(as_json, dataclasses.asdict(summary), [summary.describe()])


@data_app.command()
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
    _answer(as_json, report.as_json(), report.describe())
    raise typer.Exit(0 if report.sound else 1)


@app.command()
def networks(
    size: Annotated[int, typer.Option(help="Side of the images, pixels.")] = TABLE.size,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = TABLE.classes,
    as_json: JsonFlag = False,
) -> None:
    """Show the table of networks."""
    from kamerton.network_table import network_table, print_network_table

    rows = network_table(config.TableSettings(size, classes))
    if as_json:
        print(json.dumps(rows))
    else:
        print_network_table(rows, _console())


@app.command()
def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with train.fits and valid.fits.")],
    network: Annotated[str, typer.Option(help="Name in `kamerton networks`, or timm:NAME.")],
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a path to one ending in .toml.")] = "notebook",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    size: Annotated[int | None, typer.Option(help="Resize images to this side, pixels.")] = TRAIN.size,
    seed: SeedOption = TRAIN.seed,
    out: Annotated[Path | None, typer.Option(help="Run folder to make.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on in the run folder, to the same bits.")] = False,
    checkpoint_minutes: Annotated[
        float | None, typer.Option(help="Write a checkpoint when the last one is older.")
    ] = TRAIN.checkpoint_minutes,
    checkpoint_steps: Annotated[
        int | None, typer.Option(help="Write a checkpoint every so many batches.")
    ] = TRAIN.checkpoint_steps,
    deterministic: Annotated[
        bool | None, typer.Option(help="Same seed, same bits; by default on the processor, not on a card.")
    ] = TRAIN.deterministic,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = TRAIN.device,
    notebook_paths: Annotated[
        bool, typer.Option("--notebook-paths", help="Also write Models/ and ResultLearning/ as the notebook does.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a network into a run folder."""
    from kamerton.training.processes import rank
    from kamerton.training.progress import Silent, watcher_for
    from kamerton.training.train import train as run_training

    run = run_training(
        data,
        network=network,
        recipe=recipe,
        epochs=epochs,
        batch_size=batch_size,
        size=size,
        seed=seed,
        checkpoint_minutes=checkpoint_minutes,
        checkpoint_steps=checkpoint_steps,
        deterministic=deterministic,
        device=device,
        out=out,
        resume=resume,
        notebook_paths=notebook_paths,
        watcher=Silent() if as_json or rank() else watcher_for(_console()),
    )
    if rank():
        return
    last = run.history().iloc[-1].to_dict()
    _answer(as_json, {"run": run.path, "last_epoch": last}, [f"run: {run.path}"])


@app.command()
def sweep(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with train.fits, valid.fits and test.fits.")],
    networks: Annotated[str, typer.Option(help="Names in `kamerton networks`, with commas between.")],
    out: Annotated[Path, typer.Option(help="Folder of the run folders.")],
    seeds: Annotated[str, typer.Option(help="Whole numbers with commas between.")] = "0,1,2",
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a path to one ending in .toml.")] = "notebook",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    size: Annotated[int | None, typer.Option(help="Resize images to this side, pixels.")] = TRAIN.size,
    eight_views: Annotated[
        bool, typer.Option("--eight-views", help="Test with the mean over turns and mirror images.")
    ] = False,
    ray: Annotated[bool, typer.Option("--ray", help="Spread the runs over a Ray cluster (extra `ray`).")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train several networks with several seeds, and test each; given again, it goes on where it was."""
    from kamerton.sweeping import sweep as run_sweep
    from kamerton.training.progress import Silent, watcher_for

    runs = run_sweep(
        data,
        networks=_words(networks),
        seeds=_whole_numbers("seeds", seeds),
        out=out,
        recipe=recipe,
        epochs=epochs,
        batch_size=batch_size,
        size=size,
        eight_views=eight_views,
        ray=ray,
        watcher_for=Silent if as_json else lambda: watcher_for(_console()),
        say=None if as_json else print,
    )
    paths = [str(run.path) for run in runs]
    _answer(as_json, {"runs": paths}, [f"{len(paths)} runs in {out}"])


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _whole_numbers(name: str, text: str) -> list[int]:
    words = _words(text)
    if not all(word.isdecimal() for word in words):
        raise UsageError(f"Bad value for {name}", received=repr(text), allowed="whole numbers with commas between")
    return [int(word) for word in words]


@app.command()
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
        print_metrics(found.metrics, _console())
        print(f"results: {found.path}")


@app.command()
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
        print_comparison(found, _console())
        if out is not None:
            print(f"tables and pictures: {out}")


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or a sweep's folder of them.")],
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("report.html"),
    lang: Annotated[str, typer.Option(help="en or pl.")] = "en",
    dataset: Annotated[str | None, typer.Option(help="Which test, where the runs share several.")] = None,
) -> None:
    """Write a page that compares runs: one file, in English or Polish, that opens offline."""
    from kamerton.reporting.report import report as write_report

    print(f"report: {write_report(runs, out, lang=lang, dataset=dataset)}")


@app.command()
def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    retrain: Annotated[bool, typer.Option("--retrain", help="Also train it again, and compare the bits.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check a run's files and cubes against its fingerprint; exit 1 where they differ."""
    from kamerton.training.progress import Silent, watcher_for
    from kamerton.verification import verify as run_verification

    found = run_verification(run, retrain=retrain, watcher=Silent() if as_json else watcher_for(_console()))
    _answer(as_json, found.as_json(), found.describe())
    raise typer.Exit(0 if found.sound else 1)


@app.command()
def bench(
    networks: Annotated[str, typer.Option(help="Names in `kamerton networks`, with commas between.")] = "alexnet",
    size: Annotated[int, typer.Option(help="Side of the images, pixels.")] = BENCH.size,
    batch_size: Annotated[int, typer.Option(help="Images of a batch.")] = BENCH.batch_size,
    repeats: Annotated[int, typer.Option(help="Each rate is the median of so many.")] = BENCH.repeats,
    as_json: JsonFlag = False,
) -> None:
    """Measure this machine: its ceiling, and training and prediction as shares of it."""
    from kamerton.measuring import bench as run_bench

    found = run_bench(_words(networks), config.BenchSettings(size, batch_size, repeats))
    _answer(as_json, found.as_json(), found.describe())


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    to: Annotated[str, typer.Option(help="Format: keras or onnx.")],
) -> None:
    """Write a run's network in another program's format."""
    from kamerton.formats.exchange import export as run_export

    print(run_export(run, to))


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE.keras", help="Model saved by Keras 3.")],
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    classes_of: Annotated[
        Path | None, typer.Option(help="Labelled cube whose class names the model learned; a .keras holds none.")
    ] = None,
) -> None:
    """Make a run folder from a Keras model of a known network; nothing in the file is executed."""
    from kamerton.formats.exchange import import_keras_file

    print(f"run: {import_keras_file(file, out, classes_of=classes_of).path}")
