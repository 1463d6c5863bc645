"""Numbers along the axes of a figure, as a language writes them; the locale of the machine has no part in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, LogFormatter, ScalarFormatter


class LanguageFormatter(Formatter):
    """What another formatter writes, with a language's decimal sign."""

    def __init__(self, plain: Formatter, decimal: str) -> None:
        self.plain, self.decimal = plain, decimal

    def set_axis(self, axis: Any) -> None:
        """Follow an axis."""
        super().set_axis(axis)
        self.plain.set_axis(axis)

    def set_locs(self, locs: Any) -> None:
        """Take the places of all ticks, which decide how many digits are shown."""
        self.plain.set_locs(locs)

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Write one tick."""
        return self.written(self.plain(x, pos))

    def format_ticks(self, values: Any) -> list[str]:
        """Write all ticks of an axis."""
        return [self.written(text) for text in self.plain.format_ticks(values)]

    def get_offset(self) -> str:
        """Write what stands at the end of an axis, such as a power of ten."""
        return self.written(self.plain.get_offset())

    def written(self, text: str) -> str:
        """Write a number otherwise, also within a formula, where a bare comma would be followed by a gap."""
        return text.replace(".", f"{{{self.decimal}}}" if "$" in text else self.decimal)


def write_decimals(figure: Figure, decimal: str) -> None:
    """Let every axis of numbers write them with this decimal sign; names of classes stay."""
    axes: Sequence[Axis] = [axis for one in figure.axes for axis in (one.xaxis, one.yaxis)]
    for axis in axes:
        if isinstance(major := axis.get_major_formatter(), (ScalarFormatter, LogFormatter)):
            axis.set_major_formatter(LanguageFormatter(major, decimal))
        if isinstance(minor := axis.get_minor_formatter(), (ScalarFormatter, LogFormatter)):
            axis.set_minor_formatter(LanguageFormatter(minor, decimal))
