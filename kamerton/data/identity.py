"""Whether galaxies are among those that are known: by pixels, id, place on the sky, and picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from kamerton.arrays import Mask, PositionsDeg
from kamerton.config.surveys import OVERLAP_ARCSEC, SAME_GALAXY_ARCSEC
from kamerton.data import galaxy10
from kamerton.data.cubes.cube import LabelledCube
from kamerton.data.likeness import alike_pairs
from kamerton.data.marks import ALL_CHECKS, GalaxyMarks, SeenBy
from kamerton.data.sky import impossible_positions, nearest_arcsec, separation_arcsec, sky_positions
from kamerton.errors import DataError
from kamerton.progress import Progress

NO_ID = re.compile(
    rf"{galaxy10.ROW_ID}\d+"
    r"|(?:.*#|(?:row|image|img|galaxy|gal|object|obj|source|src|cutout|picture|pic|stamp|id|no|nr)?[ _.-]?)\d{1,6}"
    r"|(?:|-*|none|nan|null|n/?a|unknown)",
    re.IGNORECASE,
)
"""Numbers of rows, with or without a word that says nothing; ``CUBE#7`` is what a cube without ids is read with, and
``galaxy10-00007`` what an HDF5 file is, of Galaxy10 or anything else."""

WHOLE_PATH = re.compile(r"(?:/|[a-z]:[\\/]|[a-z][a-z0-9+.-]*://).*[\\/][^\\/#]+", re.IGNORECASE)
"""A path from the root, or an address, of a file in a folder: it names one file, whatever that is called. A path from a
list's or a survey's own folder does not, for every survey may have a ``spiral/1.jpg``."""


def cube_marks(cube: LabelledCube) -> GalaxyMarks:
    """Take what the galaxies of a cube are known again by; the first time it passes over the images."""
    return GalaxyMarks(
        tuple(cube.galaxy_fingerprints()),
        tuple(real_ids(cube.ids)),
        _real_positions(cube),
        cube.picture_features(),
    )


def real_ids(ids: Sequence[str]) -> list[str]:
    """Empty the ids that only number rows or files, or are all one: equal ones are not yet one galaxy."""
    names = [name.strip() for name in ids]
    if len(set(names)) == 1 < len(names):
        return [""] * len(names)
    return [
        name if WHOLE_PATH.fullmatch(name) or not NO_ID.fullmatch(PurePosixPath(name).stem) else "" for name in names
    ]


def seen_again(galaxies: GalaxyMarks, known: GalaxyMarks, watcher: Progress) -> dict[SeenBy, Mask]:
    """Mark those of ``galaxies`` that are among the ``known`` ones, by each check; where it cannot be made, none."""
    digests = set(known.digests)
    alike = np.zeros(len(galaxies), bool)
    if galaxies.features is not None and known.features is not None:
        alike[[pair.first for pair in alike_pairs(galaxies.features, known.features, watcher=watcher)]] = True
    apart_arcsec = nearest_arcsec(_places(galaxies), _places(known))
    return {
        "pixels": np.array([digest in digests for digest in galaxies.digests], bool),
        "id": _same_id(galaxies, known),
        "position": apart_arcsec <= SAME_GALAXY_ARCSEC,
        "overlap": apart_arcsec <= OVERLAP_ARCSEC,
        "likeness": alike,
    }


def comparable(galaxies: GalaxyMarks, known: Sequence[GalaxyMarks]) -> dict[SeenBy, Mask]:
    """Mark, by each check, those of ``galaxies`` that it can compare with every known one."""
    return {check: galaxies.has(check) & all(marks.has(check).all() for marks in known) for check in ALL_CHECKS}


def _real_positions(cube: LabelledCube) -> PositionsDeg:
    """Give the cube's positions, NaN where they are none, as are degrees beyond the sky and one place for all."""
    unknown = np.full((len(cube), 2), np.nan)
    try:
        positions_deg = sky_positions(cube.catalogue)
    except DataError:
        return unknown
    if positions_deg is None or (len(cube) > 1 and (positions_deg == positions_deg[0]).all()):
        return unknown
    known = np.isfinite(positions_deg).all(1) & ~impossible_positions(positions_deg)
    return np.where(known[:, np.newaxis], positions_deg, np.nan)


def _places(galaxies: GalaxyMarks) -> PositionsDeg:
    return np.full((len(galaxies), 2), np.nan) if galaxies.positions_deg is None else galaxies.positions_deg


def _same_id(galaxies: GalaxyMarks, known: GalaxyMarks) -> Mask:
    """Mark the galaxies with an id that is known, unless their places deny it."""
    found = np.zeros(len(galaxies), bool)
    row_of = {name: row for row, name in enumerate(known.ids or ()) if name}
    rows = np.array([row for row, name in enumerate(galaxies.ids or ()) if name in row_of], np.int64)
    if len(rows):
        others = np.array([row_of[(galaxies.ids or ())[row]] for row in rows], np.int64)
        apart_arcsec = separation_arcsec(_places(galaxies)[rows], _places(known)[others])
        found[rows] = ~(apart_arcsec > OVERLAP_ARCSEC)
    return found
