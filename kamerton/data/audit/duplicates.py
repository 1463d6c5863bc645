"""The same galaxy more than once, in one file or between files, and labels that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from astropy.table import Table

from kamerton.config.surveys import OVERLAP_ARCSEC
from kamerton.data.audit.findings import Finding, Pair
from kamerton.data.audit.galaxies import AuditedGalaxies
from kamerton.data.identity import real_ids
from kamerton.data.likeness import alike_pairs
from kamerton.data.sky import separation_arcsec, sky_pairs
from kamerton.errors import DataError
from kamerton.plurals import counted
from kamerton.progress import Progress

Row = tuple[int, int]
"""A file's number and a row of it."""


class Couple(NamedTuple):
    """Two rows of one galaxy."""

    first: Row
    second: Row
    separation_arcsec: float | None = None
    """On the sky, where that shows it."""
    likeness: float | None = None
    """Of the pictures, where that shows it."""

    @property
    def rows(self) -> tuple[Row, Row]:
        """Both rows."""
        return self.first, self.second


WHAT = {
    "same_pixels": "{} of galaxies with the same pixels",
    "same_id": "{} of galaxies with the same id",
    "same_place": "{} of galaxies within {} arcsec",
    "alike": "{} of pictures that are most likely of one galaxy, resized, turned, shifted or encoded anew",
    "contradiction": "{} of one galaxy with two labels",
}


def duplicates(files: Sequence[AuditedGalaxies], radius_arcsec: float | None, watcher: Progress) -> list[Finding]:
    """Find the galaxies that are listed twice, by pixels, id, position or picture, and those of them with two labels.

    Each pair is listed once, by the first of these that shows it. Of many rows with the same pixels each is paired with
    the first in its file, and each file's first with the very first; so it is with ids, and of many at the very same
    position each is paired with the first. Whether a likeness is one galaxy is for the eye to tell, so that its labels
    may differ.
    """
    found: list[Finding] = []
    positions: list[Couple] = []
    try:
        positions = [] if radius_arcsec is None else list(_same_position(files, radius_arcsec))
    except DataError as error:
        found.append(Finding("bad_positions", tuple(file.file for file in files), str(error)))
    pixels = list(_same_pixels(files))
    ids = [couple for couple in _same_id(files) if not _denied(files, couple)]
    contradictions = [couple for couple in pixels + ids + positions if _contradict(files, couple)]
    contradictions = list({couple.rows: couple for couple in reversed(contradictions)}.values())
    kinds = {"same_pixels": pixels, "same_id": ids, "same_place": positions, "alike": list(_alike(files, watcher))}
    listed: set[tuple[Row, Row]] = set()
    for kind, couples in kinds.items():
        # Where the pixels are the same, all else adds nothing.
        new = [couple for couple in couples if couple.rows not in listed]
        new = [couple for couple in new if kind == "same_pixels" or not _have_same_pixels(files, couple)]
        listed |= {couple.rows for couple in new}
        found += _findings(kind, files, new, radius_arcsec)
    return found + list(_findings("contradiction", files, contradictions, radius_arcsec))


def _same_pixels(files: Sequence[AuditedGalaxies]) -> Iterator[Couple]:
    return _same_names([file.digests or [] for file in files])


def _same_id(files: Sequence[AuditedGalaxies]) -> Iterator[Couple]:
    return _same_names([real_ids(file.ids) for file in files])


def _same_names(names_of_files: Sequence[Sequence[str]]) -> Iterator[Couple]:
    """Pair the rows of one name; rows without one are alone."""
    very_first: dict[str, Row] = {}
    for number, names in enumerate(names_of_files):
        first: dict[str, Row] = {}
        for row, name in enumerate(names):
            if not name:
                continue
            this = number, row
            if first.setdefault(name, this) != this:
                yield Couple(first[name], this)
            elif very_first.setdefault(name, this) != this:
                yield Couple(very_first[name], this)


def _denied(files: Sequence[AuditedGalaxies], couple: Couple) -> bool:
    """Tell whether two galaxies of one id are at two places."""
    one, two = (files[file].positions_deg[row] for file, row in couple.rows)
    return bool(separation_arcsec(one[np.newaxis], two[np.newaxis])[0] > OVERLAP_ARCSEC)


def _alike(files: Sequence[AuditedGalaxies], watcher: Progress) -> Iterator[Couple]:
    """Pair the rows whose pictures are alike; of those with the same pixels the first stands for all."""
    rows: dict[str, Row] = {}
    for number, file in enumerate(files):
        for row, digest in enumerate(file.digests or []):
            if digest:
                rows.setdefault(digest, (number, row))
    kept = [features[row] for number, row in rows.values() if (features := files[number].features) is not None]
    if kept:
        names = list(rows.values())
        for pair in alike_pairs(np.stack(kept), watcher=watcher):
            yield Couple(names[pair.first], names[pair.second], likeness=pair.likeness)


def _same_position(files: Sequence[AuditedGalaxies], radius_arcsec: float) -> Iterator[Couple]:
    if not files:
        return
    rows = [(number, row) for number, file in enumerate(files) for row in range(len(file.ids))]
    positions_deg = np.concatenate([file.positions_deg for file in files])
    pairs = sky_pairs(Table({"ra": positions_deg[:, 0], "dec": positions_deg[:, 1]}), radius_arcsec)
    for pair in pairs or []:
        yield Couple(rows[pair.first], rows[pair.second], pair.separation_arcsec)


def _have_same_pixels(files: Sequence[AuditedGalaxies], couple: Couple) -> bool:
    one, two = (digests[row] if (digests := files[file].digests) else "" for file, row in couple.rows)
    return bool(one) and one == two


def _contradict(files: Sequence[AuditedGalaxies], couple: Couple) -> bool:
    """Tell whether two labels differ: by name where both have one, else by index where both have that."""
    (one_file, one_row), (two_file, two_row) = couple.rows
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
        return couple.first[0], couple.second[0]

    for (one, two), group in groupby(sorted(couples, key=lambda couple: (numbers(couple), couple.rows)), numbers):
        pairs = tuple(Pair(files[a].galaxy_row(i), files[b].galaxy_row(j), *shown) for (a, i), (b, j), *shown in group)
        names = (files[one].file,) if one == two else (files[one].file, files[two].file)
        yield Finding(kind, names, WHAT[kind].format(counted(len(pairs), "pair"), radius_arcsec), len(pairs), pairs)
