"""Galaxies to look at, labelled or not, from wherever they are.

`SOURCES` is the table of contents: each kind recognises its own files and opens them as a `Source`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kamerton.data.importers.galaxy10_file import is_hdf5
from kamerton.data.lists import is_list
from kamerton.data.quiet import quiet_libraries
from kamerton.data.sources.cube_file import is_cube, open_cube_source
from kamerton.data.sources.folder import open_folder_source
from kamerton.data.sources.hdf5_file import open_hdf5_source
from kamerton.data.sources.one_picture import open_picture_source
from kamerton.data.sources.picture_list import open_list_source
from kamerton.data.sources.source import Source, SourceRequest
from kamerton.errors import DataError, UsageError


@dataclass(frozen=True)
class SourceKind:
    """One kind of source: how it is recognised and opened."""

    reads: str
    """What it reads, for the message about a source that is of no kind."""
    recognises: Callable[[Path], bool]
    open: Callable[[SourceRequest], AbstractContextManager[Source]]


SOURCES: dict[str, SourceKind] = {
    "hdf5": SourceKind("an HDF5 file of Galaxy10's form", is_hdf5, open_hdf5_source),
    "folder": SourceKind("a folder of pictures and FITS cutouts", Path.is_dir, open_folder_source),
    "list": SourceKind("a CSV or Parquet list of their paths", is_list, open_list_source),
    "cube": SourceKind("a FITS cube, labelled or not", is_cube, open_cube_source),
    "picture": SourceKind("one picture or FITS cutout", Path.is_file, open_picture_source),
}
"""Every kind of source, the first that recognises a file opens it; a new one is a module and a line here."""


@contextmanager
def open_source(request: SourceRequest) -> Iterator[Source]:
    """Open galaxies of any kind; what Pillow and Astropy warn of is not shown until they are closed.

    Raises UsageError where there is nothing at the path, and DataError for a source that is bad as a whole: of no known
    kind, damaged, without the column of paths, or without one picture that can be read.
    """
    # Here, and not in the threads that read: filters of warnings are those of the whole process.
    with quiet_libraries, SOURCES[_recognise(request.path)].open(request) as source:
        yield source


def _recognise(path: Path) -> str:
    try:
        path.stat()
        kind = next((name for name, kind in SOURCES.items() if kind.recognises(path)), None)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read",
            received=error.strerror,
            allowed=_what_is_read(),
            next_step="check the name and your permissions",
        ) from error
    if kind is None:
        raise DataError(
            f"{path}: no galaxies that Kamerton reads",
            received="neither a file nor a folder",
            allowed=_what_is_read(),
            next_step="name a file or a folder",
        )
    return kind


def _what_is_read() -> str:
    return "; ".join(kind.reads for kind in SOURCES.values())
