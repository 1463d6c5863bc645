"""Lists of what people decided about galaxies, line after line: whose word counts, and what is no class.

A line is never taken back: who thinks better of it writes another one, and an empty label undoes what the same person
said before. So a list with a column ``when`` may name a galaxy again; others may not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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

    @property
    def counting(self) -> tuple[int, ...]:
        """All lines that count, unsure ones too."""
        return self.rows + self.unsure


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
    say_out_of_time(source, columns, label_column, found)
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
        warn(
            f"{source}: {counted(len(found.disputed), 'galaxy')} that two people put in different classes; "
            "the later of them counts",
            received=_some(found.disputed),
            next_step="look at these together, and decide again",
        )
    return found.rows


def say_out_of_time(source: Path, columns: Mapping[str, list[str]], label_column: str, found: LastWords) -> None:
    """Say of which galaxies another word is the latest than the one that counts, as in a list that was sorted anew.

    The order of the lines counts all the same: the clocks of two machines differ, and then times tell another one.
    """
    order = _in_time(columns[WHEN])
    ids, labels = ([columns[name][row] for row in order] for name in (ID, label_column))
    who = [columns[WHO][row] for row in order] if WHO in columns else None
    latest = {order[place] for place in last_words(ids, labels, who).counting}
    names = tuple(dict.fromkeys(columns[ID][row].strip() for row in sorted(latest ^ set(found.counting))))
    if names:
        warn(
            f"{source}: the last line about {counted(len(names), 'galaxy')} is not the latest",
            received=_some(names),
            allowed="lines in the order in which they were written, whose last one counts",
            next_step="sort the lines by their column when, if they were sorted otherwise",
        )


def _in_time(when: Sequence[str]) -> Sequence[int]:
    """Give the rows in the order of their times; in their own where a time cannot be read."""
    try:
        times = [_time(text.strip()) for text in when]
    except ValueError:
        return range(len(when))
    return sorted(range(len(when)), key=times.__getitem__)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(map(repr, names[:NAMES_SHOWN])) + more
