"""A setting of the wrong type is refused in one line, from Python as from a file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest

import kamerton
from kamerton.checks import as_path, several
from kamerton.config.learning import SweepSettings, TrainSettings
from kamerton.config.recipe import AdamWSettings, AugmentSettings, CosineSettings, PlateauSettings, Recipe
from kamerton.config.surveys import SplitSettings, SynthSettings
from kamerton.errors import UsageError
from kamerton.recipes import load_recipe


@pytest.mark.parametrize(
    ("kind", "bad", "says"),
    [
        (SynthSettings, {"size": "64"}, "Bad value for size. Received: '64'. Allowed: a valid integer"),
        (SynthSettings, {"count": 1.5}, "Bad value for count. Received: 1.5. Allowed: a valid integer"),
        (SynthSettings, {"seed": True}, "Bad value for seed. Received: True. Allowed: a valid integer"),
        (SynthSettings, {"seed": None}, "Bad value for seed. Received: None. Allowed: a valid integer"),
        (SplitSettings, {"fractions": (0.5, 0.5)}, "Bad value for fractions"),
        (SplitSettings, {"fractions": 0.5}, "Bad value for fractions"),
        (TrainSettings, {"device": "gpu"}, "Bad value for device. Received: 'gpu'. Allowed: 'auto', 'cpu' or 'cuda'"),
        (TrainSettings, {"deterministic": "no"}, "Bad value for deterministic. Received: 'no'"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(kind: type, bad: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        kind(**bad)
    assert says in str(caught.value)


def float_settings(kind: type) -> list[tuple[type, str, object]]:
    """The fields of settings that are numbers of any kind, with a value that is infinite or none."""
    found: list[tuple[type, str, object]] = []
    for name, hint in get_type_hints(kind).items():
        if float in (hint, *get_args(hint)):
            found += [(kind, name, (number,) * 3 if get_origin(hint) is tuple else number) for number in (inf, nan)]
    return found


@pytest.mark.parametrize(
    ("kind", "name", "bad"),
    [
        case
        for kind in (AdamWSettings, AugmentSettings, CosineSettings, PlateauSettings, Recipe, SplitSettings)
        for case in float_settings(kind)
    ],
)
def test_no_setting_is_infinite_or_no_number(kind: type, name: str, bad: object) -> None:
    recipe = load_recipe("modern")
    sound = {
        AdamWSettings: recipe.optimizer,
        AugmentSettings: recipe.augment,
        CosineSettings: recipe.schedule,
        PlateauSettings: load_recipe("notebook").schedule,
        Recipe: recipe,
        SplitSettings: SplitSettings(),
    }
    with pytest.raises(UsageError, match=f"Bad value for {name}.*Allowed: a finite number"):
        dataclasses.replace(sound[kind], **{name: bad})  # type: ignore[type-var]


@pytest.mark.parametrize("given", [3, None, b"runs", ["runs"]])
def test_what_is_no_path_is_refused_by_the_name_of_its_setting(given: object) -> None:
    with pytest.raises(UsageError, match=r"Bad value for run.*Allowed: a path"):
        as_path(given, "run")


NUMBER: Any = 3
NOTHING: Any = None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda place: kamerton.train(place, network=NUMBER, out=place / "run"), "Unknown network 3"),
        (lambda place: kamerton.train(NUMBER, network="lenet5", out=place / "run"), "Bad value for data. Received: 3"),
        (lambda place: kamerton.labels(place, network=NOTHING, out=place / "out"), "Unknown network None"),
        (lambda place: kamerton.build_network(NUMBER, size=64, channels=3, classes=2), "Unknown network 3"),
        (lambda place: kamerton.open_run(NUMBER), "Bad value for run. Received: 3"),
        (lambda place: kamerton.Predictor(NUMBER), "Bad value for run. Received: 3"),
        (lambda place: kamerton.compare(NUMBER), "Bad value for run. Received: 3"),
        (lambda place: kamerton.compare([NOTHING]), "Bad value for run. Received: None"),
        (lambda place: kamerton.report(NUMBER, place / "report.html"), "Bad value for run. Received: 3"),
        (lambda place: kamerton.evaluate(NUMBER, place / "test.fits"), "Bad value for run. Received: 3"),
        (lambda place: kamerton.evaluate(place, NUMBER), "Bad value for cube. Received: 3"),
        (lambda place: kamerton.calibrate(NUMBER, place / "test.fits"), "Bad value for run. Received: 3"),
        (lambda place: kamerton.predict(NUMBER, place, out=place / "a.csv"), "Bad value for run. Received: 3"),
        (lambda place: kamerton.explain(NUMBER, place), "Bad value for run. Received: 3"),
        (lambda place: kamerton.export(NUMBER, "onnx"), "Bad value for run. Received: 3"),
        (lambda place: kamerton.export(place, NUMBER), "Unknown format 3"),
        (lambda place: kamerton.verify(NUMBER), "Bad value for run. Received: 3"),
        (lambda place: kamerton.similar(NUMBER, "a"), "Bad value for run or catalogue. Received: 3"),
        (lambda place: kamerton.next_galaxies(NUMBER), "Bad value for catalogue. Received: 3"),
        (lambda place: kamerton.open_cube(NUMBER), "Bad value for cube. Received: 3"),
        (lambda place: kamerton.check([NUMBER]), "Bad value for paths. Received: 3"),
    ],
)
def test_every_function_refuses_what_names_nothing_in_one_line(
    tmp_path: Path, call: Callable[[Any], object], says: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        call(tmp_path)
    assert not list(tmp_path.iterdir())


def test_numpys_numbers_become_pythons_own() -> None:
    settings = SynthSettings(seed=np.int64(3))  # type: ignore[arg-type]
    assert type(settings.seed) is int
    assert settings == SynthSettings(seed=3)


@pytest.mark.parametrize("fractions", [[0.6, 0.2, 0.2], np.array([0.6, 0.2, 0.2])])
def test_a_list_is_as_good_as_a_tuple(fractions: Any) -> None:
    assert SplitSettings(fractions=fractions).fractions == (0.6, 0.2, 0.2)


@pytest.mark.parametrize("seeds", [np.arange(2), tuple(np.arange(2)), [np.int64(0), 1]])
def test_a_list_of_numpys_numbers_is_one_of_pythons_own(seeds: Any) -> None:
    assert SweepSettings(networks=("lenet5",), seeds=seeds).seeds == (0, 1)


@pytest.mark.parametrize("given", ["0,1", np.int64(3), 1.5, None])
def test_what_is_no_list_is_never_taken_for_one(given: Any) -> None:
    assert several(given, int) == (given,)


@pytest.mark.parametrize("given", ["abc", ["abc"], ("abc",), iter(["abc"])])
def test_one_text_is_a_list_of_one(given: Any) -> None:
    assert several(given, str) == ("abc",)
