"""The synthetic survey as cubes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kamerton.config.surveys import SPLIT_NAMES
from kamerton.data.cubes.cube import open_cube
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.synthetic.survey import synth
from kamerton.errors import OutputError

SETTINGS: dict[str, Any] = {"count": 60, "size": 16, "seed": 3}


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survey") / "data"
    synth(folder, **SETTINGS)
    return folder


def test_three_cubes_and_their_split_json_are_made_and_nothing_else(survey: Path) -> None:
    assert sorted(path.name for path in survey.iterdir()) == ["split.json", "test.fits", "train.fits", "valid.fits"]


def test_the_cubes_hold_the_survey_with_its_classes_positions_and_origin(survey: Path) -> None:
    labels: list[int] = []
    for name in SPLIT_NAMES:
        with open_cube(survey / f"{name}.fits") as cube:
            assert cube.image_shape == (16, 16, 3)
            assert cube.class_names == CLASS_NAMES
            assert np.isfinite(cube.catalogue["ra"]).all()
            assert cube.history[0] == "synthetic survey: count 60, size 16 px, seed 3"
            labels += cube.labels.tolist()
    assert len(labels) == 60
    assert set(labels) == set(range(10))


def test_the_same_settings_give_the_same_bytes(survey: Path, tmp_path: Path) -> None:
    synth(tmp_path / "again", **SETTINGS)
    for name in SPLIT_NAMES:
        assert (tmp_path / f"again/{name}.fits").read_bytes() == (survey / f"{name}.fits").read_bytes()


def test_an_existing_folder_is_refused(survey: Path) -> None:
    with pytest.raises(OutputError, match="exists already"):
        synth(survey, **SETTINGS)


def test_after_a_failure_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kamerton.data.synthetic.survey.write_splits", interrupted)
    with pytest.raises(KeyboardInterrupt):
        synth(tmp_path / "data", **SETTINGS)
    assert list(tmp_path.iterdir()) == []
