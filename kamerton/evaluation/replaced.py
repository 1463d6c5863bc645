"""What new results and calibrations of a run took the place of, for they are made again where they were."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from kamerton.errors import RunError, warn
from kamerton.plurals import counted
from kamerton.runs.calibration import Calibration, calibration_path, read_calibration
from kamerton.runs.evaluation import evaluation_names, read_metrics
from kamerton.runs.folder import Run
from kamerton.runs.scores import Metrics


class Results(NamedTuple):
    """Earlier results."""

    metrics: Metrics
    made: str
    """When."""


def results_before(run: Run, dataset: str) -> Results | None:
    """Read the results that a run has under a name; None where there are none that can be read."""
    with suppress(RunError):
        if dataset in evaluation_names(run):
            return Results(read_metrics(run, dataset), _made(run.evaluation_path(dataset)))
    return None


def warn_of_replaced(path: Path, before: Results | None, now: Metrics) -> None:
    """Say which results are gone that were made otherwise, by the same weights on the same galaxies."""
    if before is None or before.metrics.weights_sha256 != now.weights_sha256:
        return
    manner = _manner(now)
    lost = [told for about, told in _manner(before.metrics).items() if told != manner.get(about)]
    if lost:
        warn(
            f"{path}: took the place of results of the same galaxies",
            received=f"{', '.join(lost)}; accuracy {before.metrics.accuracy:.3f}, made {before.made}",
            next_step="to keep both, give one of them a name of its own with --name",
        )


def _manner(metrics: Metrics) -> dict[str, str]:
    """Say in which ways results were made that may be otherwise the next time."""
    told = {"views": counted(metrics.views, "view"), "precision": metrics.precision}
    calibrated = None if metrics.certainty is None else metrics.certainty.calibrated
    if calibrated is not None:
        told["calibration"] = f"calibrated on {calibrated.cube} ({calibrated.calibration[:6]})"
    return told


class Earlier(NamedTuple):
    """An earlier calibration."""

    made: Calibration
    in_words: str


def calibration_before(run: Run) -> Earlier | None:
    """Read the calibration that a run has; None where there is none that can be read."""
    with suppress(RunError):
        made = read_calibration(run)
        if made is not None:
            manner = f"{counted(made.views, 'view')}, {made.precision}, {made.method}, coverage {made.coverage:g}"
            return Earlier(made, f"on {Path(made.cube.path).name}, {manner}, made {_made(calibration_path(run))}")
    return None


def _made(place: Path) -> str:
    """Say when a file or a folder was written; a run folder that was copied without its times says when that was."""
    with suppress(OSError):
        return datetime.fromtimestamp(place.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return "at a time that is not known"
