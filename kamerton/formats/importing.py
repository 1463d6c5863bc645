"""Runs from other programs: ``kamerton import``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kamerton.checks import as_path
from kamerton.config.pictures import Preprocessing
from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.labels import default_class_names
from kamerton.errors import UsageError, warn
from kamerton.files import require_new
from kamerton.formats.exporting import working_on
from kamerton.formats.keras.file import KerasContents, read_keras
from kamerton.networks.registry import build_network, count_parameters
from kamerton.progress import Progress, Silent
from kamerton.runs.folder import Run, create_run
from kamerton.runs.record import RunRecord, versions


def import_keras_file(
    path: str | Path, out: str | Path, *, classes_of: str | Path | None = None, watcher: Progress | None = None
) -> Run:
    """Make a run folder from a ``.keras`` file of a known network.

    A ``.keras`` file holds no class names: ``classes_of`` names a labelled cube whose header does. Raises
    ModelFileError, CubeError and OutputError.
    """
    path, out = as_path(path, "path"), as_path(out, "out")
    require_new(out)
    (watcher or Silent()).say(working_on(path, "reading"))
    contents = read_keras(path)
    names = _class_names(contents, classes_of)
    network = build_network(contents.network, size=contents.size, channels=contents.channels, classes=contents.classes)
    network.load_state_dict(contents.state, strict=False)
    record = RunRecord(
        network=contents.network,
        parameters=sum(count_parameters(network)),
        class_names=names,
        preprocessing=Preprocessing(size=contents.size, channels=contents.channels),
        seed=None,
        recipe=None,
        data={},
        device="unknown",
        threads=None,
        deterministic=False,
        versions=versions(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        imported_from=path.name,
    )
    run = create_run(out, record)
    run.finish(network, epoch=None)
    return run


def _class_names(contents: KerasContents, classes_of: str | Path | None) -> tuple[str, ...]:
    if classes_of is None:
        warn(
            f"A .keras file holds no class names, so the {contents.classes} classes have none",
            next_step="name the cube that the model learned from with --classes-of, or evaluate on cubes without names",
        )
        return default_class_names(contents.classes)
    with open_cube(classes_of) as cube:
        if len(cube.class_names) != contents.classes:
            raise UsageError(
                f"{classes_of}: the cube has another number of classes than the model",
                received=f"{len(cube.class_names)} classes",
                allowed=f"{contents.classes} classes",
                next_step="name the cube that the model learned from",
            )
        return cube.class_names
