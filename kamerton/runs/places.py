"""Where the cubes of a run are now: what moves together finds each other again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from kamerton.data.cubes.cube import open_cube
from kamerton.errors import KamertonError
from kamerton.progress import Progress
from kamerton.runs.folder import Run


def from_run(run: Path, cube: Path) -> str:
    """Give the way from a run folder to a cube, which stays right when both are moved together."""
    return Path(os.path.relpath(cube.resolve(), run.resolve())).as_posix()


def cube_places(run: Run, path: str, beside: str | None) -> list[Path]:
    """List the files that may be a cube, in the order of search: from the run folder as before, and where it was.

    ``beside`` is the way from the run folder, which older runs do not know, and ``path`` the place at that time.
    """
    places = [] if beside is None else [Path(os.path.normpath(run.path.resolve() / beside))]
    return [place for place in dict.fromkeys([*places, Path(path)]) if place.is_file()]


def find_cube(
    run: Run, path: str, beside: str | None, fingerprint: str, watcher: Progress | None = None
) -> Path | None:
    """Find a cube by its fingerprint; None where no place holds it."""
    for place in cube_places(run, path, beside):
        with suppress(KamertonError), open_cube(place, watcher=watcher) as cube:
            if cube.fingerprint() == fingerprint:
                return place
    return None
