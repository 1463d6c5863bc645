"""The same galaxy more than once, in one file or between files, and labels that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
from astropy.table import Table

from kamerton.data.audit.findings import Finding, Pair
from kamerton.data.audit.galaxies import Galaxies
from kamerton.data.sky import sky_pairs
from kamerton.errors import DataError

Row = tuple[int, int]
"""A file's number and a row of it."""

Couple = tuple[Row, Row, float | None]
"""Two rows of one galaxy, and how far apart they are on the sky, arcsec; None where their pixels say so."""

WHAT = {
    "same_pixels": "{} pairs of galaxies with the same pixels",
    "same_place": "{} pairs of galaxies within {} arcsec",
    "contradiction": "{} pairs of one galaxy with two labels",
}


def duplicates(files: Sequence[Galaxies], radius_arcsec: float | None) -> list[Finding]:
    """Find the galaxies that are listed twice, by their pixels or their place, and those of them with two labels.

    Of many rows with the same pixels each is paired with the first in its file, and each file's first with the very
    first; of many at the very same place each is paired with the first.
    """
    pixels = list(_same_pixels(files))
    found: list[Finding] = []
    places: list[Couple] = []
    try:
        places = [] if radius_arcsec is None else list(_same_place(files, radius_arcsec))
    except DataError as error:
        found.append(Finding("bad_positions", tuple(file.file for file in files), str(error)))
    contradictions = [couple for couple in pixels + places if _contradict(files, couple)]
    contradictions = list({couple[:2]: couple for couple in reversed(contradictions)}.values())
    # Where the pixels are the same, the place adds nothing.
    places = [couple for couple in places if not _have_same_pixels(files, couple)]
    for kind, couples in (("same_pixels", pixels), ("same_place", places), ("contradiction", contradictions)):
        found += _findings(kind, files, couples, radius_arcsec)
    return found


def _same_pixels(files: Sequence[Galaxies]) -> Iterator[Couple]:
    very_first: dict[str, Row] = {}
    for number, file in enumerate(files):
        first: dict[str, Row] = {}
        for row, digest in enumerate(file.digests or []):
            if not digest:
                continue
            place = number, row
            if first.setdefault(digest, place) != place:
                yield first[digest], place, None
            elif very_first.setdefault(digest, place) != place:
                yield very_first[digest], place, None


def _same_place(files: Sequence[Galaxies], radius_arcsec: float) -> Iterator[Couple]:
    if not files:
        return
    rows = [(number, row) for number, file in enumerate(files) for row in range(len(file.ids))]
    positions_deg = np.concatenate([file.positions_deg for file in files])
    pairs = sky_pairs(Table({"ra": positions_deg[:, 0], "dec": positions_deg[:, 1]}), radius_arcsec)
    for pair in pairs or []:
        yield rows[pair.first], rows[pair.second], pair.separation_arcsec


def _have_same_pixels(files: Sequence[Galaxies], couple: Couple) -> bool:
    one, two = (digests[row] if (digests := files[file].digests) else "" for file, row in couple[:2])
    return bool(one) and one == two


def _contradict(files: Sequence[Galaxies], couple: Couple) -> bool:
    """Tell whether two labels differ: by name where both have one, else by index where both have that."""
    (one_file, one_row), (two_file, two_row), _ = couple
    one, two = files[one_file], files[two_file]
    one_label, two_label = int(one.labels[one_row]), int(two.labels[two_row])
    if one_label < 0 or two_label < 0:
        return False
    if one.class_names is not None and two.class_names is not None:
        return one.class_names[one_label] != two.class_names[two_label]
    return one.has_indices and two.has_indices and one_label != two_label


def _findings(
    kind: str, files: Sequence[Galaxies], couples: Iterable[Couple], radius_arcsec: float | None
) -> Iterator[Finding]:
    """Make one finding of the pairs within each file, and one of those between each two files."""

    def numbers(couple: Couple) -> tuple[int, int]:
        return couple[0][0], couple[1][0]

    for (one, two), group in groupby(sorted(couples, key=lambda couple: (numbers(couple), couple[:2])), numbers):
        pairs = tuple(Pair(files[a].place(i), files[b].place(j), apart) for (a, i), (b, j), apart in group)
        names = (files[one].file,) if one == two else (files[one].file, files[two].file)
        yield Finding(kind, names, WHAT[kind].format(len(pairs), radius_arcsec), len(pairs), pairs)
