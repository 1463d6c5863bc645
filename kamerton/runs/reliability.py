"""How far probabilities are to be trusted: what an evaluation keeps of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from kamerton.config.judging import SetMethod

Positive = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**53, strict=True)]


@dataclass(frozen=True)
class Estimate:
    """A value, and the ends of its 95% interval by the bootstrap over galaxies."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    value: Positive
    low: Positive
    high: Positive


@dataclass(frozen=True)
class Reliability:
    """How good probabilities are; all are 0 at best."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    log_loss: Estimate
    """Nats a galaxy."""
    brier: Estimate
    """Squared error over all classes, 0 to 2 (Brier 1950)."""
    ece: Estimate
    """Calibration error of the predicted class: root mean square over bins of equally many galaxies, less what chance
    alone gives (Kumar et al. 2019)."""
    smooth_ece: Estimate
    """Mean calibration error of the predicted class without bins (Błasiok & Nakkiran 2023)."""


@dataclass(frozen=True)
class SetScores:
    """What the sets of one class's galaxies are."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    class_name: str
    galaxies: Count
    covered: Count
    """Whose set holds their class."""
    interval: tuple[Share, Share] | None
    """Of the covered share, after Wilson; None for a class without galaxies."""
    mean_size: Positive | None
    """Classes in a set."""


@dataclass(frozen=True)
class Promised:
    """What a calibration promised, and how it was kept."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    calibration: str
    """SHA-256 of the calibration."""
    cube: str
    """File that it was learned from."""
    same_cube: bool
    """Whether that is the cube of this test, which is then none."""
    reliability: Reliability
    coverage: Share
    """Promised for each class."""
    method: SetMethod
    pooled: tuple[str, ...]
    """Classes for which it is promised together only."""
    sets: tuple[SetScores, ...]
    """In the order of the run's class names."""
    mean_size: Positive
    """Classes in a set."""


@dataclass(frozen=True)
class CertaintyScores:
    """Probabilities before calibration, and after where the run is calibrated."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    network: Reliability
    """As the network gave them."""
    calibrated: Promised | None
    """None where the run was not calibrated, or for predictions of other views or precision."""
    resamples: Count
