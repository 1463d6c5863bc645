"""LANGUAGES, and what is written in each of them: numbers, lists, the texts of a figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from kamerton.reporting import english, polish
from kamerton.reporting.axes import write_decimals
from kamerton.reporting.embedding import translate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LANGUAGES: dict[str, ModuleType] = {"en": english, "pl": polish}

SMALLEST_P = 0.001
"""Below this the digits of a p-value mean little."""


def written(value: float, form: str, language: ModuleType) -> str:
    """Write a number as a language does, with a true minus."""
    text = format(value, form).replace("-", "−").replace(",", "\0").replace(".", language.WORDS["decimal"])
    return text.replace("\0", language.WORDS["thousands"])


def in_language(figure: Figure, language: ModuleType) -> Figure:
    """Write a figure's texts and numbers as a language does."""
    translate(figure, language.FIGURE_TEXTS)
    write_decimals(figure, language.WORDS["decimal"])
    return figure


def each_once(cells: Iterable[str]) -> str:
    """Write cells in one, each once."""
    return " / ".join(dict.fromkeys(cells))


@dataclass(frozen=True)
class Speaker:
    """Writes what every part of the page writes, in one language."""

    language: ModuleType

    @property
    def words(self) -> dict[str, str]:
        """The language's short texts, by their keys in the template."""
        return dict(self.language.WORDS)

    def number(self, value: float | None, form: str = ".3f") -> str:
        """Write a number as the language does."""
        if value is None or not np.isfinite(value):
            return self.words["none"]
        return written(value, form, self.language)

    def p_value(self, p: float) -> str:
        """Write a p-value as journals do."""
        return f"< {self.number(SMALLEST_P)}" if p < SMALLEST_P else self.number(p, ".2g")

    def listed(self, names: Sequence[str]) -> str:
        """List names, the last two with the language's word for and between them."""
        return f" {self.words['and']} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def each(self, values: Iterable[object]) -> str:
        """Give a value, or those of an ensemble's members, each once."""
        return each_once(self.words["none"] if value is None else str(value) for value in values)
