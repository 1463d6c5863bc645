"""``kamerton demo``, ``networks`` and ``bench``: what the program and the machine can do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kamerton.cli.options import with_options
from kamerton.cli.shared import Commands, JsonFlag, print_result
from kamerton.cli.terminal import answers, print_json, training_watcher, watcher
from kamerton.config.machine import BenchSettings, TableSettings
from kamerton.config.surveys import DEMO_FOLDER

app = Commands()


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to make.")] = DEMO_FOLDER,
) -> None:
    """Go the whole way on a synthetic survey: data, two networks, evaluation, a table and a picture."""
    from kamerton.demo import demo as run_demo
    from kamerton.machine.memory import keep_freed_memory

    keep_freed_memory()
    run_demo(out, answers(), watcher=training_watcher())


@app.command()
@with_options(TableSettings)
def networks(*, as_json: JsonFlag = False, **settings: Any) -> None:
    """Show the table of networks, and which learned weights there are to start from."""
    from kamerton.networks.table import network_table, print_network_table
    from kamerton.starts.table import ENTRIES

    rows = network_table(TableSettings(**settings))
    if as_json:
        print_json([row | {"starts": [one.name for one in ENTRIES if one.network == row["name"]]} for row in rows])
        return
    print_network_table(rows, answers())
    answers().print("Learned weights, for `kamerton train --start NAME`:")
    for one in ENTRIES:
        answers().print(f"  {one.name}: {one.trained_on}; {one.licence}", soft_wrap=True)


@app.command()
@with_options(BenchSettings)
def bench(*, as_json: JsonFlag = False, **settings: Any) -> None:
    """Measure this machine: its ceiling, and training and prediction as shares of it."""
    from kamerton.machine.memory import keep_freed_memory
    from kamerton.measuring import bench as run_bench

    keep_freed_memory()
    found = run_bench(watcher=watcher(), **settings)
    print_result(as_json, found.as_json(), found.describe())
