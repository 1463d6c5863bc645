"""What an address of the part asks for: which galaxies, in what order, by whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from kamerton.config.browsing import Wanted
from kamerton.errors import UsageError

NAMES = {
    "class": "predicted",
    "pmin": "at_least",
    "pmax": "at_most",
    "smin": "smallest_set",
    "smax": "largest_set",
    "unlike": "unlike",
    "decided": "decided",
    "sort": "order",
    "down": "descending",
    "count": "count",
}
"""Of a parameter, the field of `Wanted`."""

NUMBERS: dict[str, type[float] | type[int]] = {"pmin": float, "pmax": float, "smin": int, "smax": int, "count": int}

MOST_LETTERS = 2000
"""Of a value; longer ones are names of nothing."""


@dataclass(frozen=True)
class View:
    """A catalogue as somebody looks at it."""

    name: str
    wanted: Wanted = field(default_factory=Wanted)
    who: str = ""
    blind: bool = False
    """Whether what the network says is hidden."""
    page: int = 1
    at: int | None = None
    """Place among the wanted galaxies, from 0."""
    row: int | None = None
    """In the catalogue, from 0."""

    def with_(self, **changes: Any) -> View:
        """Give another view."""
        return dataclasses.replace(self, **changes)

    def wanting(self, **changes: Any) -> View:
        """Give one of other galaxies, from the first page."""
        return self.with_(wanted=dataclasses.replace(self.wanted, **changes), page=1, at=None, row=None)

    def parameters(self) -> dict[str, str]:
        """Give what is not as always, by the names that it has in an address."""
        plain = Wanted()
        found = {"c": self.name}
        for name, attribute in NAMES.items():
            value = getattr(self.wanted, attribute)
            if value != getattr(plain, attribute):
                found[name] = "1" if value is True else str(value)
        others = {"who": self.who, "blind": "1" if self.blind else "", "page": str(self.page) if self.page > 1 else ""}
        others |= {name: "" if value is None else str(value) for name, value in (("at", self.at), ("row", self.row))}
        return found | {name: text for name, text in others.items() if text}

    def address(self, path: str, **more: str) -> str:
        """Write it as an address."""
        return f"{path}?{urlencode(self.parameters() | more)}"

    def picture(self, home: str, row: int, size: str, stamp: str) -> str:
        """Write the address of a galaxy's picture, which is another one for another state of the catalogue."""
        return f"{home}/picture?{urlencode({'c': self.name, 'row': row, 'size': size, 'v': stamp})}"


def view_of(given: Mapping[str, str]) -> View:
    """Read it from the parameters of an address or a form; UsageError for numbers and words that are none."""
    values: dict[str, Any] = {}
    for name, attribute in NAMES.items():
        text = given.get(name, "").strip()[:MOST_LETTERS]
        if text:
            values[attribute] = _number(name, text) if name in NUMBERS else text
    values["descending"] = given.get("down") == "1"
    return View(
        given.get("c", ""),
        Wanted(**values),
        given.get("who", "").strip(),
        given.get("blind") == "1",
        max(1, _whole("page", given.get("page", "")) or 1),
        _whole("at", given.get("at", "")),
        _whole("row", given.get("row", "")),
    )


def _number(name: str, text: str) -> float | int:
    try:
        return NUMBERS[name](text.replace(",", "."))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{name} is no number", received=repr(text), next_step="give a number, or nothing") from error


def _whole(name: str, text: str) -> int | None:
    if not text.strip():
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise UsageError(f"{name} is no whole number", received=repr(text[:60]), next_step="follow a link of the page")
    return int(text)
