"""A folder of pictures and FITS cutouts, with all folders inside, as a source."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.arrays import SquareHWC
from kamerton.config import PictureSettings, PixelOrigin
from kamerton.data.classes import NAMES_SHOWN, shown
from kamerton.data.fits.letters import printable
from kamerton.data.importers.class_folders import NO_PICTURES
from kamerton.data.sources.digests import folder_digest
from kamerton.data.sources.pictures import PictureFiles
from kamerton.data.sources.place_names import name_of, place_of
from kamerton.data.sources.rows import known_positions, row_batch
from kamerton.data.sources.source import ColumnKind, SourceRequest
from kamerton.errors import DataError, PictureError, warn

if TYPE_CHECKING:
    import pyarrow as pa

FolderId = tuple[int, int]
"""Device and inode."""


@dataclass
class Found:
    """What a walk has found besides pictures."""

    others: int = 0
    other_names: list[str] = field(default_factory=list)
    again: int = 0
    again_names: list[str] = field(default_factory=list)


class FolderSource:
    """Pictures of a folder, in the order of their paths."""

    kind = "folder"
    has_own_ids = False

    def __init__(self, path: Path, settings: PictureSettings) -> None:
        self.path = path
        self._pictures = PictureFiles(path, walk(path, Found()), self._locate, settings)
        self.columns: Mapping[str, ColumnKind] = {}
        self.has_positions = self._pictures.are_cutouts
        self.side_px, self.channels = self._pictures.side_px, self._pictures.channels
        self.dtype: np.dtype[Any] = self._pictures.dtype
        self.origin: PixelOrigin | None = self._pictures.origin

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

    def images(self, places: Sequence[str]) -> Iterator[SquareHWC | PictureError]:
        """Read pictures by their paths in the folder."""
        return self._pictures.images(places)

    def _locate(self, place: str) -> Path:
        return self.path / name_of(place)


@contextmanager
def open_folder_source(request: SourceRequest) -> Iterator[FolderSource]:
    """Open a folder; links to folders are followed, and each folder is read once."""
    yield FolderSource(request.path, request.settings)


def walk(folder: Path, found: Found) -> Iterator[str]:
    """Give the places of all pictures below a folder in the order of their paths; hidden files and notes are none.

    Raises DataError where a folder cannot be listed, or a link leads back to a folder around it.
    """
    top = _folder_id(folder)
    seen: set[FolderId] = {top}
    # Of each open folder its id and what is left of it; deep folders would end Python's own recursion.
    stack: list[tuple[FolderId, Iterator[tuple[str, bool]]]] = [(top, iter(_entries(folder, "")))]
    while stack:
        _, entries = stack[-1]
        name, is_folder = next(entries, ("", False))
        if not name:
            stack.pop()
        elif is_folder:
            inner = folder / name
            folder_id = _folder_id(inner)
            if folder_id in {around for around, _ in stack}:
                raise _loop(inner)
            if folder_id in seen:
                _note(found.again_names, place_of(name))
                found.again += 1
                continue
            seen.add(folder_id)
            stack.append((folder_id, iter(_entries(folder, name))))
        elif Path(name).suffix.lower() in NO_PICTURES:
            _note(found.other_names, place_of(name))
            found.others += 1
        else:
            yield place_of(name)


def _folder_id(folder: Path) -> FolderId:
    try:
        status = folder.stat()
    except OSError as error:
        raise _cannot_be_listed(folder, error) from error
    return status.st_dev, status.st_ino


def _entries(folder: Path, inner: str) -> list[tuple[str, bool]]:
    """List a folder by name: paths from the top, and which are folders, or links to one."""
    try:
        with os.scandir(folder / inner) as entries:
            listed = [(entry.name, _is_folder(entry)) for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise _cannot_be_listed(folder / inner, error) from error
    before = f"{inner}/" if inner else ""
    return [(before + name, is_folder) for name, is_folder in sorted(listed)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads nowhere: a picture that cannot be opened.
        return False


def _note(names: list[str], name: str) -> None:
    if len(names) <= NAMES_SHOWN:
        names.append(name)


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
    if found.others:
        warn(
            f"{folder}: {found.others} files that are no pictures are left out",
            received=shown(found.other_names),
            next_step="nothing, if they are notes and the like",
        )
    if found.again:
        warn(
            f"{folder}: {found.again} folders are there twice, through links, and are read once",
            received=shown(found.again_names),
            next_step="nothing, if the same galaxies are meant",
        )
