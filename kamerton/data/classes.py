"""Classes that may be meant otherwise than they stand, said at import, split and training."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from kamerton.arrays import Labels
from kamerton.errors import warn

FEWEST_GALAXIES = 3
"""Of a class that is to be in train, valid and test."""

NAMES_SHOWN = 10


def warn_of_classes(where: str, labels: Labels, class_names: Sequence[str]) -> None:
    """Warn of classes without galaxies, with too few for three splits, and with names that look alike."""
    counts = dict(zip(class_names, np.bincount(labels, minlength=len(class_names)).tolist(), strict=True))
    warn_of_empty(where, counts)
    few = {name: count for name, count in counts.items() if 0 < count < FEWEST_GALAXIES}
    if few:
        listed = shown(f"{name} {count}" for name, count in few.items())
        warn(
            f"{where}: classes of fewer than {FEWEST_GALAXIES} galaxies cannot be in train, valid and test",
            received=f"{len(few)} of {len(counts)} classes: {listed}",
            next_step="add galaxies, join these classes with others, or check that the labels are the right column",
        )
    warn_of_look_alikes(where, class_names)


def warn_of_empty(where: str, counts: Mapping[str, int]) -> None:
    """Warn of classes without any galaxy, as labels make that count from 1; ``counts`` by class."""
    names = list(counts)
    empty = [name for name in names if not counts[name]]
    if empty:
        first = len(empty) if empty == names[: len(empty)] else 0
        from_one = f"; do the labels count from {first}?" if first else ""
        warn(
            f"{where}: a network gets an output for each of {len(counts)} classes, but {_none_of(empty)}{from_one}",
            next_step="`kamerton data import` with --classes and the names of those that are meant, in their order",
        )


def warn_of_look_alikes(where: str, class_names: Iterable[str]) -> None:
    """Warn of names that differ only in capitals, blanks and the like."""
    alike: dict[str, list[str]] = {}
    for name in class_names:
        alike.setdefault(_folded(name), []).append(name)
    for names in alike.values():
        if len(names) > 1:
            warn(
                f"{where}: {' and '.join(map(repr, names))} are {len(names)} classes",
                next_step="if one class is meant, give it one name",
            )


def warn_of_missing(where: str, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Warn of classes that one of the splits lacks and another one has; ``counts`` by split and class."""
    known = {name for of_class in counts.values() for name, count in of_class.items() if count}
    for split, of_class in counts.items():
        missing = [name for name, count in of_class.items() if not count and name in known]
        if missing:
            what = "learns to tell them" if split == "train" else f"is tested on them in {split}"
            warn(
                f"{where}: {_none_of(missing)} in {split}, so no network {what}",
                next_step="add galaxies of these classes, or join them with others",
            )


def shown(names: Iterable[str]) -> str:
    """List names for a reader, not all where there are many."""
    given = list(names)
    more = f" and {len(given) - NAMES_SHOWN} more" if len(given) > NAMES_SHOWN else ""
    return ", ".join(given[:NAMES_SHOWN]) + more


def _none_of(names: Sequence[str]) -> str:
    return f"there is no galaxy of {shown(map(repr, names))}"


def _folded(name: str) -> str:
    """Write names that a person takes for one as one."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace("_", " ").replace("-", " ").split())
