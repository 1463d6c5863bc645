"""What a test of a run found is checked where it is built, and judged by its counts."""

from __future__ import annotations

import numpy as np
import pytest

from kamerton.errors import UsageError
from kamerton.runs.scores import Leakage, Predictions


def test_predictions_are_checked_where_they_are_built() -> None:
    with pytest.raises(UsageError, match="label: out of range"):
        Predictions(("a",), np.array([2]), np.array([[0.5, 0.5]], np.float32), None)


@pytest.mark.parametrize(
    ("leakage", "status"),
    [
        (Leakage.of(None), "unknown"),
        (Leakage.of({"train": 0}), "unknown"),
        (Leakage.of({"train": 0}, compared={"pixels": 9}), "unknown"),
        (Leakage.of({"train": 0}, compared={"pixels": 9, "likeness": 9}), "none"),
        (Leakage.of({"train": 0, "valid": 0}, {"train": 0, "valid": 1}, compared={"likeness": 9}), "likely"),
        (Leakage.of({"train": 0, "valid": 1}, {"train": 4}), "found"),
    ],
)
def test_leakage_is_judged_by_its_counts(leakage: Leakage, status: str) -> None:
    assert leakage.status == status


def test_that_no_pixels_were_equal_was_once_called_none_and_is_not_known() -> None:
    """``metrics.json`` of the days when only pixels were compared."""
    assert Leakage("none", {"train": 0, "valid": 0}).status == "unknown"
