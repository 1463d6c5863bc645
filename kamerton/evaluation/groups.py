"""Numbers of groups of galaxies, and which groups are too small for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from kamerton.arrays import Labels, Probabilities
from kamerton.errors import warn
from kamerton.evaluation.metrics import group_metrics
from kamerton.evaluation.statistics import share_interval
from kamerton.runs.scores import GroupedScores

SMALL_GROUP = 30
"""Of fewer galaxies an accuracy may be off by more than 0.17 either way."""

SMALL_GROUPS_NAMED = 5
"""In the warning of them, the smallest first."""


def grouped_scores(column: str, groups: Sequence[str], labels: Labels, probabilities: Probabilities) -> GroupedScores:
    """Measure the galaxies of each value of a column apart."""
    found = group_metrics(labels, probabilities, groups)
    return GroupedScores(
        column,
        {
            name: dataclasses.replace(group, accuracy_interval=share_interval(group.accuracy, group.galaxies))
            for name, group in found.items()
        },
    )


def warn_of_small_groups(cube: Path, by: GroupedScores) -> None:
    """Say which groups are so small that their numbers say little, and how little."""
    small = sorted((group.galaxies, name) for name, group in by.groups.items() if group.galaxies < SMALL_GROUP)
    if not small:
        return
    told = []
    for galaxies, name in small[:SMALL_GROUPS_NAMED]:
        low, high = by.groups[name].accuracy_interval or (0.0, 1.0)
        told.append(f"{name or 'without a name'}: {galaxies}, accuracy {low:.2f} to {high:.2f}")
    more = f"; and {len(small) - len(told)} more" if len(small) > len(told) else ""
    warn(
        f"{cube}: {len(small)} of the {len(by.groups)} groups of {by.column} are too small to say much",
        received=f"galaxies and 95% interval of {'; '.join(told)}{more}",
        allowed=f"{SMALL_GROUP} galaxies or more, for an interval of less than 0.35",
        next_step="read their intervals and not their numbers, or name a column with larger groups",
    )
