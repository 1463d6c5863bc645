"""Whether a network is better than guessing: than always naming the commonest class, and than answers at random."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kamerton.arrays import Confusion
from kamerton.evaluation.statistics import (
    SIGNIFICANT,
    Interval,
    Kappa,
    McNemar,
    cohens_kappa,
    mcnemar_of_counts,
    paired_difference,
)

GuessVerdict = Literal["one class", "guessing", "no better", "better"]
"""``guessing``: nothing more is shown; ``no better``: it tells classes apart, but is not right more often."""

NUMBERS = (
    "always naming {class_name} would be right for {share}; accuracy above that {difference} ({low} to {high}), "
    "McNemar {first_only} : {second_only}, p = {p}; Cohen's kappa {kappa} ({kappa_low} to {kappa_high}; guessing has 0)"
)

GUESS_WORDS: dict[GuessVerdict, str] = {
    "one class": "ONE CLASS FOR ALL: every galaxy is called {only_class}, and the accuracy, {accuracy}, is its share",
    "guessing": "NOT SHOWN TO BE BETTER THAN GUESSING: " + NUMBERS,
    "no better": "NOT SHOWN TO BE RIGHT MORE OFTEN THAN ALWAYS NAMING {class_name}, though it tells classes apart: "
    + NUMBERS,
    "better": NUMBERS,
}


@dataclass(frozen=True)
class AgainstGuess:
    """A network's answers, held against always naming the commonest class of the test and against chance."""

    class_name: str
    """The commonest of the test."""
    share: float
    """Of the galaxies that are of it: the accuracy of always naming it."""
    only_class: str | None
    """The one class that the network names, where it names no other."""
    difference: Interval
    """The network's accuracy less that share."""
    mcnemar: McNemar
    """Of the network, first, and of always naming that class."""
    kappa: Kappa | None
    """None where the network names one class only."""

    @property
    def verdict(self) -> GuessVerdict:
        """Tell what was shown: by the test and by the interval."""
        if self.kappa is None:
            return "one class"
        if self.mcnemar.p_value < SIGNIFICANT and self.difference.low > 0:
            return "better"
        tells_apart = self.kappa.p_value < SIGNIFICANT and self.kappa.interval.low > 0
        return "no better" if tells_apart else "guessing"

    @property
    def is_guessing(self) -> bool:
        """Tell whether nothing shows that the network knows more than one who guesses."""
        return self.verdict in {"one class", "guessing"}

    def describe(self) -> str:
        """Say it in words, which begin in capitals where a reader must be warned."""
        return GUESS_WORDS[self.verdict].format(**self.numbers(format, lambda p: format(p, ".2g")))

    def numbers(self, write: Callable[[float, str], str], write_p: Callable[[float], str]) -> dict[str, str]:
        """Give what the words have gaps for, with the numbers as a language writes them."""
        found = {
            "class_name": self.class_name,
            "only_class": self.only_class or "",
            "share": write(self.share, ".3f"),
            "accuracy": write(self.share + self.difference.value, ".3f"),
            "difference": write(self.difference.value, "+.3f"),
            "low": write(self.difference.low, "+.3f"),
            "high": write(self.difference.high, "+.3f"),
            "first_only": str(self.mcnemar.first_only),
            "second_only": str(self.mcnemar.second_only),
            "p": write_p(self.mcnemar.p_value),
        }
        if self.kappa is not None:
            interval = self.kappa.interval
            ends = {"kappa": interval.value, "kappa_low": interval.low, "kappa_high": interval.high}
            found |= {name: write(value, ".3f") for name, value in ends.items()}
        return found

    def as_json(self) -> dict[str, Any]:
        """Give everything to a program."""
        return {**dataclasses.asdict(self), "verdict": self.verdict, "words": self.describe()}


def against_guess(confusion: Confusion, class_names: Sequence[str]) -> AgainstGuess | None:
    """Hold the answers of a confusion matrix (true, predicted) against guessing; None for a test of one class only."""
    true, said = confusion.sum(1), confusion.sum(0)
    if np.count_nonzero(true) < 2:
        return None
    galaxies, commonest = int(true.sum()), int(true.argmax())
    of_commonest = int(confusion[commonest, commonest])
    first_only = int(np.trace(confusion)) - of_commonest
    second_only = int(true[commonest]) - of_commonest
    names_one = np.count_nonzero(said) == 1
    return AgainstGuess(
        class_name=class_names[commonest],
        share=int(true[commonest]) / galaxies,
        only_class=class_names[int(said.argmax())] if names_one else None,
        difference=paired_difference(first_only, second_only, galaxies),
        mcnemar=mcnemar_of_counts(first_only, second_only),
        kappa=None if names_one else cohens_kappa(confusion.astype(np.float64)),
    )


def guess_warning(guess: AgainstGuess | None) -> str:
    """Say what a reader of a result must be told first; empty where the network is better than guessing."""
    return "" if guess is None or guess.verdict == "better" else guess.describe()
