"""What was found of the labels, for a program and a reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kamerton.arrays import Confusion
from kamerton.data.likeness import AlikePair
from kamerton.evaluation.guessing import AgainstGuess, against_guess
from kamerton.evaluation.statistics import Interval, wilson_interval
from kamerton.labelling.galaxies import Galaxies
from kamerton.labelling.groups import Group, find_groups
from kamerton.labelling.issues import Issues, find_issues
from kamerton.labelling.judging import Judged
from kamerton.plurals import counted


class ClassPair(NamedTuple):
    """How many labels are probably wrong in one way."""

    given: str
    suggested: str
    labels: int


class AlikeGalaxies(NamedTuple):
    """Two galaxies whose pictures are most likely of one galaxy."""

    first: int
    second: int
    likeness: float
    is_contradiction: bool
    """Whether their given classes differ."""


@dataclass(frozen=True, eq=False)
class Findings:
    """All that is known of the labels of some galaxies."""

    galaxies: Galaxies
    judged: Judged
    issues: Issues
    groups: tuple[Group, ...]
    alike: tuple[AlikeGalaxies, ...]

    @staticmethod
    def of(galaxies: Galaxies, judged: Judged, alike: Sequence[AlikePair]) -> Findings:
        """Look at what networks say that have not seen the galaxies."""
        issues = find_issues(galaxies.labels, judged.probabilities)
        agrees = judged.probabilities.argmax(1) == galaxies.labels
        groups = find_groups(galaxies, agrees, issues.is_issue)
        labels = galaxies.labels
        pairs = [AlikeGalaxies(*pair, bool(labels[pair.first] != labels[pair.second])) for pair in alike]
        return Findings(galaxies, judged, issues, tuple(groups), tuple(pairs))

    @property
    def count(self) -> int:
        """How many labels are probably wrong."""
        return int(self.issues.is_issue.sum())

    @property
    def agreement(self) -> Interval:
        """Share of the galaxies whose given class is the network's answer."""
        share = float((self.judged.probabilities.argmax(1) == self.galaxies.labels).mean())
        return wilson_interval(share, len(self.galaxies))

    @property
    def confusion(self) -> Confusion:
        """Galaxies by (given, answered) class."""
        classes = len(self.galaxies.class_names)
        counts = np.zeros((classes, classes), np.int64)
        np.add.at(counts, (self.galaxies.labels, self.judged.probabilities.argmax(1)), 1)
        return counts

    @property
    def guess(self) -> AgainstGuess | None:
        """Hold the networks against guessing; one that guesses finds no wrong label."""
        return against_guess(self.confusion, self.galaxies.class_names)

    @property
    def pairs(self) -> list[ClassPair]:
        """The ways in which labels are probably wrong, the commonest first."""
        names, issues = self.galaxies.class_names, self.issues
        wrong = np.flatnonzero(issues.is_issue)
        ways = Counter((int(self.galaxies.labels[row]), int(issues.suggested[row])) for row in wrong)
        return [ClassPair(names[one], names[two], count) for (one, two), count in ways.most_common()]

    @property
    def worse_groups(self) -> list[Group]:
        """The kinds of galaxies that are shown to agree less than the rest, the worst first."""
        return sorted((group for group in self.groups if group.is_worse), key=lambda group: group.agreement.value)

    @property
    def contradictions(self) -> list[AlikeGalaxies]:
        """The pairs that are most likely one galaxy, with two labels."""
        return [pair for pair in self.alike if pair.is_contradiction]

    def __repr__(self) -> str:
        return f"Findings({self.count} of {counted(len(self.galaxies), 'label')} probably wrong)"
