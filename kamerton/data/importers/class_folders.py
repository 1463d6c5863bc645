"""A folder of class folders, each full of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

from astropy.table import Table

from kamerton.data.importers.picture_batches import picture_batches
from kamerton.data.importers.source import ImportRequest, LabelledSource, classes_from_names, to_ascii
from kamerton.errors import DataError


@contextmanager
def open_folders(request: ImportRequest) -> Iterator[LabelledSource]:
    """Open a folder of class folders; every file in a class folder is one picture, and its path there is its id."""
    folders = _class_folders(request.source)
    paths = [path for folder in folders for path in _pictures_in(folder)]
    class_names, labels = classes_from_names([path.parent.name for path in paths])
    catalogue = Table({"id": [to_ascii(path.relative_to(request.source).as_posix()) for path in paths]})
    yield LabelledSource(
        labels, class_names, catalogue, picture_batches(paths, repeat(""), request.settings, catalogue)
    )


def _class_folders(source: Path) -> list[Path]:
    entries = _visible(source)
    stray = [path for path in entries if not path.is_dir()]
    if stray or not entries:
        raise DataError(
            f"{source}: not a folder of class folders",
            received=f"a file beside them, {stray[0].name}" if stray else "an empty folder",
            allowed="one folder a class, with pictures inside",
            next_step="move the file into its class or out of the folder" if stray else "sort the pictures into it",
        )
    return entries


def _pictures_in(folder: Path) -> list[Path]:
    entries = _visible(folder)
    inner = [path for path in entries if path.is_dir()]
    if inner or not entries:
        raise DataError(
            f"{folder}: not a class folder",
            received=f"a folder inside, {inner[0].name}" if inner else "no pictures",
            allowed="pictures only, at least one",
            next_step="move the pictures up" if inner else "remove the folder or fill it",
        )
    return entries


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be listed", received=error.strerror, next_step="check your permissions"
        ) from error
