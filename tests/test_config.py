"""A bad setting is refused where it is built, with its name, what was received and what is allowed."""

from typing import Any

import pytest

from kamerton.config.learning import TrainSettings
from kamerton.config.pictures import PIXEL_SCALE, PictureSettings, PixelOrigin, Preprocessing
from kamerton.config.recipe import AdamSettings, PlateauSettings
from kamerton.config.surveys import SplitSettings, SynthSettings
from kamerton.errors import UsageError

PLATEAU = {
    "monitor": "accuracy", "factor": 0.1, "patience": 1, "min_delta": 0.0, "mode": "auto", "cooldown": 0, "min_lr": 0.0,
}  # fmt: skip
ADAM = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (SynthSettings, {"count": 0}),
        (SynthSettings, {"size": 15}),
        (SynthSettings, {"seed": -1}),
        (SplitSettings, {"fractions": (0.5, 0.5, 0.5)}),
        (SplitSettings, {"fractions": (1.0, 0.0, 0.0)}),
        (SplitSettings, {"fractions": (float("nan"), 0.5, 0.5)}),
        (SplitSettings, {"group_radius_arcsec": -1.0}),
        (SplitSettings, {"group_radius_arcsec": float("inf")}),
        (PictureSettings, {"size": 0}),
        (PictureSettings, {"crop": 1}),
        (PictureSettings, {"q": 0.0}),
        (PictureSettings, {"stretch": -1.0}),
        (PictureSettings, {"bands": "gr"}),
        (PictureSettings, {"bands": "g,g,r"}),
        (PictureSettings, {"bands": ""}),
        (PixelOrigin, {"method": "none", "q": 8.0}),
        (PixelOrigin, {"method": "asinh"}),
        (PixelOrigin, {"method": "asinh", "q": 8.0, "bands": ("ż",)}),
        (Preprocessing, {"size": 0, "channels": 3}),
        (Preprocessing, {"size": 64, "channels": 0}),
        (AdamSettings, {**ADAM, "learning_rate": 0.0}),
        (AdamSettings, {**ADAM, "beta_2": 1.0}),
        (PlateauSettings, {**PLATEAU, "factor": 1.0}),
        (PlateauSettings, {**PLATEAU, "patience": -1}),
        (TrainSettings, {"seed": -1}),
    ],
)
def test_a_bad_value_is_refused_by_name(kind: type, bad: dict[str, Any]) -> None:
    name = list(bad)[-1] if kind in {SynthSettings, SplitSettings} else None
    with pytest.raises(UsageError, match=r"Bad value for .*Received: .*Allowed: ") as caught:
        kind(**bad)
    assert name is None or name.split("_")[0] in str(caught.value)


def test_the_defaults_are_the_notebooks() -> None:
    assert SplitSettings().fractions == (0.64, 0.16, 0.20)
    assert PIXEL_SCALE == 255.0
