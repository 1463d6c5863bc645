"""READERS: catalogues that `kamerton predict` wrote, opened to be read part by part.

`open_catalogue` finds the one that knows a file or folder; a new format is a module and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kamerton.catalogue.readers.fits_file import open_fits_file
from kamerton.catalogue.readers.opened import OpenedCatalogue
from kamerton.catalogue.readers.parquet_files import (
    is_shards,
    is_tiles,
    open_parquet_file,
    open_shards,
    open_tiles,
)
from kamerton.catalogue.readers.text_file import open_csv_file
from kamerton.catalogue.readers.votable_file import open_votable_file
from kamerton.checks import as_path
from kamerton.errors import DataError, UsageError


@dataclass(frozen=True)
class CatalogueKind:
    """One form of a catalogue: how it is recognised and opened."""

    reads: str
    recognises: Callable[[Path], bool]
    open: Callable[[Path], AbstractContextManager[OpenedCatalogue]]


def _ends(ending: str) -> Callable[[Path], bool]:
    return lambda path: path.is_file() and path.suffix.lower() == ending


READERS = (
    CatalogueKind("a folder of shards", is_shards, open_shards),
    CatalogueKind("a HATS folder", is_tiles, open_tiles),
    CatalogueKind(".parquet", _ends(".parquet"), open_parquet_file),
    CatalogueKind(".fits", _ends(".fits"), open_fits_file),
    CatalogueKind(".vot", _ends(".vot"), open_votable_file),
    CatalogueKind(".csv", _ends(".csv"), open_csv_file),
)


@contextmanager
def open_catalogue(path: str | Path) -> Iterator[OpenedCatalogue]:
    """Open a catalogue of `predict`, in whatever form it was written.

    UsageError where there is nothing of that name, DataError for anything but a catalogue, or one that is damaged; a
    damaged part shows where it is read.
    """
    path = as_path(path, "catalogue")
    allowed = ", ".join(kind.reads for kind in READERS)
    try:
        path.stat()
        kind = next((kind for kind in READERS if kind.recognises(path)), None)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read", received=error.strerror, allowed=allowed, next_step="check the name"
        ) from error
    if kind is None:
        raise DataError(
            f"{path}: no catalogue of `kamerton predict`",
            received="a folder" if path.is_dir() else f"the ending {path.suffix!r}",
            allowed=allowed,
            next_step="name what predict has written with --out, or let it write one of these forms",
        )
    with kind.open(path) as found:
        yield found
