"""Which galaxies of a catalogue its run has learned from: these have a label, and the network knows them by heart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from kamerton.arrays import Mask
from kamerton.catalogue.columns import ID, POSITION
from kamerton.catalogue.heading import RUN_PATH
from kamerton.catalogue.readers.opened import OpenedCatalogue, texts, values
from kamerton.config.surveys import SAME_GALAXY_ARCSEC
from kamerton.data.sky import nearest_arcsec
from kamerton.errors import DataError, KamertonError, warn
from kamerton.runs.folder import Run, open_run

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Learned:
    """The galaxies that a run was trained and validated on, by what a catalogue tells of its own."""

    ids: frozenset[str]
    positions_deg: Float64[np.ndarray, "known 2"]

    def among(self, table: pa.Table) -> Mask:
        """Mark those of a part of a catalogue, by id or by place on the sky."""
        own = np.array([name in self.ids for name in texts(table, ID.name)], bool)
        if not len(self.positions_deg):
            return own
        places_deg = np.column_stack([values(table, column.name) for column in POSITION])
        return np.asarray(own | (nearest_arcsec(places_deg, self.positions_deg) <= SAME_GALAXY_ARCSEC))


def learned_by(catalogue: OpenedCatalogue, run: Run | str | Path | None) -> Learned | None:
    """Read what the run of a catalogue has learned from, of the run that is named, or from where it was.

    None where that is not known, which is said; DataError where the named run is not the one that made it.
    """
    if run is not None:
        own = run if isinstance(run, Run) else open_run(run)
        if not _made(catalogue, own):
            raise DataError(
                f"{catalogue.path}: not made by the run {own.path}",
                received=f"weights {own.weights_sha256()[:12]}...",
                allowed=f"weights {catalogue.facts.get('weights_sha256', 'not known')[:12]}..., of the run "
                f"{catalogue.facts.get('run', 'not known')}",
                next_step="name the run that made the catalogue",
            )
        return _learned(own)
    reason = "the catalogue does not say which run made it"
    told = catalogue.facts.get(RUN_PATH)
    if told is not None:
        try:
            found = _where_it_was(catalogue, told)
            if found is not None:
                return _learned(found)
            reason = f"its run is not at {told} any more"
        except KamertonError as error:
            reason = str(error).rstrip(".")
    warn(
        f"{catalogue.path}: not known which of its galaxies the run has learned from, and they may be asked for",
        received=reason,
        next_step="name the run that made it with --run",
    )
    return None


def _where_it_was(catalogue: OpenedCatalogue, told: str) -> Run | None:
    for place in (Path(told), catalogue.path.resolve().parent / told):
        if place.exists():
            run = open_run(place)
            if _made(catalogue, run):
                return run
    return None


def _made(catalogue: OpenedCatalogue, run: Run) -> bool:
    return catalogue.facts.get("weights_sha256") == run.weights_sha256()


def _learned(run: Run) -> Learned | None:
    seen = run.seen()
    if seen is None:
        # Weights from elsewhere: whoever trained them knows.
        warn(
            f"{run.path}: its weights came from elsewhere, so that it is not known which galaxies they learned from",
            next_step="name these as --labelled, if they are in the catalogue",
        )
        return None
    ids = frozenset(name for marks in seen.values() for name in marks.ids or () if name)
    places = [marks.positions_deg for marks in seen.values() if marks.positions_deg is not None]
    known = np.concatenate([np.empty((0, 2)), *places])
    return Learned(ids, known[np.isfinite(known).all(axis=1)])
