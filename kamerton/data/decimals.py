"""Decimal commas, as spreadsheets write them where a comma does not part the cells: in Polish, `187,7059`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from kamerton.errors import warn

EXPONENT = r"([eE][+-]?\d+)?"
NUMBER = re.compile(rf"[+-]?[\d.,]*\d[\d.,]*{EXPONENT}")
"""Whatever may be meant as a number."""
WITH_COMMA = re.compile(rf"[+-]?(\d+(,\d*)?|,\d+){EXPONENT}")
WITH_POINT = re.compile(rf"[+-]?(\d+(\.\d*)?|\.\d+){EXPONENT}")
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
"""Thousands, as English writes them; they are decimals as well."""
UNKNOWN = {"", "nan"}


def with_points(where: str, columns: Mapping[str, list[str]], as_text: Collection[str]) -> dict[str, list[str]]:
    """Read commas in numbers as decimal commas, and say so; ``as_text`` names columns that hold no numbers.

    Columns stay as they are, which is said too, where commas and points stand side by side.
    """
    values = {name: [cell.strip() for cell in cells] for name, cells in columns.items() if name not in as_text}
    numbers = {name: known for name, cells in values.items() if (known := _numbers(cells))}
    commas = {name: cells for name, cells in numbers.items() if any("," in cell for cell in cells)}
    if not commas:
        return dict(columns)
    points = [name for name, cells in numbers.items() if any("." in cell for cell in cells)]
    plain = all(WITH_COMMA.fullmatch(cell) for cells in commas.values() for cell in cells)
    if points or not plain:
        _say_mixed(where, commas, points)
        return dict(columns)
    _say_read(where, commas)
    return {name: _pointed(cells) if name in commas else cells for name, cells in columns.items()}


def _numbers(cells: Sequence[str]) -> list[str]:
    """Give the cells that say something, where all of them may be numbers; else none."""
    known = [cell for cell in cells if cell.lower() not in UNKNOWN]
    plain = all(NUMBER.fullmatch(cell) for cell in known)
    # A day, 26.11.2026, is none, and so is a list, 3,4,5.
    one = all(WITH_COMMA.fullmatch(cell) or WITH_POINT.fullmatch(cell) or {",", "."} <= set(cell) for cell in known)
    return known if plain and one else []


def _pointed(cells: Sequence[str]) -> list[str]:
    return [cell.replace(",", ".") for cell in cells]


def _say_read(where: str, commas: Mapping[str, Sequence[str]]) -> None:
    examples = [next(cell for cell in cells if "," in cell) for cells in commas.values()]
    read = "; ".join(
        f"{name}: {cell!r} as {cell.replace(',', '.')}" for name, cell in zip(commas, examples, strict=True)
    )
    doubtful = [name for name, cells in commas.items() if all(GROUPED.fullmatch(cell) for cell in cells if "," in cell)]
    doubtful = [name for name in doubtful if name not in {"ra", "dec"}]
    warn(
        f"{where}: commas in numbers are read as decimal commas",
        received=read,
        next_step=f"if {' and '.join(doubtful)} has thousands, write them without a comma" if doubtful else None,
    )


def _say_mixed(where: str, commas: Mapping[str, Sequence[str]], points: Sequence[str]) -> None:
    examples = [f"{name}: {next(cell for cell in cells if ',' in cell)!r}" for name, cells in commas.items()]
    others = ", ".join(points)
    warn(
        f"{where}: columns whose commas may be decimal or of thousands stay text",
        received=f"{'; '.join(examples)}{f', and points in {others}' if others else ''}",
        allowed="commas as decimal commas, or points, and not both in one list",
        next_step="write all numbers with points",
    )
