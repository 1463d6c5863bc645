"""``kamerton demo``, ``networks`` and ``bench``: what the program and the machine can do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from kamerton import config
from kamerton.cli.answers import JsonFlag, answer, console, words

BENCH, TABLE = config.BenchSettings(), config.TableSettings()


def demo(
    out: Annotated[Path, typer.Option(help="Folder to make.")] = Path("demo"),
) -> None:
    """Go the whole way on a synthetic survey: data, two networks, evaluation, a table and a picture."""
    from kamerton.demo import demo as run_demo

    run_demo(out, console())


def networks(
    size: Annotated[int, typer.Option(help="Side of the images, pixels.")] = TABLE.size,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = TABLE.classes,
    as_json: JsonFlag = False,
) -> None:
    """Show the table of networks."""
    from kamerton.networks.table import network_table, print_network_table

    rows = network_table(config.TableSettings(size, classes))
    if as_json:
        print(json.dumps(rows))
    else:
        print_network_table(rows, console())


def bench(
    networks: Annotated[str, typer.Option(help="Names in `kamerton networks`, with commas between.")] = "alexnet",
    size: Annotated[int, typer.Option(help="Side of the images, pixels.")] = BENCH.size,
    batch_size: Annotated[int, typer.Option(help="Images of a batch.")] = BENCH.batch_size,
    repeats: Annotated[int, typer.Option(help="Each rate is the median of so many.")] = BENCH.repeats,
    as_json: JsonFlag = False,
) -> None:
    """Measure this machine: its ceiling, and training and prediction as shares of it."""
    from kamerton.measuring import bench as run_bench

    found = run_bench(words(networks), config.BenchSettings(size, batch_size, repeats))
    answer(as_json, found.as_json(), found.describe())
