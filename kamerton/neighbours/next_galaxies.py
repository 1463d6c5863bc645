"""Choosing which galaxies to label next: ``kamerton next``."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table as Shown

from kamerton.arrays import Rows
from kamerton.catalogue.columns import FEATURES_COLUMN, ID, POSITION, PREDICTED_CLASS, STATUS
from kamerton.catalogue.heading import FEATURE_KIND
from kamerton.catalogue.readers import open_catalogue
from kamerton.catalogue.readers.opened import OpenedCatalogue, matrix, texts, values
from kamerton.checks import as_path
from kamerton.config.neighbours import NextSettings
from kamerton.errors import DataError, warn
from kamerton.files import require_new, whole_file
from kamerton.neighbours.asking import SHORTLIST, Shortlist, margins, spread
from kamerton.neighbours.labelled import labelled_ids
from kamerton.neighbours.learned import learned_by
from kamerton.neighbours.nearest import directions, learn_middle
from kamerton.neighbours.pictures import paths_of
from kamerton.plurals import counted
from kamerton.progress import Progress, Silent
from kamerton.runs.folder import Run

if TYPE_CHECKING:
    import pyarrow as pa

SET_SIZE = "set_size"
"""Column of calibrated catalogues."""

COLUMNS = ("rank", "id", "path", "row", "predicted_class", "probability", "margin", "set_size", "likely_classes", "why")
"""Of the list that is written."""


@dataclass(frozen=True)
class AskedGalaxy:
    """One galaxy to label."""

    rank: int
    """From 1, in the order in which they were chosen: a round that ends early has had the best of them."""
    id: str
    path: str
    """Of its picture, or of the cube that it is in; empty where that is not known any more."""
    row: int | None
    """In the cube, from 0; None for a picture of its own."""
    predicted_class: str
    probability: float
    """Of that class."""
    margin: float
    """By how much it is likelier than the second."""
    set_size: int | None
    """Likely classes; None where the catalogue is not calibrated."""
    likely_classes: tuple[str, ...]
    """Those of its set, or the two likeliest."""
    why: str

    def cells(self) -> list[str]:
        """Write it as a row of the list."""
        numbers = [f"{self.probability:.6f}", f"{self.margin:.6f}", "" if self.set_size is None else str(self.set_size)]
        row = "" if self.row is None else str(self.row)
        return [
            str(self.rank),
            self.id,
            self.path,
            row,
            self.predicted_class,
            *numbers,
            "; ".join(self.likely_classes),
            self.why,
        ]

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {name: getattr(self, name) for name in COLUMNS} | {"likely_classes": list(self.likely_classes)}


@dataclass(frozen=True)
class Asked:
    """The galaxies to label next."""

    where: str
    galaxies: tuple[AskedGalaxy, ...]
    known: int
    """Galaxies of the catalogue."""
    failed: int
    """Of these, such as could not be read, which are never asked for."""
    labelled: int
    """Of these, such as have a label already."""
    learned: int | None
    """Of the others, such as the run was trained or validated on; None where that is not known."""
    way: str
    """How they were chosen, in words."""
    path: Path | None

    def __repr__(self) -> str:
        return f"Asked({counted(len(self.galaxies), 'galaxy')} of {self.where}, {self.way})"

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        plain = {name: getattr(self, name) for name in ("where", "known", "failed", "labelled", "learned", "way")}
        path = None if self.path is None else str(self.path)
        return {**plain, "path": path, "galaxies": [one.as_json() for one in self.galaxies]}

    def describe(self) -> list[str]:
        """Say what was chosen, in a few lines beside the table."""
        left = [f"{self.labelled} labelled already"] if self.labelled else []
        left += [f"{self.learned} that the run has learned from"] if self.learned else []
        left += [f"{self.failed} that could not be read"] if self.failed else []
        besides = f" (left out: {', '.join(left)})" if left else ""
        lines = [f"{counted(len(self.galaxies), 'galaxy')} of {self.known}{besides}: {self.way}"]
        return lines if self.path is None else [*lines, f"list: {self.path}"]

    def table(self) -> Shown:
        """Show them in a terminal."""
        shown = Shown(box=SIMPLE_HEAD)
        for title in ("", "galaxy", "class", "probability", "likely classes"):
            shown.add_column(title, justify="right" if title in {"", "probability"} else "left", overflow="fold")
        for one in self.galaxies:
            likely = "; ".join(one.likely_classes)
            cells = (str(one.rank), one.id, one.predicted_class, f"{one.probability:.3f}", likely)
            shown.add_row(*map(escape, cells))
        return shown

    def write(self, path: Path) -> None:
        """Write the list."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(one.cells() for one in self.galaxies)
        with whole_file(path) as partial:
            partial.write_text(text.getvalue(), encoding="utf-8", errors="backslashreplace", newline="")


def next_galaxies(
    catalogue: str | Path,
    *,
    count: int = NextSettings.count,
    labelled: str | Path | None = None,
    run: Run | str | Path | None = None,
    random: bool = NextSettings.random,
    seed: int = NextSettings.seed,
    out: str | Path | None = None,
    watcher: Progress | None = None,
) -> Asked:
    """Choose the galaxies of a catalogue that are best labelled next.

    They are such as the network is least sure of, and differ in what it sees in them, where the catalogue has
    ``features``. ``labelled`` is a list with a column ``id``, or a cube: its galaxies are not asked for again.
    Neither are those that the catalogue's run has learned from, by id or place on the sky; ``run`` is that run, where
    it was moved. With ``random`` any are taken, by ``seed``, to compare with. ``out`` is a CSV file for whoever labels.
    Raises DataError for a catalogue without probabilities, or damaged, or without a galaxy that is left, OutputError
    where ``out`` exists.
    """
    settings = NextSettings(count=count, random=random, seed=seed)
    out = None if out is None else as_path(out, "out")
    if out is not None:
        require_new(out)
    known = set() if labelled is None else labelled_ids(as_path(labelled, "labelled"))
    with open_catalogue(catalogue) as opened:
        chooser = _Chooser(opened, settings, known, run, watcher or Silent())
        asked = chooser.asked(chooser.choose(), out)
    if out is not None:
        asked.write(out)
    return asked


def next_rows(catalogue: OpenedCatalogue, *, count: int | None, labelled: set[str]) -> Rows:
    """Choose rows of an opened catalogue as `next_galaxies` does; ``labelled`` are ids that are not asked for again.

    With None for ``count`` nobody wishes for a number: the usual one is taken, and that there are fewer is not said.
    """
    settings = NextSettings() if count is None else NextSettings(count=count)
    return _Chooser(catalogue, settings, labelled, None, Silent()).choose(fewer_is_said=count is not None)


class _Chooser:
    """A catalogue, and how galaxies of it are chosen."""

    def __init__(
        self,
        catalogue: OpenedCatalogue,
        settings: NextSettings,
        labelled: set[str],
        run: Run | str | Path | None,
        watcher: Progress,
    ) -> None:
        self.catalogue, self.settings, self._watcher = catalogue, settings, watcher
        # Lists are read without blanks at the ends of their cells, and a galaxy may be called with some.
        self._ids = {name.strip() for name in labelled}
        self.probabilities = [f"p_{slug}" for slug in catalogue.class_names]
        if not self.probabilities or not set(self.probabilities) <= set(catalogue.columns):
            raise DataError(
                f"{catalogue.path}: no probabilities of classes in it",
                received=f"columns {', '.join(catalogue.columns)}",
                allowed="a catalogue of `kamerton predict`",
                next_step="make one, and choose from that",
            )
        self.is_calibrated = SET_SIZE in catalogue.columns
        self.spreads = catalogue.has_features and not settings.random
        self.failed = self.labelled = self.learned = 0
        self._learned = learned_by(catalogue, run)

    def choose(self, *, fewer_is_said: bool = True) -> Rows:
        """Choose rows, in the order in which they are best labelled."""
        count = self.settings.count
        rows = self._shortlist(self._most()).rows
        if not len(rows):
            raise DataError(
                f"{self.catalogue.path}: no galaxy is left to be labelled",
                received=f"{self.failed} that could not be read, {self.labelled} labelled already, and "
                f"{self.learned} that the run has learned from",
                next_step="name a catalogue of further galaxies",
            )
        if fewer_is_said and len(rows) < count:
            warn(
                f"{self.catalogue.path}: no more than {counted(len(rows), 'galaxy')} left to be labelled",
                received=f"a count of {count}",
                next_step="nothing, if these are enough",
            )
        self._say_what_is_missing()
        if not self.spreads or len(rows) <= count:
            return np.asarray(rows[:count])
        features = matrix(self.catalogue.pick(rows, [FEATURES_COLUMN]), self.catalogue.path)
        # Places along the axes of the training galaxies are scaled already.
        space = None if self.catalogue.facts.get(FEATURE_KIND) == "axes" else learn_middle([features])
        return np.asarray(rows[spread(directions(features, space), count)])

    def _most(self) -> int:
        """How many galaxies are chosen from; never the surer half, or in a short catalogue doubt would not count."""
        if not self.spreads:
            return self.settings.count
        return max(self.settings.count, min(SHORTLIST * self.settings.count, len(self.catalogue) // 2))

    def _shortlist(self, most: int) -> Shortlist:
        """Pass over all galaxies, and keep those that are to be asked for first."""
        found = Shortlist.of(most)
        rng = np.random.default_rng(self.settings.seed)
        wanted = [ID.name, *(column.name for column in POSITION), STATUS.name, SET_SIZE, *self.probabilities]
        done = 0
        with self._watcher.task("looking for doubts", len(self.catalogue), "galaxies") as advance:
            for table in self.catalogue.tables(self.catalogue.with_columns(wanted)):
                found_margins = margins(np.column_stack([values(table, name) for name in self.probabilities]))
                # One for every row, so that a label more does not change the others.
                keys = rng.random(len(table)) if self.settings.random else self._keys(table, found_margins)
                has_failed = np.isnan(found_margins) | np.array([bool(text) for text in texts(table, STATUS.name)])
                is_labelled = np.array([name.strip() in self._ids for name in texts(table, ID.name)])
                may_be_asked = ~has_failed & ~is_labelled
                if self._learned is not None:
                    is_learned = self._learned.among(table) & may_be_asked
                    self.learned += int(is_learned.sum())
                    may_be_asked &= ~is_learned
                self.failed += int(has_failed.sum())
                self.labelled += int((is_labelled & ~has_failed).sum())
                found.add(done, keys, may_be_asked)
                done += len(table)
                advance(len(table))
        return found

    def _keys(self, table: pa.Table, found_margins: np.ndarray) -> np.ndarray:
        """Say by what galaxies are ordered: the smaller, the less the network is sure."""
        if not self.is_calibrated:
            return found_margins
        # Where the set is one class, the calibration has nothing to ask.
        return np.asarray(found_margins + (values(table, SET_SIZE) == 1))

    def _say_what_is_missing(self) -> None:
        where = self.catalogue.path
        if self._ids and not self.labelled:
            warn(
                f"{where}: none of the {counted(len(self._ids), 'galaxy')} that are labelled already is in it",
                received=f"ids as {min(self._ids)!r}",
                next_step="see to it that both name galaxies alike, or they are asked for again",
            )
        if self.settings.random:
            return
        if not self.is_calibrated:
            warn(
                f"{where}: not calibrated, so that how sure the network is stands on its own word",
                next_step="`kamerton calibrate` the run on galaxies that it has not seen, and predict again",
            )
        if not self.spreads:
            warn(
                f"{where}: without features, so that the galaxies may all be of one kind",
                next_step="`kamerton predict --features all` writes what tells them apart",
            )

    def asked(self, rows: Rows, out: Path | None) -> Asked:
        """Tell of the chosen galaxies."""
        names = list(self.catalogue.class_names.values())
        slugs = list(self.catalogue.class_names)
        sets = [f"set_{slug}" for slug in slugs] if self.is_calibrated else []
        wanted = [ID.name, PREDICTED_CLASS.name, SET_SIZE, *self.probabilities, *sets]
        table = self.catalogue.pick(rows, self.catalogue.with_columns(wanted))
        probabilities = np.column_stack([values(table, name) for name in self.probabilities])
        found_margins, sizes, ids = margins(probabilities), values(table, SET_SIZE), texts(table, ID.name)
        in_set = np.column_stack([_truth(table, name) for name in sets]) if sets else None
        places = paths_of(self.catalogue, ids)
        found = []
        for number, name in enumerate(ids):
            order = np.argsort(-probabilities[number], kind="stable")
            size = None if math.isnan(sizes[number]) else int(sizes[number])
            likely = order[:2] if in_set is None else [place for place in order if in_set[number, place]]
            likely_names = tuple(names[place] for place in likely)
            best = int(order[0])
            path, row = places[number]
            found.append(
                AskedGalaxy(
                    number + 1,
                    name,
                    path,
                    row,
                    names[best],
                    float(probabilities[number, best]),
                    float(found_margins[number]),
                    size,
                    likely_names,
                    self._why(found_margins[number], size, likely_names),
                )
            )
        learned = None if self._learned is None else self.learned
        return Asked(
            where=str(self.catalogue.path),
            galaxies=tuple(found),
            known=len(self.catalogue),
            failed=self.failed,
            labelled=self.labelled,
            learned=learned,
            way=self._way(),
            path=out,
        )

    def _why(self, margin: float, size: int | None, likely: Sequence[str]) -> str:
        if self.settings.random:
            return "taken at random"
        if size == 0:
            return "no class is likely"
        if size is not None and size > 1:
            return f"{size} classes are likely: {', '.join(likely)}"
        return f"{' before '.join(likely[:2])} by {margin:.3f}"

    def _way(self) -> str:
        if self.settings.random:
            return f"taken at random, seed {self.settings.seed}"
        sure = "least sure after calibration" if self.is_calibrated else "least sure by the network's own word"
        return f"of the {self._most()} {sure}, those that differ in what the network sees" if self.spreads else sure


def _truth(table: pa.Table, name: str) -> np.ndarray:
    """Give a column of truth values, however its file spells them."""
    return np.array([text.lower() in {"true", "1"} for text in texts(table, name)])
