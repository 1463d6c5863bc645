"""Which catalogues there are below a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kamerton.catalogue.columns import PREDICTED_CLASS
from kamerton.catalogue.readers.parquet_files import is_shards, is_tiles
from kamerton.data.fits.letters import printable
from kamerton.opening import open_plain
from kamerton.parquet import parquet_schema
from kamerton.runs.folder import is_run

DEPTH = 3
"""So many folders below the one named may a catalogue lie."""

HEAD_BYTES = 1 << 18
"""In the first of a file of any other format stand its columns."""

ENDINGS = (".parquet", ".fits", ".vot", ".csv")


def catalogues_below(folder: Path) -> dict[str, Path]:
    """Find catalogues by name, a path below the folder with slashes; it may be one itself.

    Run folders and the insides of catalogues are left out, and so is what is hidden.
    """
    if _is_folder_catalogue(folder):
        return {printable(folder.name): folder}
    found = {printable(place.relative_to(folder).as_posix()): place for place in _walk(folder, DEPTH)}
    return dict(sorted(found.items()))


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    try:
        places = sorted(folder.iterdir())
    except OSError:
        return
    for place in places:
        if place.name.startswith("."):
            continue
        if place.is_dir():
            if _is_folder_catalogue(place):
                yield place
            elif depth and not is_run(place):
                yield from _walk(place, depth - 1)
        elif place.suffix.lower() in ENDINGS and _has_answers(place):
            yield place


def _is_folder_catalogue(place: Path) -> bool:
    return is_shards(place) or is_tiles(place)


def _has_answers(path: Path) -> bool:
    """Tell a catalogue from other tables by the column in which a network answers, without reading its rows."""
    try:
        if path.suffix.lower() == ".parquet":
            schema, _ = parquet_schema(path)
            return PREDICTED_CLASS.name in schema.names
        with open_plain(path) as file:
            return PREDICTED_CLASS.name.encode() in file.read(HEAD_BYTES)
    except (OSError, ValueError):
        return False
