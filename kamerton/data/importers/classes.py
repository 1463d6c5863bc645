"""Labels as they come, made class indices and class names: by name, by number, or in an order that was asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kamerton.arrays import Labels
from kamerton.data import galaxy10
from kamerton.data.classes import shown
from kamerton.data.cubes.labels import MAX_CLASSES, default_class_names
from kamerton.data.lists import row_of
from kamerton.errors import DataError, UsageError, warn
from kamerton.plurals import counted

WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
UNKNOWN = {"nan", "none", "null", "na", "n/a", "<na>"}
"""What other programs write where they know no value."""


@dataclass(frozen=True)
class Classes:
    """One class index a galaxy, and the names of the classes."""

    labels: Labels
    names: tuple[str, ...]
    numbers: dict[str, int] = field(default_factory=dict)
    """Which number each class was, where numbers were given names."""


def classes_from_texts(source: str, column: str, texts: Sequence[str], wanted: Sequence[str] | None) -> Classes:
    """Take a column of whole numbers as class indices, ``3.0`` among them, and all else as names (DataError)."""
    is_number = [NUMBER.fullmatch(text) is not None for text in texts]
    unknown = [text.casefold() in UNKNOWN for text in texts]
    if any(is_number) and all(map(max, is_number, unknown)):
        return classes_from_numbers(
            source, [_whole(source, column, row, text) for row, text in enumerate(texts)], wanted
        )
    if any(unknown):
        row = unknown.index(True)
        warn(
            f"{row_of(source, row)}: {texts[row]!r} is taken for a class",
            next_step="filter the rows without a label out",
        )
    if any(is_number):
        row = is_number.index(True)
        warn(
            f"{row_of(source, row)}: {texts[row]!r} is taken for a name, since not all labels are numbers",
            next_step="write numbers or names only",
        )
    return classes_from_names(source, texts, wanted)


def _whole(source: str, column: str, row: int, text: str) -> int:
    """Read a whole number, however it is written; DataError names the row."""
    value = float(text) if NUMBER.fullmatch(text) and "," not in text else float("nan")
    if not value.is_integer():
        raise DataError(
            f"{row_of(source, row)}: {column!r} is not a class index",
            received=text,
            allowed=f"whole numbers from 0 to {MAX_CLASSES - 1}, or names",
            next_step="name the right column with --label-column, or sort the numbers into classes",
        )
    # 18 digits would not survive as a float.
    return int(text.split(".", maxsplit=1)[0]) if WHOLE.fullmatch(text) else int(value)


def classes_from_numbers(source: str, numbers: Sequence[int], wanted: Sequence[str] | None) -> Classes:
    """Take numbers as class indices; ``wanted`` names them in ascending order."""
    if wanted is not None:
        return _named_numbers(source, numbers, tuple(wanted))
    for row, number in enumerate(numbers):
        if not 0 <= number < MAX_CLASSES:
            raise DataError(
                f"{row_of(source, row)}: not a class index",
                received=number,
                allowed=f"0 to {MAX_CLASSES - 1}, or names",
                next_step="name the numbers in ascending order with --classes, or filter these rows out",
            )
    return Classes(np.array(numbers, np.int64), default_class_names(max(numbers) + 1))


def _named_numbers(source: str, numbers: Sequence[int], names: tuple[str, ...]) -> Classes:
    """Give the numbers that occur, or all from 0, names in ascending order, where only one of both is possible."""
    found = sorted(set(numbers))
    if len(names) != len(found):
        if not (found[0] == 0 and found[-1] < len(names)):
            raise UsageError(
                f"{source}: {len(names)} names for {len(found)} numbers",
                received=f"{', '.join(names)} for {shown(map(str, found))}",
                allowed="one name for each number that occurs, in ascending order",
                next_step="name the same number of classes with --classes",
            )
        found = list(range(len(names)))
    index = {number: place for place, number in enumerate(found)}
    return Classes(
        np.array([index[number] for number in numbers], np.int64), names, dict(zip(names, found, strict=True))
    )


def classes_from_names(source: str, texts: Sequence[str], wanted: Sequence[str] | None) -> Classes:
    """Number classes by name, in the order of ``wanted``.

    By default in Galaxy10's order, all ten, where every name is one of Galaxy10's; else by number or alphabet.
    """
    known = set(texts)
    if wanted is not None and not known <= set(wanted):
        if all(map(WHOLE.fullmatch, known)):
            return classes_from_numbers(source, [int(text.split(".")[0]) for text in texts], wanted)
        strange = sorted(known - set(wanted))
        raise UsageError(
            f"{source}: {counted(len(strange), 'name')} of {len(known)} among the labels that no class has",
            received=shown(map(repr, strange)),
            allowed=", ".join(wanted),
            next_step="name every label with --classes, or filter these galaxies out",
        )
    names = tuple(wanted) if wanted is not None else _usual_order(known)
    if len(names) > MAX_CLASSES:
        raise DataError(
            f"{source}: too many classes",
            received=f"{len(names)} different labels of {len(texts)} galaxies, such as {shown(map(repr, names[:3]))}",
            allowed=f"{MAX_CLASSES} at most",
            next_step="name the right column with --label-column",
        )
    index = {name: number for number, name in enumerate(names)}
    return Classes(np.array([index[text] for text in texts], np.int64), names)


def _usual_order(names: set[str]) -> tuple[str, ...]:
    if names <= set(galaxy10.CLASS_NAMES):
        return galaxy10.CLASS_NAMES
    if all(re.fullmatch(r"\d{1,18}", name) for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def classes_in_order(
    source: str, labels: Labels, names: tuple[str, ...] | None, wanted: Sequence[str] | None
) -> Classes:
    """Put a file's classes in the order of ``wanted``; ``names`` are its own, None where it has only indices."""
    own = names or default_class_names(int(labels.max()) + 1)
    if wanted is None:
        return Classes(labels, own)
    if own == default_class_names(len(own)):
        return classes_from_numbers(source, labels.tolist(), wanted)
    return classes_from_names(source, [own[label] for label in labels], wanted)


def check_class_names(source: str, names: Sequence[str]) -> None:
    """Refuse a class name that cannot be seen as it is (DataError)."""
    for name in names:
        if not (name and name == name.strip() and name.isprintable()):
            raise DataError(
                f"{source}: the class name {name!r} cannot be shown as it is",
                allowed="any letters and signs, without blanks at the ends",
                next_step="rename the class",
            )
