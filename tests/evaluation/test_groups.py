"""Groups of galaxies, measured apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kamerton.errors import KamertonWarning
from kamerton.evaluation import groups
from kamerton.evaluation.evaluate import Evaluation, evaluate
from kamerton.evaluation.metrics import group_metrics
from kamerton.runs.folder import Run
from kamerton.runs.scores import GroupedScores
from tests.evaluation.evaluated import COUNT, predictions


def test_groups_of_a_column_are_measured_apart(found: Evaluation) -> None:
    table = predictions(found)
    source = ["north" if row % 2 else "south" for row in range(COUNT)]
    wanted = group_metrics(table["label"].to_numpy(), table.iloc[:, 2:].to_numpy(), source)
    assert found.metrics.by is not None
    plain = {
        name: dataclasses.replace(group, accuracy_interval=None) for name, group in found.metrics.by.groups.items()
    }
    assert GroupedScores("source", plain) == GroupedScores("source", wanted)
    assert wanted["north"].galaxies == COUNT // 2


def test_groups_of_few_galaxies_are_said_with_their_intervals(run: Run, cube: Path) -> None:
    with pytest.warns(KamertonWarning, match=r"2 of the 2 groups of source are too small") as said:
        found = evaluate(run, cube, by="source")
    assert found.metrics.by is not None
    low, high = found.metrics.by.groups["north"].accuracy_interval or (0, 0)
    assert f"north: {COUNT // 2}, accuracy {low:.2f} to {high:.2f}; south" in str(said[0].message)
    assert high - low > 0.3


def test_many_small_groups_are_counted_and_the_smallest_named(run: Run, cube: Path) -> None:
    with pytest.warns(KamertonWarning, match=r"18 of the 18 groups of id are too small.*; and 13 more\."):
        evaluate(run, cube, by="id")


def test_groups_of_enough_galaxies_are_not_warned_of(
    run: Run, cube: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(groups, "SMALL_GROUP", COUNT // 2)
    evaluate(run, cube, by="source")
    assert not [one for one in recwarn if issubclass(one.category, KamertonWarning)]


def test_without_groups_none_are_measured(run: Run, cube: Path) -> None:
    assert evaluate(run, cube).metrics.by is None
