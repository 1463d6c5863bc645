"""A folder of pictures and FITS cutouts, with all folders inside, as a source."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from kamerton.data.classes import NAMES_SHOWN
from kamerton.data.fits.letters import printable
from kamerton.data.importers.class_folders import NO_PICTURES
from kamerton.data.sources.digests import folder_digest
from kamerton.data.sources.pictures import PictureFiles
from kamerton.data.sources.place_names import name_of, place_of
from kamerton.data.sources.rows import known_positions, row_batch
from kamerton.data.sources.source import ColumnKind, SourceRequest
from kamerton.errors import DataError, warn
from kamerton.plurals import counted

if TYPE_CHECKING:
    import pyarrow as pa

FolderId = tuple[int, int]
"""Device and inode."""


@dataclass
class Counted:
    """How many there are, and the names of the first of them."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def note(self, name: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.names) < NAMES_SHOWN:
            self.names.append(printable(name))

    def __str__(self) -> str:
        more = f" and {self.count - NAMES_SHOWN} more" if self.count > NAMES_SHOWN else ""
        return ", ".join(self.names) + more


@dataclass
class Found:
    """What a walk has found besides pictures."""

    others: Counted = field(default_factory=Counted)
    """Files that are no pictures."""
    again: Counted = field(default_factory=Counted)
    """Folders that were read already."""


class FolderSource(PictureFiles):
    """Pictures of a folder, in the order of their paths."""

    kind = "folder"
    has_own_ids = False

    def __init__(self, request: SourceRequest) -> None:
        folder = request.path
        super().__init__(request, walk(folder, Found()), lambda place: folder / name_of(place))
        self.columns: Mapping[str, ColumnKind] = {}
        self.has_positions = self.are_cutouts

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the names and sizes directly in it."""
        return folder_digest(self.path)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Give the galaxies; all folders are looked into before the first."""
        found = Found()
        for _ in walk(self.path, found):
            pass
        _say(self.path, found)
        walked = walk(self.path, Found())
        while places := list(islice(walked, rows)):
            ids = [printable(place) for place in places]
            positions = known_positions(map(self._locate, places)) if self.has_positions else None
            yield row_batch(self.columns, places, ids, positions, {})


@contextmanager
def open_folder_source(request: SourceRequest) -> Iterator[FolderSource]:
    """Open a folder; links to folders are followed, and each folder is read once."""
    yield FolderSource(request)


def walk(folder: Path, found: Found) -> Iterator[str]:
    """Give the places of all pictures below a folder in the order of their paths; hidden files and notes are none.

    Raises DataError where a folder cannot be listed, or a link leads back to a folder around it.
    """
    top = _folder_id(folder)
    seen: set[FolderId] = {top}
    # Of each open folder its id, its path and what is left of it; deep folders would end Python's own recursion.
    stack: list[tuple[FolderId, str, Iterator[str]]] = [(top, "", iter(_names(folder)))]
    while stack:
        _, path, names = stack[-1]
        name = next(names, None)
        if name is None:
            stack.pop()
        elif name.endswith("/"):
            inner = folder / path / name
            folder_id = _folder_id(inner)
            if folder_id in {around for around, _, _ in stack}:
                raise _loop(inner)
            if folder_id in seen:
                found.again.note(path + name.rstrip("/"))
                continue
            seen.add(folder_id)
            stack.append((folder_id, path + name, iter(_names(inner))))
        elif PurePath(name).suffix.lower() in NO_PICTURES:
            found.others.note(path + name)
        else:
            yield place_of(path + name)


def _folder_id(folder: Path) -> FolderId:
    try:
        status = folder.stat()
    except OSError as error:
        raise _cannot_be_listed(folder, error) from error
    return status.st_dev, status.st_ino


def _names(folder: Path) -> list[str]:
    """List a folder in the order of paths; a folder in it, or a link to one, ends with a slash."""
    try:
        with os.scandir(folder) as entries:
            shown_entries = (entry for entry in entries if not entry.name.startswith("."))
            return sorted(entry.name + "/" if _is_folder(entry) else entry.name for entry in shown_entries)
    except OSError as error:
        raise _cannot_be_listed(folder, error) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads nowhere: a picture that cannot be opened.
        return False


def _cannot_be_listed(folder: Path, error: OSError) -> DataError:
    return DataError(f"{folder}: cannot be listed", received=error.strerror, next_step="check your permissions")


def _loop(inner: Path) -> DataError:
    return DataError(
        f"{inner}: a link that leads back to a folder around it",
        received=os.path.realpath(inner),
        allowed="folders that end",
        next_step="remove the link",
    )


def _say(folder: Path, found: Found) -> None:
    if found.others.count:
        warn(
            f"{folder}: {counted(found.others.count, 'file')} left out, being no pictures",
            received=found.others,
            next_step="nothing, if they are notes and the like",
        )
    if found.again.count:
        warn(
            f"{folder}: {counted(found.again.count, 'folder')} there twice, through links, and read once",
            received=found.again,
            next_step="nothing, if the same galaxies are meant",
        )
