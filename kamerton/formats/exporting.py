"""Runs to other programs: ``kamerton export``. Nothing heavy is imported before a file is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kamerton.config.pictures import PIXEL_SCALE
from kamerton.errors import UnknownNameError, UsageError, as_typed
from kamerton.progress import Progress, Silent

if TYPE_CHECKING:
    from kamerton.runs.folder import Run


def write_keras(run: Run, path: Path, *, with_scaling: bool = False) -> None:
    """Write the network's Keras twin; UsageError where Keras has none."""
    from kamerton.formats.keras.file import write_keras

    write_keras(run.load_network(), run.image_shape, path, run.record.network, with_scaling=with_scaling)


def write_onnx(run: Run, path: Path) -> None:
    """Write the network for ONNX Runtime."""
    from kamerton.formats.onnx_file import write_onnx

    write_onnx(run.load_network(), run.image_shape, run.record.class_names, path)


EXPORTS: dict[str, Callable[[Run, Path], None]] = {
    "keras": write_keras,
    "onnx": write_onnx,
}
"""What writes a run's network into a file of each format, by the file's ending."""


def working_on(path: Path, work: str = "writing") -> str:
    """Say in one line what takes a while, for Keras or PyTorch's exporter is started for it."""
    return f"{work} {path.name}, which takes some seconds"


def expected_pixels(run: Run, path: Path) -> str:
    """Say in one line what pixels an exported file of a run wants."""
    if path == run.scaled_keras_path:
        return f"{path.name} takes pixels of 0 to 255 as they are; the scaling is inside"
    return f"{path.name} wants pixels divided by {PIXEL_SCALE:g}, as the notebook's does; raw ones mislead it"


def export(run: Run | str | Path, to: str, *, with_scaling: bool = False, watcher: Progress | None = None) -> Path:
    """Write a run's network in another program's format, as ``model.TO`` inside the run folder, and give its path.

    The file wants pixels divided by 255. With ``with_scaling``, for ``keras`` alone, ``model_with_scaling.keras`` is
    written in its place, which takes pixels of 0 to 255 and divides them itself (a Rescaling layer). Raises
    UnknownNameError for a format that is not in EXPORTS, UsageError for a network that the format cannot say, RunError
    for a run without weights, and OutputError where it cannot be written, or another process writes there.
    """
    from kamerton.runs.folder import Run, open_run
    from kamerton.runs.lock import locked

    if to not in EXPORTS:
        raise UnknownNameError("format", to, EXPORTS)
    if with_scaling and to != "keras":
        raise UsageError(
            "Only a Keras file can hold the scaling",
            received=to,
            allowed="keras",
            next_step=f"divide pixels by {PIXEL_SCALE:g} on their way in",
        )
    run = run if isinstance(run, Run) else open_run(run)
    path = run.scaled_keras_path if with_scaling else run.model_path(to)
    with locked(run.path, "export"):
        (watcher or Silent()).say(working_on(path))
        try:
            if with_scaling:
                write_keras(run, path, with_scaling=True)
            else:
                EXPORTS[to](run, path)
        except UsageError as error:
            if to != "keras" or error.next_step is not None:
                raise
            raise UsageError(
                f"{run.record.network}: {error.what[:1].lower()}{error.what[1:]}",
                received=error.received,
                allowed=error.allowed,
                next_step=f"kamerton export {as_typed(run.path)} --to onnx; or train a network that Keras can say, "
                "as efficientnet_lite0",
            ) from error
    return path
