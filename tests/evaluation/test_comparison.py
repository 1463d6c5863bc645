"""Networks side by side: what is said of what was found."""

from __future__ import annotations

import pytest

from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison import Difference
from kamerton.evaluation.statistics import METRICS, Interval, McNemar
from kamerton.runs.folder import Run
from tests.evaluation.changing import change_metrics
from tests.evaluation.compared import RESAMPLES


@pytest.mark.parametrize(
    ("low", "p", "corrected", "comparisons", "says"),
    [
        (0.01, 0.01, 0.03, 3, None),
        (-0.01, 0.2, 0.2, 1, "the interval holds 0, and p is not below 0.05"),
        (-0.01, 0.04, 0.12, 3, "the interval holds 0, and the corrected p is not below 0.05"),
        (0.01, 0.2, 0.2, 1, "the interval excludes 0, but p is not below 0.05"),
        (0.01, 0.06, 0.18, 3, "the interval excludes 0, but the corrected p is not below 0.05"),
        (
            0.01,
            0.03,
            0.18,
            6,
            "the interval excludes 0, but among 6 comparisons so small a p easily comes",
        ),
        (-0.01, 0.01, 0.03, 3, "the corrected p is below 0.05, but the interval holds 0"),
    ],
)
def test_it_is_said_why_no_difference_counts_as_shown(
    low: float, p: float, corrected: float, comparisons: int, says: str | None
) -> None:
    metrics = dict.fromkeys(METRICS, Interval(0.05, low, 0.1))
    difference = Difference("a", "b", metrics, McNemar(30, 14, p), corrected, comparisons)
    assert difference.shown == (says is None)
    text = difference.describe()
    assert f"McNemar 30 : 14, p = {p:.2g}" in text
    assert (f"and {corrected:.2g} after Holm's correction for {comparisons} comparisons" in text) == (comparisons > 1)
    assert text.startswith("a is better than b: " if says is None else "no difference shown between a and b: ")
    assert says is None or f"; {says}" in text


def test_leakage_is_said_first(copies: list[Run]) -> None:
    change_metrics(copies[0], leakage={"status": "found", "seen": {"train": 3, "valid": 0}})
    found = compare(copies, resamples=RESAMPLES)
    assert found.describe()[0] == "WARNING: lenet5-seed0: NOT A TEST: of 40 galaxies the run has seen 3 in train"
