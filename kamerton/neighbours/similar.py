"""Finding the galaxies that a network sees as most like one: ``kamerton similar``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kamerton.arrays import SquareHWC
from kamerton.catalogue.readers import open_catalogue
from kamerton.checks import as_path
from kamerton.config.machine import Device
from kamerton.config.neighbours import SimilarSettings
from kamerton.errors import DataError, UsageError, warn
from kamerton.files import new_whole_folder, require_new
from kamerton.neighbours.among import Among
from kamerton.neighbours.answer import Neighbour, Neighbours, find_language
from kamerton.neighbours.catalogue_galaxies import CatalogueGalaxies
from kamerton.neighbours.galaxy import row_named, unknown_name
from kamerton.neighbours.nearest import directions, exact_distances, nearest
from kamerton.neighbours.query import Query, Seer, seer_of_catalogue, seer_of_run
from kamerton.neighbours.training_galaxies import open_training_galaxies
from kamerton.plurals import counted
from kamerton.progress import Progress, Silent
from kamerton.runs.folder import Run, is_run, open_run


def similar(
    run_or_catalogue: Run | str | Path,
    galaxy: str | Path,
    *,
    run: Run | str | Path | None = None,
    out: str | Path | None = None,
    count: int = SimilarSettings.count,
    device: Device = SimilarSettings.device,
    lang: str = SimilarSettings.lang,
    watcher: Progress | None = None,
) -> Neighbours:
    """Find the galaxies that a network sees as most like one.

    They are looked for among those that a run was trained on, or those of a catalogue that `predict` made with
    ``features``. ``galaxy`` is the id of one of them, which is then left out, or a picture or FITS cutout; for that a
    catalogue needs the ``run`` that made it. ``out`` gets the table (CSV, Parquet, VOTable) and a gallery.
    Raises UsageError for an unknown id (with those that come near), DataError for a catalogue without features, one of
    another run, or a damaged one, OutputError where ``out`` exists.
    """
    settings = SimilarSettings(count, device, lang)
    words = find_language(lang)
    out = None if out is None else as_path(out, "out")
    if out is not None:
        require_new(out)
    with _opened(run_or_catalogue, run, settings, watcher or Silent()) as (among, seer):
        query = _query(among, seer, str(galaxy))
        found = neighbours_of(among, query, count, out)
        if out is not None:
            images = _images(among, query, found)
            with new_whole_folder(out) as folder:
                found.write(folder, images, {}, words)
    return found


@contextmanager
def _opened(
    run_or_catalogue: Run | str | Path, run: Run | str | Path | None, settings: SimilarSettings, watcher: Progress
) -> Iterator[tuple[Among, Seer | None]]:
    """Open the galaxies among which it is looked, and the run that sees a picture, where one is named."""
    if isinstance(run_or_catalogue, Run) or is_run(as_path(run_or_catalogue, "run or catalogue")):
        if run is not None:
            raise UsageError(
                f"{run_or_catalogue} is a run, which sees a picture by itself",
                received=f"a second run {run}",
                next_step="leave the second one out, or name a catalogue first",
            )
        known = run_or_catalogue if isinstance(run_or_catalogue, Run) else open_run(run_or_catalogue)
        seer = seer_of_run(known, settings.device, watcher)
        with open_training_galaxies(seer, watcher) as training:
            yield training, seer
        return
    with open_catalogue(run_or_catalogue) as catalogue:
        among = CatalogueGalaxies(catalogue)
        own = None if run is None else run if isinstance(run, Run) else open_run(run)
        yield among, None if own is None else seer_of_catalogue(catalogue, own, settings.device)


def _query(among: Among, seer: Seer | None, name: str) -> Query:
    """Find the galaxy by its id, or see it in a picture."""
    row = row_named(among.name, name, among.ids())
    if row is not None:
        rows = np.array([row])
        features = among.features_of(rows)
        if not np.isfinite(features).all():
            raise DataError(
                f"{among.name}: nothing is known of the galaxy {name!r} to compare",
                received="a galaxy that could not be read",
                next_step="see to its status there, or name another one",
            )
        return Query(among.galaxies(rows)[0], features, None)
    if not Path(name).is_file():
        raise unknown_name(among.name, name, among.ids())
    if seer is None:
        raise UsageError(
            f"{among.name}: no galaxy of the id {name!r}, and a picture must be seen by the run that made it",
            received=f"the file {name}",
            next_step="name that run with --run",
        )
    return seer.query(Path(name))


def neighbours_of(among: Among, query: Query, count: int, out: Path | None = None) -> Neighbours:
    """Look for the nearest of opened galaxies; ``out`` is where the answer will be written."""
    itself = query.galaxy.row
    asked = directions(query.features, among.space)
    if not np.isfinite(asked).all():
        raise DataError(
            f"{query.galaxy.id}: the network sees nothing in it by which it could be compared",
            received="features that are all as in the middle of all galaxies",
            next_step="name another galaxy",
        )
    # One more, for it may be among them, and one more, for the last digit may tell another order.
    near = nearest(asked, among.features(), count + 2, among.space)
    rows = near.rows[0][near.rows[0] != itself]
    distances = np.zeros(0)
    if len(rows):
        distances = exact_distances(query.features, among.features_of(rows), among.space)
        order = np.lexsort([rows, distances])[:count]
        rows, distances = rows[order], distances[order]
    if len(rows) < count:
        warn(
            f"{among.name}: no more than {counted(len(rows), 'galaxy')} to compare with {query.galaxy.id}",
            received=f"a count of {count}",
            next_step="nothing, if these are enough",
        )
    galaxies = among.galaxies(rows) if len(rows) else []
    pairs = zip(galaxies, distances.tolist(), strict=True)
    found = tuple(Neighbour(rank, galaxy, distance) for rank, (galaxy, distance) in enumerate(pairs, start=1))
    return Neighbours(query.galaxy, among.name, len(among), found, out)


def _images(among: Among, query: Query, found: Neighbours) -> list[SquareHWC | None]:
    """Read the pictures for the gallery, the query's first."""
    rows = [one.galaxy.row for one in found.neighbours]
    if query.image_hwc is not None:
        return [query.image_hwc, *(among.pictures(np.array(rows)) if rows else [])]
    return among.pictures(np.array([query.galaxy.row, *rows]))
