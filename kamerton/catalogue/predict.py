"""Labelling galaxies with a run: ``kamerton predict``."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.catalogue.claims import claim, taking_part
from kamerton.catalogue.columns import DOUBTFUL, PREDICTED_CLASS, STATUS
from kamerton.catalogue.heading import heading
from kamerton.catalogue.places import Place, catalogue_place
from kamerton.catalogue.record import RECORD_FILE, CatalogueRecord
from kamerton.catalogue.requests import flat_paths, open_sources, say_doubtful
from kamerton.catalogue.shards import read_shards, remove_shards, some_probabilities, tally
from kamerton.catalogue.work import Work
from kamerton.catalogue.writers import find_writer
from kamerton.certainty.drift import FEWEST_GALAXIES
from kamerton.certainty.proportions import MOST_GALAXIES, Proportions, proportions
from kamerton.config.answers import FeatureKind, PredictSettings
from kamerton.config.machine import Device
from kamerton.errors import UsageError
from kamerton.files import cannot_write
from kamerton.plurals import counted
from kamerton.progress import Progress, Silent
from kamerton.runs.folder import Run, open_run

if TYPE_CHECKING:
    from astropy.table import Table

SHOWN_GALAXIES = 1000
"""A catalogue without a place to be written to has at most so many."""


@dataclass(frozen=True)
class Catalogue:
    """Labelled galaxies."""

    path: Path | None
    """The file, or the folder of shards; None where the rows are in ``table`` alone."""
    galaxies: int
    failed: int
    """Galaxies that could not be read, whose ``status`` says why."""
    class_counts: dict[str, int]
    """Galaxies by predicted class, in the order of the run's classes."""
    proportions: Proportions | None = None
    """Shares of the classes in the survey under label shift; None for a run that is not calibrated, or few galaxies.
    The rows are not changed by them."""
    table: Table | None = None
    """The rows, where no place was named for them."""

    def __repr__(self) -> str:
        return f"Catalogue({self.path}, {counted(self.galaxies, 'galaxy')}, {self.failed} of them not readable)"

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values; rows that are in no file are among them."""
        content: dict[str, Any] = {
            "path": None if self.path is None else str(self.path),
            "galaxies": self.galaxies,
            "failed": self.failed,
            "class_counts": self.class_counts,
        }
        if self.proportions is not None:
            content["proportions"] = dataclasses.asdict(self.proportions)
        if self.table is not None:
            content["rows"] = [dict(zip(self.table.colnames, _plain(row), strict=True)) for row in self.table]
        return content

    def describe(self) -> list[str]:
        """Say what it holds, in a few lines."""
        classes = "; ".join(f"{name} {count}" for name, count in self.class_counts.items())
        lines = [f"{counted(self.galaxies, 'galaxy')}: {classes}"]
        if self.failed:
            lines.append(f"{self.failed} could not be read: the column status says why")
        if self.proportions is not None:
            lines.append("shares of the classes, corrected for how the survey differs from the calibration:")
            lines += [f"  {line}" for line in self.proportions.describe()]
        return lines if self.path is None else [*lines, f"catalogue: {self.path}"]


def predict(
    run: Run | str | Path,
    *sources: str | Path | Iterable[str | Path],
    out: str | Path | None = None,
    resume: bool = False,
    retry_failed: bool = False,
    eight_views: bool = PredictSettings.eight_views,
    int8: bool = PredictSettings.int8,
    device: Device = PredictSettings.device,
    path_column: str = PredictSettings.path_column,
    id_column: str = PredictSettings.id_column,
    shard_galaxies: int = PredictSettings.shard_galaxies,
    ray: bool = PredictSettings.ray,
    features: FeatureKind | None = PredictSettings.features,
    watcher: Progress | None = None,
) -> Catalogue:
    """Label galaxies with a run.

    A source is a cube, with labels or without, an HDF5 file of Galaxy10's form, a picture or FITS cutout, a folder of
    them, or a CSV or Parquet list of their paths, whose other columns pass through; sources may be given in a list.
    ``out`` is one file (``.parquet``, ``.fits``, ``.vot``, ``.csv``, ``.ecsv``), or a folder of shards of
    ``shard_galaxies`` galaxies; without it, at most 1000 galaxies are given as a table. With ``resume`` an unfinished
    catalogue is finished, to the same bytes; several processes may do so at once and share the work. ``retry_failed``
    tries the galaxies again that could not be read.
    ``features`` adds the numbers that galaxies are compared by (`similar`).
    Raises UsageError for sources or a place that will not do, DataError for sources that are bad as a whole; a single
    bad galaxy has a row with ``status`` and no probabilities.
    """
    settings = PredictSettings(eight_views, int8, device, path_column, id_column, shard_galaxies, ray, features)
    if features is not None and out is None:
        raise UsageError(
            "Features are for a catalogue, not for a table in the terminal",
            next_step="name a catalogue with --out, such as --out shapes.parquet",
        )
    run = run if isinstance(run, Run) else open_run(run)
    resume = resume or retry_failed
    with ExitStack() as stack:
        place = stack.enter_context(catalogue_place(out, resume=resume))
        opened = stack.enter_context(open_sources(run, flat_paths(sources), path_column, id_column))
        work = Work(run, opened, settings, place.shards, watcher or Silent())
        try:
            record = work.begin(place.file, resume=resume, most=SHOWN_GALAXIES if out is None else None)
            with taking_part(place.shards / RECORD_FILE) as is_alone:
                work.make(record, retry_failed=retry_failed)
                return _finished(work, record, place, is_alone, is_shown=out is None)
        except OSError as error:
            raise cannot_write(place.shards, error) from error


def _finished(
    work: Work, record: CatalogueRecord, place: Place, is_alone: Callable[[], bool], *, is_shown: bool
) -> Catalogue:
    """Count what there is, and make one file of it where that was asked for."""
    found = tally(work.out, record)
    readable = found.galaxies - found.failed
    say_doubtful(work.run, found.doubtful, readable, to_see=f"those whose flags hold {DOUBTFUL}")
    counts = {name: found.class_counts[name] for name in work.run.record.class_names}
    shares = None
    if work.certainty is not None and readable >= FEWEST_GALAXIES:
        shares = proportions(work.certainty, some_probabilities(work.out, record, MOST_GALAXIES))
    table = None
    if is_shown:
        table = _table(work, record)
    elif place.file is not None:
        held = claim(work.out, "file", wait=True)
        assert held is not None, "a claim that waits is granted"
        with held:
            if not os.path.lexists(place.file):
                _assemble(work, record, place.file)
        # Others count the shards until they end.
        if is_alone():
            remove_shards(work.out, record)
    return Catalogue(
        None if is_shown else place.file or place.shards, found.galaxies, found.failed, counts, shares, table
    )


def _assemble(work: Work, record: CatalogueRecord, file: Path) -> None:
    """Make one file of all shards."""
    count = record.manifest.galaxies
    with (
        find_writer(file)(file, heading(record), count) as writer,
        work.watcher.task(f"writing {file.name}", count, "galaxies") as advance,
    ):
        for shard in read_shards(work.out, record):
            writer.append(shard)
            advance(len(shard))


def _table(work: Work, record: CatalogueRecord) -> Table:
    """Read the rows with their units and descriptions; no class and no status are masked, as in other catalogues."""
    from astropy.table import MaskedColumn, Table

    place = work.out / "shown.vot"
    _assemble(work, record, place)
    table = Table.read(place, format="votable")
    # A VOTable has no other empty text than the one without letters.
    for name in (PREDICTED_CLASS.name, STATUS.name):
        table[name] = MaskedColumn(table[name], mask=table[name] == "")
    return table


def _plain(row: Any) -> list[Any]:
    """Give a row as plain values, None where there is none."""
    values = [None if value is np.ma.masked else getattr(value, "item", lambda value=value: value)() for value in row]
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]
