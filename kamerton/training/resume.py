"""Whether a training may go on in an existing run folder: with the same settings and data, or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import torch

from kamerton.errors import UsageError
from kamerton.machine.computation import layout_here
from kamerton.machine.repeatable import threads_possible
from kamerton.runs.folder import Run, open_run
from kamerton.runs.record import Change, RunRecord, record_differences
from kamerton.training.schedules import knows_its_end

ENVIRONMENT = ("device", "versions", "compiled")
"""What may have changed, with a word: the last bits may then differ."""
LAYOUT = ("convolutions", "channels_last")
"""What a layout is recorded as."""
PLACES = (
    "started",
    "threads",
    "changes",
    "results",
    "peak_memory_bytes",
    "pixel_origin",
    "start.path",
    "start.beside",
    *(f"data.{split}.{place}" for split in ("train", "valid") for place in ("path", "beside")),
)
"""What does not matter; the run's own number of threads is used again, as far as it can be had."""
EPOCHS = "recipe.epochs"


def continue_run(path: Path, wanted: RunRecord, say: Callable[[str], None], *, layout_left_open: bool = False) -> Run:
    """Open a run folder whose training is to go on as ``wanted``.

    More epochs are an extension, and where the learning rate follows from their number that is said; another machine or
    library, or fewer threads, are told through ``say`` and noted in run.json. A layout that was left open is the run's
    own, and another with a word where this machine has not got that. UsageError, with every difference, where settings
    or data are others than those of the run.
    """
    run = open_run(path)
    run.refuse_links()
    if run.record.recipe is None:
        raise UsageError(
            f"{path}: these weights were not trained here, so there is no training to go on with",
            received="a run without a recipe",
            allowed="a run made by `kamerton train`",
            next_step="begin a new run, in another folder",
        )
    wanted = _in_own_layout(run.record, wanted, left_open=layout_left_open)
    free = (*ENVIRONMENT, *LAYOUT) if layout_left_open else ENVIRONMENT
    differences = {
        name: pair for name, pair in record_differences(run.record, wanted).items() if not name.startswith(PLACES)
    }
    starts = [name for name in differences if name.split(".")[0] == "start"]
    if starts:
        differences = {name: pair for name, pair in differences.items() if name not in starts}
        differences["start"] = (_start_of(run.record), _start_of(wanted))
    if not layout_left_open and any(name in differences for name in LAYOUT):
        differences = {name: pair for name, pair in differences.items() if name not in LAYOUT}
        differences["layout"] = (run.record.layout, wanted.layout)
    old_epochs, new_epochs = differences.pop(EPOCHS, (0, 0))
    environment = {name: pair for name, pair in differences.items() if name.split(".")[0] in free}
    settings = {name: pair for name, pair in differences.items() if name not in environment}
    if settings or new_epochs < old_epochs:
        if new_epochs < old_epochs:
            settings[EPOCHS] = (old_epochs, new_epochs)
        raise UsageError(
            f"{path}: a run resumes with the settings and data that it began with",
            received="; ".join(f"{name} {new}, was {old}" for name, (old, new) in settings.items()),
            allowed="the same, or more epochs",
            next_step="give the first command's settings, or begin a new run",
        )
    run.remove_leftovers()
    changes = [Change(name, old, new) for name, (old, new) in environment.items()]
    threads = run.record.threads
    if threads is not None and threads_possible(threads) < threads:
        changes.append(Change("threads", threads, threads_possible(threads)))
        threads = threads_possible(threads)
    for change in changes:
        say(f"resuming elsewhere, so the last bits may differ: {change.field}: {change.new}, was {change.old}")
    if new_epochs > old_epochs:
        changes.append(Change(EPOCHS, old_epochs, new_epochs))
        say(f"extending the run from {old_epochs} to {new_epochs} epochs")
        if wanted.recipe is not None and knows_its_end(wanted.recipe):
            say(f"its learning rate came down for {old_epochs}, so {new_epochs} from the start would end otherwise")
    if run.record.data != wanted.data:
        # The same galaxies in another place, where they will be looked for later.
        run.update(dataclasses.replace(run.record, data=wanted.data))
    if changes:
        run.update(
            dataclasses.replace(
                run.record,
                **{name: getattr(wanted, name) for name in ("recipe", *free)},
                threads=threads,
                changes=(*run.record.changes, *changes),
                results=None,
            )
        )
    return run


def _in_own_layout(record: RunRecord, wanted: RunRecord, *, left_open: bool) -> RunRecord:
    """Let a training go on in the run's own layout where that is meant, and record it as the run does."""
    kinds = [record.device.partition(":")[0] for record in (record, wanted)]
    if left_open and kinds[0] == kinds[1]:
        layout = layout_here(record.layout, torch.device(kinds[0]), deterministic=record.deterministic)
        wanted = dataclasses.replace(
            wanted,
            convolutions="plain" if layout == "channels_last" else layout,
            channels_last=layout == "channels_last",
        )
    if wanted.layout != record.layout:
        return wanted
    return dataclasses.replace(wanted, convolutions=record.convolutions, channels_last=record.channels_last)


def _start_of(record: RunRecord) -> str:
    """Name the learned weights that a training begins with."""
    start = record.start
    return "random weights" if start is None else f"{start.name} of SHA-256 {start.sha256[:12]} ({start.head} head)"
