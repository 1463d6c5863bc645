"""How far two people agree about galaxies that both of them decided."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from kamerton.arrays import Confusion
from kamerton.data.decided import UNDONE, is_unsure
from kamerton.evaluation.statistics import Interval
from kamerton.labelling.journal import Decision


@dataclass(frozen=True, eq=False)
class Agreement:
    """Two people, and the classes in which they put the same galaxies."""

    first: str
    second: str
    class_names: tuple[str, ...]
    """Those that one of them named at least."""
    counts: Confusion
    """Galaxies by (class of the first, class of the second)."""
    unsure: int
    """Galaxies that both looked at, and one of them could not tell; not in ``counts``."""

    @property
    def galaxies(self) -> int:
        """How many both put in a class."""
        return int(self.counts.sum())

    @property
    def agreed(self) -> int:
        """How many of these in the same."""
        return int(np.trace(self.counts))

    @property
    def kappa(self) -> Interval | None:
        """Cohen's kappa with its 95% interval by statsmodels; None where all are in one class, which chance does too.

        The interval is NaN where they agree on all: the formula then gives no width, however few there are.
        """
        from statsmodels.stats.inter_rater import cohens_kappa

        if len(self.class_names) < 2 or not self.galaxies:
            return None
        found = cohens_kappa(self.counts)
        if not found.std_kappa > 0:
            return Interval(float(found.kappa), math.nan, math.nan)
        return Interval(float(found.kappa), max(-1.0, float(found.kappa_low)), min(1.0, float(found.kappa_upp)))


def agreements(decisions: Sequence[Decision], class_names: Collection[str] = ()) -> list[Agreement]:
    """Hold the last words of each two people against each other; the two with the most galaxies in common first."""
    words: dict[str, dict[str, str]] = {}
    for one in decisions:
        said = words.setdefault(one.who, {})
        said.pop(one.id, None)
        if one.label != UNDONE:
            said[one.id] = one.label
    found = [_agreement(first, second, words, class_names) for first, second in combinations(words, 2)]
    return sorted((one for one in found if one.galaxies + one.unsure), key=lambda one: -one.galaxies)


def _agreement(first: str, second: str, words: dict[str, dict[str, str]], class_names: Collection[str]) -> Agreement:
    both = [(words[first][name], words[second][name]) for name in words[first] if name in words[second]]
    told = [pair for pair in both if not any(is_unsure(label, class_names) for label in pair)]
    named = {label for pair in told for label in pair}
    known = [name for name in class_names if name in named]
    names = (*known, *sorted(named - set(known)))
    counts = np.zeros((len(names), len(names)), np.int64)
    for one, two in told:
        counts[names.index(one), names.index(two)] += 1
    return Agreement(first, second, names, counts, len(both) - len(told))
