"""What was found, in words, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from kamerton.errors import UnknownNameError
from kamerton.evaluation.statistics import Interval
from kamerton.labelling import english, polish
from kamerton.labelling.findings import Findings
from kamerton.labelling.groups import Group

Words = Mapping[str, str]

LANGUAGES: Mapping[str, ModuleType] = {"en": english, "pl": polish}

PAIRS_TOLD, GROUPS_TOLD = 3, 5
"""In words; the page has all."""

MANY_WRONG = 0.2
"""Share of labels from which on a reader is told that the networks may be what is wrong."""


def find_language(lang: str) -> Words:
    """Give the words of a language; UnknownNameError lists the known ones."""
    if lang not in LANGUAGES:
        raise UnknownNameError("language", lang, LANGUAGES)
    words: Words = LANGUAGES[lang].WORDS
    return words


def cautions(found: Findings, words: Words) -> list[str]:
    """Say what must be known before anything else."""
    said = []
    if found.guess is not None and found.guess.is_guessing:
        said.append(words["guessing"])
    elif found.count > MANY_WRONG * len(found.galaxies):
        said.append(words["many"].format(share=percent(found.count / len(found.galaxies), words)))
    if any(metrics.leakage.status != "none" for metrics in found.judged.metrics):
        said.append(words["leaked"])
    return said


def sentences(found: Findings, words: Words) -> list[str]:
    """Say what was found, what matters most first."""
    galaxies, judged = found.galaxies, found.judged
    said = [
        words["wrong"].format(
            count=found.count,
            galaxies=len(galaxies),
            share=percent(found.count / len(galaxies), words),
        )
    ]
    if found.pairs:
        ways = [words["way"].format(**pair._asdict()) for pair in found.pairs[:PAIRS_TOLD]]
        said.append(words["ways"].format(ways="; ".join(ways)))
    said.append(
        words["judged"].format(
            folds=len(judged.runs),
            network=judged.runs[0].record.network,
            agreement=with_ends(found.agreement, words),
        )
    )
    worse = [f"{group_name(group, words)} {with_ends(group.agreement, words)}" for group in found.worse_groups]
    more = words["more"].format(count=len(worse) - GROUPS_TOLD) if len(worse) > GROUPS_TOLD else ""
    said.append(words["worse"].format(groups="; ".join(worse[:GROUPS_TOLD]) + more) if worse else words["none worse"])
    if found.alike:
        said.append(words["alike"].format(pairs=len(found.alike), contradictions=len(found.contradictions)))
    if galaxies.sealed is not None:
        said.append(words["sealed"].format(path=galaxies.sealed))
    return said


def group_name(group: Group, words: Words) -> str:
    """Name a kind of galaxies: ``class Spiral``, ``sky noise 1.5 to below 2.3``, ``size 9 to 12`` for the last bin."""
    by = words["column"].format(name=group.by) if group.of == "column" else words[f"by {group.by}"]
    name = group.name
    if group.ends is not None:
        low, high = (f"{end:.3g}".replace(".", words["decimal"]) for end in group.ends)
        name = words["to" if group.has_upper_end else "to below"].format(low=low, high=high)
    return f"{by} {name}"


def with_ends(interval: Interval, words: Words) -> str:
    """Write a share with its interval, in percent."""
    value, low, high = (percent(share, words) for share in (interval.value, interval.low, interval.high))
    return f"{value} ({low}–{high})"


def percent(share: float, words: Words) -> str:
    """Write a share as a language does."""
    return words["percent"].format(percent=f"{100 * share:.1f}".replace(".", words["decimal"]))
