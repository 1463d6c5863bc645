"""One file under audit, and what is kept of its galaxies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from kamerton.arrays import Labels, Mask, PositionsDeg
from kamerton.config.pictures import PixelOrigin
from kamerton.data.audit.findings import BadRow, FileSummary, Finding, GalaxyRow
from kamerton.data.marks import Features
from kamerton.data.sky import impossible_positions
from kamerton.errors import DataError


@dataclass(frozen=True)
class AuditedGalaxies:
    """What is kept of a file's galaxies once it was passed over; one entry a row."""

    file: str
    ids: list[str]
    labels: Labels
    """Class indices, -1 where a label is bad."""
    class_names: tuple[str, ...] | None
    """None where the file has only indices."""
    positions_deg: PositionsDeg
    """Right ascension and declination (N, 2), NaN where unknown or bad."""
    digests: list[str] | None = None
    """SHA-256 of the pixels, empty where they could not be read; None where there are none."""
    features: Features | None = None
    """Of the pictures; zeros where they could not be read, None where there are none."""
    image_shape: tuple[int, int, int] | None = None
    origin: PixelOrigin | None = None
    """How the pixels came to be; None where that is not known."""
    has_indices: bool = True
    """False where the labels are names, numbered only here."""

    def label_name(self, row: int) -> str | None:
        """Name the class of a row; None where its label is bad."""
        label = int(self.labels[row])
        if label < 0:
            return None
        return class_label(label, self.class_names)

    def galaxy_row(self, row: int) -> GalaxyRow:
        """Name a row in an example."""
        return GalaxyRow(self.file, row, self.ids[row], self.label_name(row))


@dataclass
class FileAudit:
    """A file under audit: what is wrong with it alone, and its galaxies as far as they could be read."""

    file: str
    findings: list[Finding] = field(default_factory=list)
    galaxies: AuditedGalaxies | None = None

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Record a DataError as a finding, and go on after the block."""
        try:
            yield
        except DataError as error:
            self.damage(error)

    def damage(self, error: DataError) -> None:
        """Record an error that would stop a reader of the file."""
        self.add("damage", str(error).removeprefix(self.file).removeprefix(":").strip())

    def add(self, kind: str, what: str) -> None:
        """Record a finding about the file as a whole."""
        self.findings.append(Finding(kind, (self.file,), what))

    def add_rows(self, kind: str, what: str, rows: list[BadRow]) -> None:
        """Record a finding about some rows, if there are any; ``{}`` in ``what`` stands for their number."""
        if rows:
            self.findings.append(Finding(kind, (self.file,), what.format(len(rows)), len(rows), tuple(rows)))

    def summary(self) -> FileSummary:
        """Say what the file holds."""
        found = self.galaxies
        if found is None:
            return FileSummary(self.file, None, None, None)
        classes = len(set(found.labels[found.labels >= 0].tolist()))
        return FileSummary(self.file, len(found.ids), classes, found.image_shape)


def bad_rows(rows: Mask, ids: list[str], what: Callable[[int], str]) -> list[BadRow]:
    """List the marked rows with what ``what(row)`` says of them."""
    return [BadRow(row, ids[row], what(row)) for row in np.flatnonzero(rows).tolist()]


def class_label(label: int, names: tuple[str, ...] | None) -> str:
    """Name a class that may have no name."""
    return f"class {label}" if names is None else names[label]


def note_empty_classes(labels: Labels, names: tuple[str, ...] | None, found: FileAudit) -> None:
    """Note the classes that no galaxy has: of the names, or below the highest index."""
    count = int(labels.max()) + 1 if names is None else len(names)
    present = set(labels.tolist())
    empty = [class_label(label, names) for label in range(count) if label not in present]
    if empty:
        found.add("note", f"classes without galaxies: {', '.join(empty)}")


def known_positions(positions_deg: PositionsDeg, ids: list[str], found: FileAudit) -> PositionsDeg:
    """Note positions that are not on the sky, and count them as unknown: NaN in both columns."""
    wrong = impossible_positions(positions_deg)
    rows = bad_rows(wrong, ids, lambda row: "ra {}, dec {}".format(*positions_deg[row]))
    found.add_rows("bad_positions", "{} positions are not on the sky, ra -180 to 360 and dec -90 to 90 degrees", rows)
    known = np.isfinite(positions_deg).all(axis=1) & ~wrong
    if not known.any():
        found.add("note", "no positions are known, so the same place on the sky could not be looked for")
    return np.where(known[:, np.newaxis], positions_deg, np.nan)
