"""Which kinds of galaxies networks get wrong more often than the rest: classes, measures of the pictures, columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float64

from kamerton.arrays import ImagesNHWC, Mask, ValuesN
from kamerton.data.sky import GROUP_COLUMN
from kamerton.evaluation.statistics import Interval, holm, wilson_interval
from kamerton.labelling.galaxies import Galaxies

SIGNIFICANT = 0.05
"""Of p-values that Holm's correction has made fit for their number."""

BINS = 4
"""A measure's galaxies are cut into so many equal parts."""

MOST_VALUES = 20
"""A column of text with more values names galaxies, and no groups."""

FEWEST = 10
"""Galaxies of a group that is looked at."""

NO_GROUPS = {"id", "ra", "dec", GROUP_COLUMN}
"""Columns that tell one galaxy from another."""

MEASURES = ("brightness", "size", "sky noise")
"""What is measured in each picture (`measure`)."""

BORDER = 8
"""The frame whose pixels are taken for sky is this part of the side wide."""


@dataclass(frozen=True)
class Group:
    """Galaxies of one kind, and how often networks that have not seen them give them their given label."""

    of: Literal["class", "measure", "column"]
    by: str
    """``class``, one of `MEASURES`, or the name of a column."""
    name: str
    """The class or the value; empty for a bin of numbers."""
    ends: tuple[float, float] | None
    """Of a bin of numbers; None for a class or a value."""
    galaxies: int
    agreement: Interval
    """Share whose given label is the network's answer, Wilson, 95%."""
    issues: int
    """Labels of them that are probably wrong."""
    p_adjusted: float
    """That chance makes them agree so much more seldom than the rest; Fisher's exact test, one-sided, after Holm."""
    has_upper_end: bool = False
    """Whether a bin holds the second of its ends, as the last of a measure does; every bin holds the first."""

    @property
    def is_worse(self) -> bool:
        """Whether the agreement is shown to be lower than that of the rest."""
        return self.p_adjusted < SIGNIFICANT


def find_groups(galaxies: Galaxies, agrees: Mask, is_issue: Mask) -> list[Group]:
    """Measure each kind of galaxies against the rest, whose agreement is that of all others."""
    from scipy.stats import fisher_exact

    kinds = [kind for kind in _kinds(galaxies) if FEWEST <= kind.chosen.sum() < len(galaxies)]
    p_values = []
    for kind in kinds:
        inside, outside = agrees[kind.chosen], agrees[~kind.chosen]
        table = [[inside.sum(), (~inside).sum()], [outside.sum(), (~outside).sum()]]
        p_values.append(float(fisher_exact(table, alternative="less")[1]))
    return [
        Group(
            kind.of,
            kind.by,
            kind.name,
            kind.ends,
            int(kind.chosen.sum()),
            wilson_interval(float(agrees[kind.chosen].mean()), int(kind.chosen.sum())),
            int(is_issue[kind.chosen].sum()),
            p,
            kind.has_upper_end,
        )
        for kind, p in zip(kinds, holm(p_values), strict=True)
    ]


class _Kind(NamedTuple):
    """Which galaxies are of a kind."""

    of: Literal["class", "measure", "column"]
    by: str
    name: str
    ends: tuple[float, float] | None
    chosen: Mask
    has_upper_end: bool = False


def _kinds(galaxies: Galaxies) -> Iterator[_Kind]:
    for number, name in enumerate(galaxies.class_names):
        yield _Kind("class", "class", name, None, galaxies.labels == number)
    for by, values in measure(galaxies).items():
        yield from (_Kind("measure", by, "", *found) for found in _bins(values))
    for by in galaxies.catalogue.colnames:
        column = np.ma.asarray(galaxies.catalogue[by])
        if by in NO_GROUPS or column.ndim != 1:
            continue
        if column.dtype.kind in "fiu":
            values = np.asarray(np.ma.filled(column.astype(np.float64), np.nan))
            yield from (_Kind("column", by, "", *found) for found in _bins(values))
        else:
            yield from (_Kind("column", by, value, None, chosen) for value, chosen in _values(column))


def _values(column: Any) -> Iterator[tuple[str, Mask]]:
    """Give the galaxies of each value of a column of text, where it has few."""
    texts = np.array([str(value).strip() for value in column])
    values = sorted(set(texts.tolist()) - {"", "--"})
    if 1 < len(values) <= MOST_VALUES:
        yield from ((value, texts == value) for value in values)


def _bins(values: ValuesN) -> Iterator[tuple[tuple[float, float], Mask, bool]]:
    """Cut at the quartiles, a value on a cut into the upper bin; the last bin is told. One not known is in no bin."""
    known = np.isfinite(values)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, BINS + 1))) if known.any() else np.empty(0)
    if len(edges) > 2:
        number = np.searchsorted(edges[1:-1], values, side="right")
        for place, (low, high) in enumerate(pairwise(edges.tolist())):
            yield (low, high), known & (number == place), place == len(edges) - 2


def measure(galaxies: Galaxies) -> dict[str, ValuesN]:
    """Measure each picture: brightness, levels above the sky over all pixels; size, pixels; sky noise, levels."""
    found = [measure_pictures(images_nhwc) for _, images_nhwc in galaxies.chunks()]
    return dict(zip(MEASURES, np.concatenate(found).T, strict=True))


def measure_pictures(images_nhwc: ImagesNHWC) -> Float64[np.ndarray, "n 3"]:
    """Give the mean light above the sky, the radius that holds half of it, and the scatter of the sky's pixels.

    The sky is the median of the frame around the picture, and its scatter 1.48 times the median deviation from it.
    """
    light = images_nhwc.astype(np.float64).mean(-1)
    height, width = light.shape[1:]
    frame = np.ones((height, width), bool)
    edge = max(1, height // BORDER)
    frame[edge:-edge, edge:-edge] = False
    sky = np.median(light[:, frame], axis=1)
    noise = 1.4826 * np.median(np.abs(light[:, frame] - sky[:, np.newaxis]), axis=1)
    above = np.clip(light - sky[:, np.newaxis, np.newaxis], 0, None)
    y, x = np.mgrid[:height, :width]
    radius = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2).ravel()
    order = np.argsort(radius, kind="stable")
    sums = above.reshape(len(light), -1)[:, order].cumsum(1)
    half = np.array([np.searchsorted(row, row[-1] / 2) for row in sums], np.int64)
    return np.column_stack([above.mean((1, 2)), radius[order][half], noise])
