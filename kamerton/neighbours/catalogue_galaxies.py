"""The galaxies of a catalogue, among which neighbours are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from kamerton.arrays import Features, Rows, SquareHWC
from kamerton.catalogue.columns import FEATURES_COLUMN, ID, POSITION, PREDICTED_CLASS, STATUS
from kamerton.catalogue.heading import FEATURE_KIND
from kamerton.catalogue.readers.opened import OpenedCatalogue, matrix, strings, texts, values
from kamerton.certainty.outliers import FeatureSpace
from kamerton.errors import DataError
from kamerton.neighbours.galaxy import Galaxy
from kamerton.neighbours.nearest import learn_middle
from kamerton.neighbours.pictures import catalogue_pictures

if TYPE_CHECKING:
    import pyarrow as pa

MOST_KEPT_BYTES = 1 << 30
"""Features that are kept in memory, and not read again for the search: those of two million galaxies by 128."""


class CatalogueGalaxies:
    """The galaxies of a catalogue with features."""

    def __init__(self, catalogue: OpenedCatalogue) -> None:
        if not catalogue.has_features:
            raise DataError(
                f"{catalogue.path}: its galaxies have no features by which they could be compared",
                received=f"columns {', '.join(catalogue.columns)}",
                allowed=f"a column {FEATURES_COLUMN}",
                next_step="make it again by `kamerton predict --features all`",
            )
        self.catalogue = catalogue

    @property
    def name(self) -> str:
        """What they are called in messages."""
        return str(self.catalogue.path)

    def __len__(self) -> int:
        return len(self.catalogue)

    def ids(self) -> Iterator[pa.ChunkedArray]:
        """See `Among`."""
        return (strings(table[ID.name]) for table in self.catalogue.tables([ID.name]))

    def features(self) -> Iterator[Features]:
        """See `Among`."""
        return self.catalogue.features() if self._kept is None else iter(self._kept)

    @cached_property
    def _kept(self) -> list[Features] | None:
        """What is read once and looked at twice, where that is not much."""
        first = matrix(self.catalogue.parts[0].read([FEATURES_COLUMN]), self.catalogue.path)
        kept_bytes = len(self) * first.shape[1] * first.itemsize
        return list(self.catalogue.features()) if kept_bytes <= MOST_KEPT_BYTES else None

    def features_of(self, rows: Rows) -> Features:
        """See `Among`."""
        return matrix(self.catalogue.pick(rows, [FEATURES_COLUMN]), self.catalogue.path)

    @cached_property
    def space(self) -> FeatureSpace | None:
        """See `Among`; places along the axes of the training galaxies are in such a space already."""
        return None if self.catalogue.facts.get(FEATURE_KIND) == "axes" else learn_middle(self.features())

    def galaxies(self, rows: Rows) -> list[Galaxy]:
        """See `Among`."""
        classes = self.catalogue.class_names
        columns = [f"p_{slug}" for slug in classes]
        place = [column.name for column in POSITION]
        table = self.catalogue.pick(
            rows, self.catalogue.with_columns([ID.name, *place, PREDICTED_CLASS.name, STATUS.name, *columns])
        )
        probabilities = np.column_stack([values(table, name) for name in columns] or [np.full(len(table), np.nan)])
        ra_deg, dec_deg = (values(table, name).tolist() for name in place)
        found = zip(
            rows.tolist(),
            texts(table, ID.name),
            texts(table, PREDICTED_CLASS.name),
            probabilities.max(1).tolist(),
            ra_deg,
            dec_deg,
            strict=True,
        )
        return [Galaxy(*one) for one in found]

    def pictures(self, rows: Rows) -> list[SquareHWC | None]:
        """See `Among`."""
        return catalogue_pictures(self.catalogue, [galaxy.id for galaxy in self.galaxies(rows)])
