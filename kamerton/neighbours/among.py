"""What galaxies must be able to tell among which neighbours are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from kamerton.arrays import Features, Rows, SquareHWC
from kamerton.certainty.outliers import FeatureSpace
from kamerton.neighbours.galaxy import Galaxy

if TYPE_CHECKING:
    import pyarrow as pa


class Among(Protocol):
    """Galaxies among which neighbours are looked for, read block by block."""

    @property
    def name(self) -> str:
        """What they are called in messages."""

    def __len__(self) -> int:
        """How many there are."""

    def ids(self) -> Iterator[pa.ChunkedArray]:
        """Give the ids of all, piece by piece."""

    def features(self) -> Iterator[Features]:
        """Give the features of all, block by block; NaN where a galaxy has none."""

    def features_of(self, rows: Rows) -> Features:
        """Give those of some rows, in their order."""

    @property
    def space(self) -> FeatureSpace | None:
        """In which they are compared; None where the features are places in such a space."""

    def galaxies(self, rows: Rows) -> list[Galaxy]:
        """Tell what is known of some rows, in their order."""

    def pictures(self, rows: Rows) -> list[SquareHWC | None]:
        """Give the pictures of some rows, None where one is gone; what is missing is said."""
