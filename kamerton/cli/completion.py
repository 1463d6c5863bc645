"""Names that a shell completes, found without anything heavy."""

from __future__ import annotations

from collections.abc import Callable

from kamerton.formats.exporting import EXPORTS
from kamerton.networks.table import counted_names
from kamerton.recipes import recipe_names

Completion = Callable[[str], list[str]]


def networks(begun: str) -> list[str]:
    """Give the networks whose names begin so."""
    return _beginning(begun, counted_names())


def recipes(begun: str) -> list[str]:
    """Give the recipes whose names begin so."""
    return _beginning(begun, recipe_names())


def formats(begun: str) -> list[str]:
    """Give the formats of exports whose names begin so."""
    return _beginning(begun, list(EXPORTS))


def many_networks(begun: str) -> list[str]:
    """Complete the last name of a list with commas."""
    before, comma, last = begun.rpartition(",")
    return [before + comma + name for name in networks(last) if name not in before.split(",")]


def _beginning(begun: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(begun)]


OF_SETTINGS: dict[str, Completion] = {"recipe": recipes, "networks": many_networks}
"""By the setting that an option is made of."""
