"""The leakage check: whether a test set holds galaxies that the run was trained or validated on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from kamerton.data.cubes.cube import LabelledCube
from kamerton.data.identity import compared, cube_marks, seen_again
from kamerton.data.marks import ALL_CHECKS, SURE, SeenBy
from kamerton.plurals import counted
from kamerton.runs.evaluation import Leakage
from kamerton.runs.folder import Run


def check_leakage(run: Run, cube: LabelledCube) -> Leakage:
    """Count the galaxies of a cube that each split of the run holds too, and say how that was seen.

    Equal pixels are found whatever the file's layout or number type, and ids where they are more than numbers of rows;
    places within an arcsec are one galaxy, and within half a field pictures overlap; a picture is known again that was
    resized, encoded anew, turned, mirrored or shifted by a little.
    """
    known = run.seen()
    if known is None:
        return Leakage.of(None)
    galaxies = cube_marks(cube)
    seen: dict[str, int] = {}
    likely: dict[str, int] = {}
    by: dict[SeenBy, dict[str, int]] = {check: {} for check in ALL_CHECKS}
    for split, marks in known.items():
        found = seen_again(galaxies, marks, cube.watcher)
        surely = np.any([found[check] for check in SURE], axis=0)
        seen[split] = int(surely.sum())
        likely[split] = int((np.any(list(found.values()), axis=0) & ~surely).sum())
        for check, mask in found.items():
            by[check][split] = int(mask.sum())
    whole = run.record.knows_what_it_saw
    # Where nobody knows what the start has seen, no check could look for all of it.
    return Leakage.of(seen, likely, by, compared(galaxies, known) if whole else dict.fromkeys(ALL_CHECKS, 0))


def leakage_warning(leakage: Leakage, galaxies: int) -> str:
    """Say what a reader of a result on so many galaxies must be told first; empty where nothing leaked."""
    if leakage.seen is None:
        return "LEAKAGE NOT KNOWN: nobody recorded which galaxies these weights have seen"
    those = counted(galaxies, "galaxy")
    if leakage.status == "unknown":
        return f"LEAKAGE NOT KNOWN: none of {those} was found again, but not all that it has seen could be compared"
    if leakage.status == "likely":
        return f"PERHAPS NOT A TEST: of {those} the run may have seen {_by_split(leakage.likely)}"
    if leakage.status == "none":
        return ""
    return f"NOT A TEST: of {those} the run has seen {_by_split(leakage.seen)}"


class CheckCount(NamedTuple):
    """What one check of a result found."""

    check: SeenBy
    found: int
    unknown: int
    """Galaxies that it could not compare with all that the run has seen."""


def check_counts(leakage: Leakage, galaxies: int) -> list[CheckCount]:
    """Sum up what each check found of so many galaxies; empty where nobody recorded it."""
    if not leakage.by:
        return []
    return [
        CheckCount(check, sum(leakage.by.get(check, {}).values()), galaxies - leakage.compared.get(check, 0))
        for check in ALL_CHECKS
    ]


def leakage_details(leakage: Leakage, galaxies: int) -> str:
    """Say what each check found, and what is not known; empty where nobody recorded it."""
    parts = []
    for check, found, unknown in check_counts(leakage, galaxies):
        whole = not found and unknown == galaxies
        parts.append(f"{check} not known" if whole else f"{check} {found}")
        if unknown and not whole:
            parts[-1] += f" (not known for {unknown})"
    if not parts:
        return ""
    look = "; `kamerton data check` lists the pairs" if leakage.status == "likely" else ""
    return f"seen before, by {', '.join(parts)}{look}"


def _by_split(counts: Mapping[str, int]) -> str:
    return " and ".join(f"{count} in {split}" for split, count in counts.items() if count)
