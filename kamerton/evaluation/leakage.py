"""Whether a test is one: a galaxy that a run has learned from, or was chosen on, tests nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kamerton.runs.folder import Run


@dataclass(frozen=True)
class Seal:
    """How many galaxies of a cube a run has seen before it was tested on them."""

    galaxies: int
    """In the cube."""
    seen: dict[str, int] | None
    """Of these in each split of the run; None where nobody knows, since the weights came from elsewhere."""

    @property
    def whole(self) -> bool | None:
        """Tell whether the run has seen none of them; None where nobody knows."""
        return None if self.seen is None else not any(self.seen.values())

    @property
    def warning(self) -> str:
        """What a reader of the result must be told first; empty where the seal is whole."""
        if self.seen is None:
            return "SEAL UNKNOWN: nobody recorded which galaxies these weights have seen"
        if self.whole:
            return ""
        overlaps = " and ".join(f"{count} in {split}" for split, count in self.seen.items() if count)
        return f"NOT A TEST: of {self.galaxies} galaxies the run has seen {overlaps}"

    def as_json(self) -> dict[str, Any]:
        """Give what metrics.json keeps."""
        return {"whole": self.whole, "seen": self.seen, "warning": self.warning}


def check_seal(run: Run, digests: Sequence[str]) -> Seal:
    """Count the galaxies, by the SHA-256 of their pixels, that each split of the run holds too.

    Equal pixels are found whatever the file's layout or number type; the same galaxy photographed or cropped anew is
    not (`kamerton data check` finds it by its place on the sky).
    """
    known = run.seen()
    if known is None:
        return Seal(len(digests), None)
    return Seal(len(digests), {split: sum(digest in those for digest in digests) for split, those in known.items()})
