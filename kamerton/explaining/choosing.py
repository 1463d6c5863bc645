"""Which galaxies are explained: those that are named, or those that tell the most of each class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kamerton.arrays import Float32N, Labels, Mask, Probabilities, Rows
from kamerton.checks import several
from kamerton.errors import UnknownNameError, UsageError

MOST_GALAXIES = 500
"""Explained at once; each has a picture and a file."""

NAMED_SHOWN = 30
"""Galaxies in a gallery of those that somebody asked for; each has a picture of its own."""

SPAN = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")

UNKNOWN = -1
"""The label of a galaxy whose class nobody has told."""


@dataclass(frozen=True)
class Gallery:
    """The galaxies that tell the most of one class, by their place among those that were looked at."""

    class_number: int
    surest: tuple[int, ...]
    least_sure: tuple[int, ...]
    wrong: tuple[int, ...]
    """Of other classes in truth, the surest first; none where no labels are known."""
    named: tuple[int, ...] = ()
    """Those that somebody asked for, in their order; then there are none of the other kinds."""

    @property
    def galaxies(self) -> tuple[int, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys(self.named + self.surest + self.least_sure + self.wrong))


def wanted_rows(rows: str | int | Iterable[int] | None) -> tuple[int, ...] | None:
    """Read rows as they are typed, ``0,5,10-20`` with both ends, or take numbers; UsageError for anything else."""
    if rows is None:
        return None
    found = _spans(rows) if isinstance(rows, str) else tuple(map(_row, several(rows, int)))
    found = tuple(dict.fromkeys(found))
    if not 1 <= len(found) <= MOST_GALAXIES:
        raise UsageError(
            "No rows were named" if not found else "Too many rows to explain at once",
            received=f"{len(found)} rows",
            allowed=f"1 to {MOST_GALAXIES}",
            next_step="name the galaxies that you want to look at",
        )
    return found


def _spans(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for word in text.split(","):
        match = SPAN.fullmatch(word.strip())
        first, last = (0, -1) if match is None else (int(match[1]), int(match[2] or match[1]))
        if last < first:
            raise _not_rows(text)
        if last - first >= MOST_GALAXIES:
            raise UsageError(
                "Too many rows to explain at once",
                received=word.strip(),
                allowed=f"1 to {MOST_GALAXIES}",
                next_step="name the galaxies that you want to look at",
            )
        found += range(first, last + 1)
    return tuple(found)


def _row(row: object) -> int:
    if not isinstance(row, int | np.integer) or isinstance(row, bool) or row < 0:
        raise _not_rows(row)
    return int(row)


def _not_rows(received: object) -> UsageError:
    return UsageError(
        "Bad value for rows",
        received=repr(received),
        allowed="rows counted from 0, as 0,5,10-20",
        next_step="change rows",
    )


def class_number(name: str | None, class_names: Sequence[str]) -> int | None:
    """Find a class by its name; UnknownNameError lists those of the run."""
    if name is None:
        return None
    if name not in class_names:
        raise UnknownNameError("class name", name, class_names)
    return list(class_names).index(name)


def choose_galleries(
    probabilities: Probabilities, labels: Labels, count: int, only: int | None = None
) -> list[Gallery]:
    """Choose, for each class that is said of any galaxy, the surest, the least sure and the wrong ones.

    ``labels`` are `UNKNOWN` where nobody knows; a row of ``probabilities`` that could not be read is NaN. Of the class
    ``only`` alone, the surest are those with its highest probability, whatever else is said of them.
    """
    read = ~np.isnan(probabilities[:, 0])
    said = np.where(read, np.nan_to_num(probabilities).argmax(1), UNKNOWN)
    if only is not None:
        return [_gallery(only, probabilities[:, only], said == only, read, labels, count)]
    told = [said == number for number in range(probabilities.shape[1])]
    return [
        _gallery(n, probabilities[:, n], told[n], told[n], labels, count) for n in range(len(told)) if told[n].any()
    ]


def named_galleries(probabilities: Probabilities, only: int | None = None) -> list[Gallery]:
    """Show galaxies that somebody asked for, each in the gallery of its predicted class, or all in that of ``only``.

    At most `NAMED_SHOWN` of each; those that could not be read are NaN in ``probabilities``, and in none.
    """
    read = np.flatnonzero(~np.isnan(probabilities[:, 0]))
    shown = probabilities[read].argmax(1) if only is None else np.full(len(read), only)
    return [
        Gallery(int(number), (), (), (), tuple(read[shown == number][:NAMED_SHOWN].tolist()))
        for number in np.unique(shown)
    ]


def _gallery(number: int, sure: Float32N, of_class: Mask, likely: Mask, labels: Labels, count: int) -> Gallery:
    """Choose from those that are said to be of the class, and the surest from the likely ones."""
    falling = np.argsort(-np.nan_to_num(sure, nan=-1), kind="stable")
    surest = _first(falling, likely, count)
    wrong = _first(falling, of_class & (labels != UNKNOWN) & (labels != number), count)
    shown = np.isin(np.arange(len(sure)), (*surest, *wrong))
    return Gallery(number, surest, _first(falling[::-1], of_class & ~shown, count), wrong)


def _first(order: Rows, those: Mask, count: int) -> tuple[int, ...]:
    return tuple(int(row) for row in order[those[order]][:count])
