"""A folder of class folders, each full of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

from astropy.table import Table

from kamerton.data.classes import shown
from kamerton.data.fits.letters import printable
from kamerton.data.importers.classes import classes_from_names
from kamerton.data.importers.picture_batches import picture_batches
from kamerton.data.importers.source import ImportRequest, LabelledSource, StreamFindings
from kamerton.errors import DataError, warn

NO_PICTURES = {
    ".txt",
    ".md",
    ".csv",
    ".tsv",
    ".json",
    ".yaml",
    ".xml",
    ".html",
    ".pdf",
    ".doc",
    ".docx",
    ".db",
    ".ini",
    ".log",
}
"""Endings of notes, and of what file managers leave behind."""


@contextmanager
def open_folders(request: ImportRequest) -> Iterator[LabelledSource]:
    """Open a folder of class folders; a picture's path there is its id, and files that are none are left out, aloud."""
    source = request.source
    left_out: list[Path] = []
    folders = _class_folders(source, left_out)
    paths = [path for folder in folders for path in _pictures_in(folder, left_out)]
    if left_out:
        warn(
            f"{source}: {len(left_out)} files that are no pictures are left out",
            received=shown(path.relative_to(source).as_posix() for path in left_out),
            next_step="nothing, if they are notes and the like",
        )
    classes = classes_from_names(str(source), [path.parent.name for path in paths], request.classes)
    catalogue = Table({"id": [printable(path.relative_to(source).as_posix()) for path in paths]})
    found = StreamFindings()
    batches = picture_batches(paths, repeat(""), request, catalogue, found)
    yield LabelledSource(classes.labels, classes.names, catalogue, batches, classes.numbers, found)


def _class_folders(source: Path, left_out: list[Path]) -> list[Path]:
    entries = _visible(source, left_out)
    stray = [path for path in entries if not path.is_dir()]
    if stray or not entries:
        raise DataError(
            f"{source}: not a folder of class folders",
            received=f"a file beside them, {stray[0].name}" if stray else "an empty folder",
            allowed="one folder a class, with pictures inside",
            next_step="move the file into its class or out of the folder" if stray else "sort the pictures into it",
        )
    return entries


def _pictures_in(folder: Path, left_out: list[Path]) -> list[Path]:
    entries = _visible(folder, left_out)
    inner = [path for path in entries if path.is_dir()]
    if inner or not entries:
        raise DataError(
            f"{folder}: not a class folder",
            received=f"a folder inside, {inner[0].name}" if inner else "no pictures",
            allowed="pictures only, at least one",
            next_step="move the pictures up" if inner else "remove the folder or fill it",
        )
    return entries


def _visible(folder: Path, left_out: list[Path]) -> list[Path]:
    """List a folder, and put the files that are no pictures, by their endings, into ``left_out``."""
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        others = [path for path in entries if path.suffix.lower() in NO_PICTURES and path.is_file()]
        left_out += others
        return [path for path in entries if path not in others]
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be listed", received=error.strerror, next_step="check your permissions"
        ) from error
