"""Runs to other programs: ``kamerton export``. Nothing heavy is imported before a file is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kamerton.errors import UnknownNameError

if TYPE_CHECKING:
    from kamerton.runs.folder import Run


def write_keras(run: Run, path: Path) -> None:
    """Write the network's Keras twin; UsageError where Keras has none."""
    from kamerton.formats.keras.file import write_keras

    write_keras(run.load_network(), run.image_shape, path, run.record.network)


def write_onnx(run: Run, path: Path) -> None:
    """Write the network for ONNX Runtime."""
    from kamerton.formats.onnx_file import write_onnx

    write_onnx(run.load_network(), run.image_shape, run.record.class_names, path)


EXPORTS: dict[str, Callable[[Run, Path], None]] = {
    "keras": write_keras,
    "onnx": write_onnx,
}
"""What writes a run's network into a file of each format, by the file's ending."""


def export(run: Run | str | Path, to: str) -> Path:
    """Write a run's network in another program's format, as ``model.TO`` inside the run folder, and give its path.

    Raises UnknownNameError for a format that is not in EXPORTS, UsageError for a network that the format cannot say,
    RunError for a run without weights, and OutputError where it cannot be written, or another process writes there.
    """
    from kamerton.runs.folder import Run, open_run
    from kamerton.runs.lock import locked

    if to not in EXPORTS:
        raise UnknownNameError("format", to, EXPORTS)
    run = run if isinstance(run, Run) else open_run(run)
    path = run.model_path(to)
    with locked(run.path, "export"):
        EXPORTS[to](run, path)
    return path
