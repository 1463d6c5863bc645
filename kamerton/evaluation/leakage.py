"""The leakage check: whether a test set holds galaxies that the run was trained or validated on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kamerton.arrays import Mask
from kamerton.checks import several
from kamerton.data.cubes.cube import LabelledCube
from kamerton.data.identity import comparable, cube_marks, seen_again
from kamerton.data.marks import ALL_CHECKS, SURE, GalaxyMarks, SeenBy
from kamerton.plurals import counted
from kamerton.runs.folder import Run
from kamerton.runs.galaxies import marks_sha256
from kamerton.runs.scores import Leakage


def check_leakage(runs: Run | Sequence[Run], cube: LabelledCube) -> Leakage:
    """Count the galaxies of a cube that each split of a run holds too, and say how that was seen.

    Equal pixels are found whatever the file's layout or number type, and ids where they are more than numbers of rows;
    places within an arcsec are one galaxy, and within half a field pictures overlap; a picture is known again that was
    resized, encoded anew, turned, mirrored or shifted by a little. Of several runs, a galaxy that one of them has seen
    counts as seen.
    """
    runs = several(runs, Run)
    known = _known(runs)
    if not known:
        return Leakage.of(None)
    galaxies = cube_marks(cube)
    nothing = np.zeros(len(galaxies), bool)
    masks: dict[str, dict[SeenBy, Mask]] = {split: dict.fromkeys(ALL_CHECKS, nothing) for split, _ in known}
    for split, marks in known:
        for check, mask in seen_again(galaxies, marks, cube.watcher).items():
            masks[split][check] = masks[split][check] | mask
    surely = {split: np.any([found[check] for check in SURE], axis=0) for split, found in masks.items()}
    seen = {split: int(mask.sum()) for split, mask in surely.items()}
    likely = {
        split: int((np.any(list(found.values()), axis=0) & ~surely[split]).sum()) for split, found in masks.items()
    }
    by = {check: {split: int(found[check].sum()) for split, found in masks.items()} for check in ALL_CHECKS}
    anywhere = {check: np.any([found[check] for found in masks.values()], axis=0) for check in ALL_CHECKS}
    whole = all(run.record.knows_what_it_saw for run in runs)
    # Where nobody knows what a start or a member has seen, no check could look for all of it.
    looked = comparable(galaxies, [marks for _, marks in known]) if whole else dict.fromkeys(ALL_CHECKS, nothing)
    # Of a galaxy that was found nothing is left to be known.
    answered = {check: looked[check] | anywhere[check] for check in ALL_CHECKS}
    return Leakage.of(seen, likely, by, _sums(answered), _sums(anywhere))


def _sums(masks: Mapping[SeenBy, Mask]) -> dict[SeenBy, int]:
    return {check: int(mask.sum()) for check, mask in masks.items()}


def _known(runs: Sequence[Run]) -> list[tuple[str, GalaxyMarks]]:
    """Give what runs have seen, by split; what several of them have seen alike, once."""
    found: dict[str, tuple[str, GalaxyMarks]] = {}
    for run in runs:
        for split, marks in (run.seen() or {}).items():
            found.setdefault(marks_sha256({split: marks}), (split, marks))
    return list(found.values())


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
    """Galaxies that it did not find, and could not compare with all that the run has seen."""


def check_counts(leakage: Leakage, galaxies: int) -> list[CheckCount]:
    """Sum up what each check found of so many galaxies; empty where nobody recorded it."""
    if not leakage.by:
        return []
    counts = []
    for check in ALL_CHECKS:
        by_split = leakage.by.get(check, {}).values()
        # Older results did not say how many galaxies are in several splits.
        found = leakage.found.get(check, min(sum(by_split), galaxies))
        # Nor did they count those that were found among the compared ones.
        counts.append(CheckCount(check, found, galaxies - max(leakage.compared.get(check, 0), found)))
    return counts


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
