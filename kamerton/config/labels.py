"""Labels that are looked at."""

from __future__ import annotations

from dataclasses import dataclass

from kamerton.checks import require
from kamerton.config.learning import TrainSettings
from kamerton.config.surveys import OVERLAP_ARCSEC, require_radius

LABELS_RECORD, LABELS_GALLERY = "labels.json", "labels.png"
"""What is read again of what was found, to be shown elsewhere."""


@dataclass(frozen=True)
class LabelsSettings(TrainSettings):
    """How wrong labels are looked for: what is trained, and on what."""

    folds: int = 5
    """Parts that the galaxies are dealt into; each is judged by a network that has seen none of it."""
    group_radius_arcsec: float | None = OVERLAP_ARCSEC
    """Galaxies closer than this on the sky overlap and stay in one fold; half of Galaxy10's field of 67 arcsec."""
    group_column: str | None = None
    """Column of the catalogue whose equal values stay in one fold; by default the column group, where there is one."""
    eight_views: bool = False
    """Judge each galaxy by the mean over its turns and mirror images."""
    lang: str = "en"
    """Language of the page and its pictures: en or pl."""

    def check(self) -> None:
        super().check()
        require(2 <= self.folds <= 50, "folds", self.folds, "2 to 50")
        require_radius("group radius", self.group_radius_arcsec)
