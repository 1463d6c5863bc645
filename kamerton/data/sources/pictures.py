"""Pictures and FITS cutouts, one file a galaxy, read where they are asked for, and held against the first of them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from kamerton.arrays import SquareHWC
from kamerton.config.pictures import PictureSettings, PixelOrigin, band_names
from kamerton.data.pictures.alike import Likeness, require_alike
from kamerton.data.pictures.picture import Picture, read_picture
from kamerton.data.sources.cube_file import is_cube
from kamerton.data.sources.rows import note_doubtful
from kamerton.data.sources.source import SourceRequest
from kamerton.errors import DataError, PictureError, warn
from kamerton.plurals import counted

DECODERS = min(4, os.cpu_count() or 1)
"""Threads that decode pictures; Pillow's decoders let each other work, and so does a network."""

AHEAD = 4 * DECODERS
"""Pictures decoded before they are asked for; more would only cost memory."""


class PictureFiles:
    """A source of pictures by their places; they share size, bands and stretch with the first that can be read."""

    channels = 3
    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, request: SourceRequest, places: Iterable[str], locate: Callable[[str], Path]) -> None:
        self.path = request.path
        self._locate, self._learned = locate, request.learned
        path, first, self._settings = _first(self.path, map(locate, places), request.settings)
        self._likeness = Likeness(path, len(first.image_hwc), first.origin)
        self.side_px = self._likeness.side_px
        self.origin: PixelOrigin = first.origin
        self.are_cutouts = first.planes is not None
        _warn_of_unnamed_bands(path, first, self._settings)

    def images(self, places: Sequence[str], doubtful: set[str] | None = None) -> Iterator[SquareHWC | PictureError]:
        """Read the picture of each place, or say why it cannot be; a few are decoded ahead, in threads."""
        threads = ThreadPoolExecutor(DECODERS, thread_name_prefix="kamerton-decode")
        waiting = iter(places)
        try:
            ahead = deque(threads.submit(self._image, place, doubtful) for place in islice(waiting, AHEAD))
            while ahead:
                image = ahead.popleft().result()
                ahead.extend(threads.submit(self._image, place, doubtful) for place in islice(waiting, 1))
                yield image
        finally:
            threads.shutdown(cancel_futures=True)

    def _image(self, place: str, doubtful: set[str] | None) -> SquareHWC | PictureError:
        path = self._locate(place)
        try:
            picture = read_picture(path, self._settings)
            require_alike(
                Likeness(path, len(picture.image_hwc), picture.origin),
                self._likeness,
                one_size="one size in a source",
                other_size="give pictures of other sizes as a source of their own",
                other_way="give them as sources of their own",
            )
        except PictureError as error:
            return _cube_among_pictures(path) if _is_cube(path) else error
        note_doubtful(doubtful, [place], self._learned, picture.origin)
        return picture.image_hwc


def _first(where: Path, paths: Iterator[Path], settings: PictureSettings) -> tuple[Path, Picture, PictureSettings]:
    """Find the first picture that can be read, and the settings of all; DataError where there is none."""
    bad, first_error = 0, None
    cube: Path | None = None
    for path in paths:
        try:
            return (path, *_read_named(path, settings))
        except PictureError as error:
            if path == where:
                raise
            bad, first_error = bad + 1, first_error or error
            cube = cube or (path if _is_cube(path) else None)
    if cube is not None:
        raise _cubes_inside(where, bad, cube)
    raise DataError(
        f"{where}: not one galaxy can be read",
        received=f"{bad} that cannot, the first: {str(first_error).rstrip('.')}" if bad else "no pictures",
        allowed="pictures or FITS cutouts, at least one; paths in a list are relative to it",
        next_step="mend what the first one says" if bad else "name the folder or list of the pictures",
    )


def _is_cube(path: Path) -> bool:
    with suppress(OSError, DataError):
        return is_cube(path)
    return False


def _cube_among_pictures(path: Path) -> PictureError:
    return PictureError(
        f"{path}: no picture of one galaxy, but a cube of many",
        allowed="pictures and FITS cutouts in a folder or a list; a cube is a source of its own",
        next_step=f"name {path} as a source, beside the others or in a catalogue of its own",
    )


def _cubes_inside(where: Path, files: int, cube: Path) -> DataError:
    return DataError(
        f"{where}: not one picture or FITS cutout, but cubes of many galaxies",
        received=f"{counted(files, 'file')}, among them {cube}",
        allowed="pictures or FITS cutouts, at least one; a cube is a source of its own",
        next_step=f"name {cube}",
    )


def _read_named(path: Path, settings: PictureSettings) -> tuple[Picture, PictureSettings]:
    """Read a picture; the bands of the settings are those of cutouts whose headers name none."""
    by_header = replace(settings, bands=None)
    picture = read_picture(path, by_header)
    if picture.planes is None or picture.origin.bands is not None or settings.bands is None:
        return picture, by_header
    wanted = band_names(settings.bands)
    if picture.planes != len(wanted):
        raise PictureError(
            f"{path}: other bands than those that the network learned from",
            received=counted(picture.planes, "band"),
            allowed=", ".join(wanted),
            next_step="give cutouts of these bands, or choose a network that learned from such as this one",
        )
    return read_picture(path, settings), settings


def _warn_of_unnamed_bands(path: Path, first: Picture, settings: PictureSettings) -> None:
    """Say as which bands planes are taken that the header does not name."""
    if settings.bands is not None or (first.planes == 3 and first.origin.bands is None):
        order = "from blue to red, " if first.planes == 3 else ""
        taken = "with equal weights" if settings.bands is None else f"as the run's bands {settings.bands}"
        warn(
            f"{path}: nothing in its header says which bands its planes are, here and in the cutouts after it",
            received=f"{counted(first.planes or 0, 'plane')}, taken {order}{taken}",
            next_step="write their names into the headers, as BANDS = 'grz'",
        )
