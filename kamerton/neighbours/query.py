"""A picture whose neighbours are wanted, as the run sees it whose features are compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kamerton.arrays import Features, SquareHWC
from kamerton.catalogue.heading import FEATURE_KIND
from kamerton.catalogue.readers.opened import OpenedCatalogue
from kamerton.catalogue.requests import open_sources
from kamerton.certainty.judging import Certainty, read_certainty
from kamerton.config.machine import Device
from kamerton.config.pictures import PATH_COLUMN
from kamerton.errors import DataError, UsageError, warn
from kamerton.inference.predictor import Predictor
from kamerton.neighbours.galaxy import Galaxy
from kamerton.progress import Progress
from kamerton.runs.folder import Run

NO_ROW = -1
"""The row of a galaxy that is not among the known ones."""


@dataclass(frozen=True, eq=False)
class Query:
    """The galaxy whose neighbours are wanted."""

    galaxy: Galaxy
    features: Features
    """Of the one galaxy, (1, features)."""
    image_hwc: SquareHWC | None
    """None for one of the known ones, which are asked for their pictures."""


@dataclass(frozen=True, eq=False)
class Seer:
    """A run's network, to see a picture as it saw the galaxies that the picture is held against."""

    predictor: Predictor
    certainty: Certainty | None
    in_axes: bool
    """Whether features are places along the axes of the training galaxies."""

    def query(self, path: Path) -> Query:
        """See a picture; DataError where it cannot be read, UsageError where it is many galaxies."""
        run = self.predictor.run
        with open_sources(run, [path], PATH_COLUMN) as (source,):
            if source.kind != "picture":
                raise UsageError(
                    f"{path}: not one galaxy",
                    received=f"a {source.kind} of galaxies",
                    allowed="a picture, a FITS cutout, or an id",
                    next_step="name one of its galaxies by its id, once they are in a catalogue",
                )
            (batch,) = source.batches(1)
            (image_hwc,) = source.images(batch["place"].to_pylist())
            if isinstance(image_hwc, Exception):
                raise image_hwc
            (name,), (ra_deg,), (dec_deg,) = (batch[column].to_pylist() for column in ("id", "ra", "dec"))
        answers = self.predictor.answers(image_hwc[np.newaxis])
        probabilities = answers.probabilities
        if self.certainty is not None:
            probabilities = self.certainty.calibrated(probabilities)
        features = answers.features
        if self.in_axes:
            assert self.certainty is not None, "axes are those of a calibration"
            features = self.certainty.space.points(features)
        best = int(probabilities[0].argmax())
        ra_deg, dec_deg = (np.nan if value is None else float(value) for value in (ra_deg, dec_deg))
        galaxy = Galaxy(NO_ROW, name, run.record.class_names[best], float(probabilities[0, best]), ra_deg, dec_deg)
        return Query(galaxy, features, image_hwc)


def seer_of_run(run: Run, device: Device, watcher: Progress) -> Seer:
    """Make a run ready to see pictures, in the views and the precision that it was calibrated for."""
    certainty = read_certainty(run)
    made = None if certainty is None else certainty.calibration
    predictor = Predictor(
        run,
        eight_views=made is not None and made.views == 8,
        int8=made is not None and made.precision == "int8",
        device=device,
        watcher=watcher,
    )
    return Seer(predictor, certainty, in_axes=False)


def seer_of_catalogue(catalogue: OpenedCatalogue, run: Run, device: Device) -> Seer:
    """Make the run ready that a catalogue's features are of; DataError where they are of another."""
    facts = catalogue.facts
    _require_same(catalogue, run, "weights", facts.get("weights_sha256"), run.weights_sha256())
    in_axes = facts.get(FEATURE_KIND) == "axes"
    certainty = read_certainty(run)
    present = None if certainty is None else certainty.calibration.fingerprint
    made_of = facts.get("calibration_fingerprint")
    if in_axes:
        _require_same(catalogue, run, "calibration", made_of, present)
    if made_of != present:
        # Its probability stands beside those of the catalogue, which know nothing of this calibration.
        certainty = None
        if made_of is not None:
            warn(
                f"{catalogue.path}: of another calibration than {run.name} has now",
                received="a probability of the picture that is the network's own, beside calibrated ones",
                next_step="make the catalogue again, if they are to be compared",
            )
    predictor = Predictor(
        run, eight_views=facts.get("views") == "8", int8=facts.get("precision") == "int8", device=device
    )
    return Seer(predictor, certainty, in_axes)


def _require_same(catalogue: OpenedCatalogue, run: Run, what: str, made_of: str | None, present: str | None) -> None:
    if made_of is None or made_of != present:
        told = "it does not say of which" if made_of is None else f"{what} {made_of[:12]}"
        raise DataError(
            f"{catalogue.path}: features of another run than {run.name}",
            received=f"{told}; made by the run {catalogue.facts.get('run', 'of an unknown name')}",
            allowed=f"{what} {'none' if present is None else present[:12]}, those of {run.path}",
            next_step="name the run that made the catalogue, or make the catalogue again with this one",
        )
