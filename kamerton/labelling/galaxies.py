"""Whose labels are looked at: the galaxies of one cube, or of a folder's, with its test set left sealed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from astropy.table import Table, vstack

from kamerton.arrays import ImagesNHWC, Labels, Rows
from kamerton.config.pictures import PixelOrigin
from kamerton.config.surveys import SPLIT_NAMES
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.lists import is_list
from kamerton.data.marks import Features
from kamerton.errors import CubeError, UsageError, as_typed
from kamerton.progress import Progress
from kamerton.training.cubes import LEARNING_SPLITS, shared_class_names, shared_origin

SEALED = "test.fits"
"""Of a folder, the cube that stays as it is: a test whose labels follow a network's opinion tests no network."""


@dataclass(frozen=True, eq=False)
class Galaxies:
    """Labelled galaxies, cube after cube and row after row."""

    path: Path
    """What was given: a cube, or a folder of cubes."""
    cubes: tuple[LabelledCube, ...]
    sealed: Path | None
    """The test set that was left out; None where there is none."""
    class_names: tuple[str, ...]
    origin: PixelOrigin | None

    def __len__(self) -> int:
        return sum(map(len, self.cubes))

    @cached_property
    def labels(self) -> Labels:
        """The given classes, as places in `class_names`."""
        return np.concatenate([cube.labels for cube in self.cubes])

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Identifiers, one a galaxy."""
        return tuple(name for cube in self.cubes for name in cube.ids)

    @cached_property
    def catalogue(self) -> Table:
        """One row a galaxy; the columns that all cubes have."""
        tables = [cube.catalogue.copy() for cube in self.cubes]
        return tables[0] if len(tables) == 1 else vstack(tables, join_type="inner", metadata_conflicts="silent")

    @property
    def digests(self) -> list[str]:
        """SHA-256 of each galaxy's pixels."""
        return [digest for cube in self.cubes for digest in cube.galaxy_fingerprints()]

    @property
    def features(self) -> Features:
        """What each picture is known again by."""
        return np.concatenate([cube.picture_features() for cube in self.cubes])

    @property
    def dtype(self) -> np.dtype[np.uint8] | np.dtype[np.float32]:
        """Of the pixels: bytes where all cubes have bytes."""
        return np.result_type(*(cube.dtype for cube in self.cubes))

    @cached_property
    def starts(self) -> list[int]:
        """The place of each cube's first galaxy."""
        return [0, *np.cumsum([len(cube) for cube in self.cubes]).tolist()][:-1]

    def place(self, galaxy: int) -> tuple[LabelledCube, int]:
        """Give the cube that a galaxy is in, and its row there."""
        number = int(np.searchsorted(self.starts, galaxy, side="right")) - 1
        return self.cubes[number], galaxy - self.starts[number]

    def chunks(self) -> Iterator[tuple[slice, ImagesNHWC]]:
        """Yield all images, as (galaxies, images_nhwc), in bounded memory."""
        for start, cube in zip(self.starts, self.cubes, strict=True):
            for rows, images_nhwc in cube.chunks():
                yield slice(start + rows.start, start + rows.stop), images_nhwc

    def images(self, galaxies: Sequence[int] | Rows) -> ImagesNHWC:
        """Read some images, in this order."""
        places = [self.place(int(galaxy)) for galaxy in galaxies]
        shape = (len(places), *self.cubes[0].image_shape)
        images_nhwc = np.empty(shape, self.dtype)
        for number, (cube, row) in enumerate(places):
            images_nhwc[number] = cube.read(slice(row, row + 1))[0]
        return images_nhwc


@contextmanager
def open_galaxies(data: Path, watcher: Progress) -> Iterator[Galaxies]:
    """Open a cube, or the training and validation cubes of a folder together.

    UsageError where there is neither, or a single class; CubeError where the two do not go together.
    """
    places = learning_places(data)
    sealed = data / SEALED
    with ExitStack() as held:
        cubes = tuple(held.enter_context(open_cube(place, watcher=watcher)) for place in places)
        first, last = cubes[0], cubes[-1]
        names, origin = shared_class_names(first, last), shared_origin(first, last)
        if not all(len(cube) for cube in cubes):
            raise CubeError(f"{data}: no galaxies", next_step="add galaxies")
        yield Galaxies(data, cubes, sealed if data.is_dir() and sealed.is_file() else None, names, origin)


def learning_places(data: Path) -> list[Path]:
    """Name the cubes whose labels are looked at; UsageError for a folder without any, and for a list."""
    _refuse_list(data)
    if not data.is_dir():
        return [data]
    places = [place for name in LEARNING_SPLITS if (place := data / f"{name}.fits").is_file()]
    if not places:
        sealed = (data / SEALED).is_file()
        raise UsageError(
            f"{data}: no cubes to look for wrong labels in",
            received=f"{SEALED} alone, which stays sealed" if sealed else "neither train.fits nor valid.fits",
            allowed="a labelled cube, or a folder with train.fits and valid.fits",
            next_step=f"give {data / SEALED} itself, if its labels are meant" if sealed else "name a cube",
        )
    return places


def all_places(data: Path) -> list[Path]:
    """Name all cubes that decisions may be about: the one, or those of a folder, the test set as well."""
    _refuse_list(data)
    if not data.is_dir():
        return [data]
    return [place for name in SPLIT_NAMES if (place := data / f"{name}.fits").is_file()]


def _refuse_list(data: Path) -> None:
    if is_list(data):
        raise UsageError(
            f"{data}: a list, and no labelled cube",
            allowed="a labelled cube, or a folder with train.fits and valid.fits",
            next_step=f"make a cube of its pictures: kamerton data import {as_typed(data)} galaxies.fits",
        )
