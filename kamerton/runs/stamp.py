"""Whether the files of a run folder are as they were, told by their times and sizes."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from kamerton.runs.evaluation import OWN_FILES
from kamerton.runs.folder import CALIBRATION_FILE, EVALUATIONS, RECORD_FILE, WEIGHTS_FILE
from kamerton.runs.history import HISTORY_FILE

Stamp = tuple[tuple[str, int, int], ...]
"""Names, times in nanoseconds, and sizes in bytes of the files that are there."""


def stamp_of(run: Path) -> Stamp:
    """Tell the record, history, weights, calibration and results of a run, without reading any of them."""
    files = [run / name for name in (RECORD_FILE, HISTORY_FILE, WEIGHTS_FILE, CALIBRATION_FILE)]
    results = (run.glob(f"{EVALUATIONS}/*/{name}") for name in OWN_FILES[:2])
    found = []
    for file in chain(files, sorted(chain(*results))):
        try:
            status = file.stat()
        except OSError:
            continue
        found.append((file.relative_to(run).as_posix(), status.st_mtime_ns, status.st_size))
    return tuple(found)
