"""Which galaxies of a catalogue are looked through, and in what order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kamerton.checks import Settings, require
from kamerton.config.neighbours import NextSettings

PAGE_GALAXIES = 48
"""Galaxies on a page: whole rows of 2, 3, 4, 6 or 8."""

NO_CLASS = "-"
"""In the place of a class: galaxies that could not be read."""


@dataclass(frozen=True)
class Wanted(Settings):
    """Which galaxies are shown, and in what order; the default is all, as in the catalogue."""

    predicted: str = ""
    """Name of the class that the network gives; nothing for all, - for those that could not be read."""
    at_least: float | None = None
    """Probability of that class."""
    at_most: float | None = None
    """Probability of that class."""
    smallest_set: int | None = None
    """Classes in the set of likely ones."""
    largest_set: int | None = None
    """Classes in the set of likely ones."""
    unlike: Literal["", "no", "yes"] = ""
    """Whether the galaxy is unlike all that the network learned from."""
    decided: Literal["", "no", "yes", "unsure", "disputed"] = ""
    """Whether somebody has decided about it, could not, or two people in different ways."""
    order: str = ""
    """Name of a column, probability, margin, or next; nothing for the catalogue's own."""
    descending: bool = False
    """The largest first."""
    count: int | None = None
    """Galaxies that next chooses; None for as many as usual."""

    def check(self) -> None:
        for name in ("at_least", "at_most"):
            value = getattr(self, name)
            require(value is None or 0 <= value <= 1, name, value, "a probability from 0 to 1")
        for name in ("smallest_set", "largest_set"):
            value = getattr(self, name)
            require(value is None or 0 <= value <= 1000, name, value, "a number of classes from 0 to 1000")
        if self.count is not None:
            NextSettings(count=self.count)

    @property
    def is_all(self) -> bool:
        """Whether it is the catalogue as it is."""
        return self == Wanted(count=self.count)

    def of_all(self) -> Wanted:
        """Give what wants all galaxies, as they are in the catalogue."""
        return Wanted(count=self.count)
