"""What the report says of where its numbers come from."""

from __future__ import annotations

import pytest

from kamerton.evaluation.compare import compare
from kamerton.reporting.languages import LANGUAGES, written
from kamerton.reporting.telling import Teller
from kamerton.runs.ensembles import find_members
from kamerton.runs.folder import Run
from tests.reporting.pages import RESAMPLES


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_ensemble_is_told_with_its_members_and_what_all_cost(ensemble: Run, lang: str) -> None:
    members = find_members(ensemble)
    comparison = compare([ensemble, members[0]], resamples=RESAMPLES)
    texts = Teller.of(comparison, lang).texts()
    (note,) = texts["ensembles"]
    for member in ensemble.record.members:
        assert f"{member.name} (LeNet-5, " in note
        assert member.weights[:8] in note
    assert written(ensemble.record.parameters, ",d", LANGUAGES[lang]) in note
    row = next(row for row in texts["networks"] if row["name"] in note)
    assert row["settings"][2:5] == ["1 / 2", "32", "40 / 32"]
    assert next(row for row in texts["runs"] if row["name"] == "both")["seed"] == "1 / 0"
    assert {row["path"] for row in texts["data"]} >= {cube.path for cube in members[0].record.data.values()}
