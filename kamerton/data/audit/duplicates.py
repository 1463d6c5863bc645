"""The same galaxy more than once, in one file or between files, and labels that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
from astropy.table import Table

from kamerton.data.audit.findings import Finding, Pair
from kamerton.data.audit.galaxies import AuditedGalaxies
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


def duplicates(files: Sequence[AuditedGalaxies], radius_arcsec: float | None) -> list[Finding]:
    """Find the galaxies that are listed twice, by their pixels or their position, and those of them with two labels.

    Of many rows with the same pixels each is paired with the first in its file, and each file's first with the very
    first; of many at the very same position each is paired with the first.
    """
    pixels = list(_same_pixels(files))
    found: list[Finding] = []
    positions: list[Couple] = []
    try:
        positions = [] if radius_arcsec is None else list(_same_position(files, radius_arcsec))
    except DataError as error:
        found.append(Finding("bad_positions", tuple(file.file for file in files), str(error)))
    contradictions = [couple for couple in pixels + positions if _contradict(files, couple)]
    contradictions = list({couple[:2]: couple for couple in reversed(contradictions)}.values())
    # Where the pixels are the same, the position adds nothing.
    positions = [couple for couple in positions if not _have_same_pixels(files, couple)]
    for kind, couples in (("same_pixels", pixels), ("same_place", positions), ("contradiction", contradictions)):
        found += _findings(kind, files, couples, radius_arcsec)
    return found


def _same_pixels(files: Sequence[AuditedGalaxies]) -> Iterator[Couple]:
    very_first: dict[str, Row] = {}
    for number, file in enumerate(files):
        first: dict[str, Row] = {}
        for row, digest in enumerate(file.digests or []):
            if not digest:
                continue
            this = number, row
            if first.setdefault(digest, this) != this:
                yield first[digest], this, None
            elif very_first.setdefault(digest, this) != this:
                yield very_first[digest], this, None


def _same_position(files: Sequence[AuditedGalaxies], radius_arcsec: float) -> Iterator[Couple]:
    if not files:
        return
    rows = [(number, row) for number, file in enumerate(files) for row in range(len(file.ids))]
    positions_deg = np.concatenate([file.positions_deg for file in files])
    pairs = sky_pairs(Table({"ra": positions_deg[:, 0], "dec": positions_deg[:, 1]}), radius_arcsec)
    for pair in pairs or []:
        yield rows[pair.first], rows[pair.second], pair.separation_arcsec


def _have_same_pixels(files: Sequence[AuditedGalaxies], couple: Couple) -> bool:
    one, two = (digests[row] if (digests := files[file].digests) else "" for file, row in couple[:2])
    return bool(one) and one == two


def _contradict(files: Sequence[AuditedGalaxies], couple: Couple) -> bool:
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
    kind: str, files: Sequence[AuditedGalaxies], couples: Iterable[Couple], radius_arcsec: float | None
) -> Iterator[Finding]:
    """Make one finding of the pairs within each file, and one of those between each two files."""

    def numbers(couple: Couple) -> tuple[int, int]:
        return couple[0][0], couple[1][0]

    for (one, two), group in groupby(sorted(couples, key=lambda couple: (numbers(couple), couple[:2])), numbers):
        pairs = tuple(Pair(files[a].galaxy_row(i), files[b].galaxy_row(j), apart) for (a, i), (b, j), apart in group)
        names = (files[one].file,) if one == two else (files[one].file, files[two].file)
        yield Finding(kind, names, WHAT[kind].format(len(pairs), radius_arcsec), len(pairs), pairs)
