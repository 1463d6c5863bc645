"""The leakage check: whether a test set holds galaxies that the run was trained or validated on."""

from __future__ import annotations

from collections.abc import Sequence

from kamerton.runs.evaluation import Leakage
from kamerton.runs.folder import Run


def check_leakage(run: Run, digests: Sequence[str]) -> Leakage:
    """Count the galaxies, by the SHA-256 of their pixels, that each split of the run holds too.

    Equal pixels are found whatever the file's layout or number type; the same galaxy photographed or cropped anew is
    not (`kamerton data check` finds it by its place on the sky).
    """
    known = run.seen()
    if known is None:
        return Leakage.of(None)
    return Leakage.of({split: sum(digest in those for digest in digests) for split, those in known.items()})


def leakage_warning(leakage: Leakage, galaxies: int) -> str:
    """Say what a reader of a result on so many galaxies must be told first; empty where nothing leaked."""
    if leakage.seen is None:
        return "LEAKAGE NOT KNOWN: nobody recorded which galaxies these weights have seen"
    if leakage.status == "none":
        return ""
    overlaps = " and ".join(f"{count} in {split}" for split, count in leakage.seen.items() if count)
    return f"NOT A TEST: of {galaxies} galaxies the run has seen {overlaps}"
