"""What an audit finds, for a program and for a reader."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kamerton.plurals import counted

EXAMPLES_SHOWN = 10
"""Of each finding a reader sees this many; a program gets all."""

KINDS = {
    "damage": "damage",
    "bad_pixels": "bad pixels",
    "pixel_range": "another range of pixels",
    "blank_images": "blank images",
    "bad_labels": "bad labels",
    "bad_positions": "bad positions",
    "image_shapes": "mixed shapes",
    "class_names": "mixed class names",
    "pixel_origins": "mixed bands or stretches",
    "crops": "mixed crops",
    "same_pixels": "same pixels",
    "same_id": "same id",
    "same_place": "same place on the sky",
    "alike": "pictures that are alike",
    "contradiction": "contradictory labels",
    "note": "note",
}
"""Each kind of finding in plain words; all but a note mean that something is wrong."""


@dataclass(frozen=True)
class GalaxyRow:
    """One galaxy of one file; rows count from 0."""

    file: str
    row: int
    id: str
    label: str | None
    """The name of its class; None where its label is bad."""

    def describe(self, with_file: bool) -> str:
        """Name the galaxy for a reader."""
        file = f"{self.file} " if with_file else ""
        return f"{file}row {self.row} ({self.id}, {'no label' if self.label is None else self.label})"


@dataclass(frozen=True)
class BadRow:
    """One galaxy with something wrong."""

    row: int
    id: str
    what: str

    def describe(self) -> str:
        """Say what is wrong, for a reader."""
        return f"row {self.row} ({self.id}): {self.what}"


@dataclass(frozen=True)
class Pair:
    """One galaxy listed twice."""

    first: GalaxyRow
    second: GalaxyRow
    separation_arcsec: float | None
    """On the sky; None where it is known by something else."""
    likeness: float | None = None
    """Correlation of the pictures, up to 1; None where it is known by something else."""

    def describe(self) -> str:
        """Name both, for a reader."""
        apart = "" if self.separation_arcsec is None else f", {self.separation_arcsec:.2f} arcsec apart"
        apart += "" if self.likeness is None else f", likeness {self.likeness:.2f}"
        between = self.first.file != self.second.file
        return f"{self.first.describe(between)} and {self.second.describe(between)}{apart}"


@dataclass(frozen=True)
class Finding:
    """One kind of trouble in one file, or between two and more."""

    kind: str
    """One of `KINDS`."""
    files: tuple[str, ...]
    what: str
    count: int = 1
    """How often it was found."""
    examples: tuple[BadRow | Pair, ...] = ()

    def lines(self) -> Iterator[str]:
        """Describe it for a reader, with some examples."""
        yield f"{KINDS[self.kind]}: {self.what}"
        for example in self.examples[:EXAMPLES_SHOWN]:
            yield f"  {example.describe()}"
        if len(self.examples) > EXAMPLES_SHOWN:
            yield f"  and {len(self.examples) - EXAMPLES_SHOWN} more"


@dataclass(frozen=True)
class FileSummary:
    """One file that was looked at."""

    file: str
    galaxies: int | None
    """None where they could not be counted."""
    classes: int | None
    image_shape: tuple[int, int, int] | None

    def describe(self) -> str:
        """Name the file and say what it holds, for a reader."""
        if self.galaxies is None:
            return f"{self.file}: not read"
        classes = "" if self.classes is None else f" of {counted(self.classes, 'class')}"
        shape = "" if self.image_shape is None else f", {' x '.join(map(str, self.image_shape))}"
        return f"{self.file}: {counted(self.galaxies, 'galaxy')}{classes}{shape}"


@dataclass(frozen=True)
class AuditReport:
    """Everything that an audit found."""

    files: tuple[FileSummary, ...]
    findings: tuple[Finding, ...]
    radius_arcsec: float | None

    def __repr__(self) -> str:
        return f"AuditReport({self._verdict()})"

    @property
    def sound(self) -> bool:
        """Nothing is wrong; there may be notes."""
        return not self.counts()

    def counts(self) -> dict[str, int]:
        """Count what is wrong, by kind."""
        counts = Counter[str]()
        for finding in self.findings:
            if finding.kind != "note":
                counts[finding.kind] += finding.count
        return dict(counts)

    def as_json(self) -> dict[str, Any]:
        """Give everything as plain values, with every example."""
        return {"sound": self.sound, "counts": self.counts(), **dataclasses.asdict(self)}

    def describe(self) -> list[str]:
        """Give short lines for a reader: file by file, what lies between files, and the verdict last."""
        lines: list[str] = []
        for file in self.files:
            own = [finding for finding in self.findings if finding.files == (file.file,)]
            lines += [file.describe(), *(f"  {line}" for finding in own for line in finding.lines())]
            if all(finding.kind == "note" for finding in own):
                lines.append("  nothing wrong")
        between = [finding for finding in self.findings if len(finding.files) > 1]
        if between:
            lines += ["between files:", *(f"  {line}" for finding in between for line in finding.lines())]
        return [_printable(line) for line in [*lines, self._verdict()]]

    def _verdict(self) -> str:
        number = counted(len(self.files), "file")
        if self.sound:
            galaxies = sum(file.galaxies or 0 for file in self.files)
            return f"Nothing wrong in {number}, {counted(galaxies, 'galaxy')}."
        found = ", ".join(f"{KINDS[kind]} {count}" for kind, count in self.counts().items())
        return f"Something is wrong in {number}: {found}. Rows count from 0; --json lists all."


def _printable(line: str) -> str:
    """Whatever a file put into its names, a terminal shows the line as one line."""
    return line if line.isprintable() else line.encode("unicode_escape").decode()
