"""``kamerton serve``: the page in the browser."""

from __future__ import annotations

import gc
import os
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from kamerton.cli.options import with_options
from kamerton.cli.shared import Commands
from kamerton.config.serving import RUNS_FOLDER, ServeSettings

app = Commands()

LEAVING_SECONDS = 1.0
"""So long a server that has ended waits for threads that still work."""


@app.command()
@with_options(ServeSettings)
def serve(
    runs: Annotated[Path, typer.Argument(metavar="[RUNS]", help="Folder with run folders.")] = RUNS_FOLDER,
    **settings: Any,
) -> None:
    """Show a page in the browser, on this machine alone: classify pictures, look at runs."""
    # PyTorch's threads sleep while they wait for each other, as they do for most of a page's time: those that spin take
    # the processor from the one that is waited for. It is read once, when PyTorch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from kamerton.machine.memory import keep_freed_memory
    from kamerton.serving.server import serve as run_server

    keep_freed_memory()
    try:
        run_server(runs, say=lambda line: print(line, flush=True), **settings)
    except SystemExit as end:
        # Threads that still read a long catalogue have nobody to read it for.
        threading.Thread(target=_leave, args=(end.code,), daemon=True).start()
        raise
    finally:
        # What is left goes with the process; to collect it first takes a second, and several on a busy machine.
        gc.freeze()


def _leave(code: object) -> None:
    """End the process, whatever its threads do; one that has ended by itself never comes so far."""
    time.sleep(LEAVING_SECONDS)
    os._exit(code if isinstance(code, int) else 1)
