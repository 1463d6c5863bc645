"""Lists of what people decided about galaxies, line after line: whose word counts, and what is no class.

A line is never taken back: who thinks better of it writes another one, and an empty label undoes what the same person
said before. So a list with a column ``when`` may name a galaxy again; others may not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kamerton.data.classes import NAMES_SHOWN
from kamerton.errors import warn
from kamerton.plurals import counted

ID, LABEL, WHO, WHEN, SECONDS = "id", "label", "who", "when", "seconds"
DECISION_COLUMNS = (ID, LABEL, WHO, WHEN, SECONDS)
"""Of ``decisions.csv``: the galaxy, the name of a class, who decided, when (ISO 8601, UTC), and after how long."""

UNDONE = ""
"""The label of a line that undoes what the same person said of the galaxy before."""

UNSURE = "unsure"
"""The label of a galaxy that was looked at in vain, unless a class is called so."""


@dataclass(frozen=True)
class LastWords:
    """Which lines of a list count: of each person the last about a galaxy, and of several people the last of these."""

    rows: tuple[int, ...]
    """Those with a class, in the order of the list."""
    unsure: tuple[int, ...]
    """Those whose word is that they do not know."""
    undone: int
    """Galaxies whose every decision was undone."""
    again: int
    """Galaxies of which a later line counts, and not the first."""
    disputed: tuple[str, ...]
    """Galaxies that two people put in different classes."""


def is_history(columns: Collection[str], label_column: str = LABEL) -> bool:
    """Tell a list of decisions in the order in which they were made, by its columns."""
    return {ID, label_column, WHEN} <= set(columns)


def last_words(
    ids: Sequence[str], labels: Sequence[str], who: Sequence[str] | None, class_names: Collection[str] = ()
) -> LastWords:
    """Find the lines that count; blanks around ids, labels and names do not matter."""
    words: dict[str, dict[str, int]] = {}
    lines: dict[str, int] = {}
    for row, name in enumerate(ids):
        # Taken out and put back, for the last to speak comes last.
        people = words.setdefault(name.strip(), {})
        person = "" if who is None else who[row].strip()
        people.pop(person, None)
        people[person] = row
        lines[name.strip()] = lines.get(name.strip(), 0) + 1
    said = {name: [row for row in people.values() if labels[row].strip()] for name, people in words.items()}
    counting = {name: rows[-1] for name, rows in said.items() if rows}
    unsure = {row for row in counting.values() if is_unsure(labels[row].strip(), class_names)}
    return LastWords(
        tuple(sorted(set(counting.values()) - unsure)),
        tuple(sorted(unsure)),
        len(words) - len(counting),
        sum(lines[name] > 1 for name in counting),
        tuple(name for name, rows in said.items() if _differ([labels[row].strip() for row in rows], class_names)),
    )


def is_unsure(label: str, class_names: Collection[str]) -> bool:
    """Whether a label says that the class could not be told."""
    return label == UNSURE and UNSURE not in class_names


def _differ(labels: Sequence[str], class_names: Collection[str]) -> bool:
    return len({label for label in labels if not is_unsure(label, class_names)}) > 1


def kept_decisions(
    source: Path, columns: Mapping[str, list[str]], label_column: str, class_names: Collection[str] = ()
) -> tuple[int, ...]:
    """Give the rows of a history of decisions that count, and say what was left out or outvoted."""
    found = last_words(columns[ID], columns[label_column], columns.get(WHO), class_names)
    parts = [
        f"{counted(found.again, 'galaxy')} decided more than once" if found.again else "",
        f"{len(found.unsure)} unsure, left out" if found.unsure else "",
        f"{found.undone} undone, left out" if found.undone else "",
    ]
    if any(parts):
        warn(
            f"{source}: the last word counts",
            received=f"{counted(len(columns[ID]), 'line')}, {counted(len(found.rows), 'galaxy')} with a class; "
            + ", ".join(part for part in parts if part),
            next_step="nothing, if they were decided so",
        )
    if found.disputed:
        more = f" and {len(found.disputed) - NAMES_SHOWN} more" if len(found.disputed) > NAMES_SHOWN else ""
        warn(
            f"{source}: {counted(len(found.disputed), 'galaxy')} that two people put in different classes; "
            "the later of them counts",
            received=", ".join(map(repr, found.disputed[:NAMES_SHOWN])) + more,
            next_step="look at these together, and decide again",
        )
    return found.rows
