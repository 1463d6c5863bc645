"""A setting of the wrong type is refused in one line, from Python as from a file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kamerton.checks import several
from kamerton.config.learning import SweepSettings, TrainSettings
from kamerton.config.surveys import SplitSettings, SynthSettings
from kamerton.errors import UsageError


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
