"""What a network says of galaxies, as rows of a catalogue."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.arrays import Mask, SquaresNHWC
from kamerton.catalogue.columns import (
    DOUBTFUL,
    FLAGS_COLUMN,
    PREDICTED_CLASS,
    STATUS,
    arrow_schema,
    class_columns,
    class_slugs,
)
from kamerton.catalogue.first_galaxies import FirstGalaxies
from kamerton.catalogue.reading import Batch
from kamerton.certainty.judging import FLAGS, Certainty
from kamerton.inference.predictor import Predictor

if TYPE_CHECKING:
    import pyarrow as pa

STATUS_LETTERS = 300
"""Of a reason; some formats give every row the room of the longest."""


class Answering:
    """A run's network, and its calibration where it has one, as what fills the columns of a catalogue."""

    def __init__(self, predictor: Predictor, certainty: Certainty | None) -> None:
        self.predictor, self.certainty = predictor, certainty
        self._first = None if certainty is None else FirstGalaxies(predictor.run, certainty)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns that are filled here."""
        columns = class_columns(self.predictor.class_names, None if self.certainty is None else FLAGS)
        return arrow_schema([*columns, STATUS])

    def rows(self, batch: Batch) -> pa.Table:
        """Give a row a galaxy; one without an image has no answer, and a status that says why."""
        import pyarrow as pa

        there = np.array([reason is None for reason in batch.reasons])
        values = {} if batch.images_nhwc is None else self._values(batch.images_nhwc, batch.is_doubtful[there])
        answered = [field for field in self.schema if field.name != STATUS.name]
        found = {field.name: _column(values.get(field.name, ()), there, field.type) for field in answered}
        return pa.table(found | {STATUS.name: pa.array(map(_cut, batch.reasons), pa.string())}, schema=self.schema)

    def end(self) -> None:
        """Say at the end of a short catalogue what its galaxies have shown."""
        if self._first is not None:
            self._first.look()

    def _values(self, images_nhwc: SquaresNHWC, is_doubtful: Mask) -> dict[str, Any]:
        names = self.predictor.class_names
        answers = self.predictor.answers(images_nhwc)
        judged = None if self.certainty is None else self.certainty.judge(answers)
        if self._first is not None:
            self._first.add(answers.features, images_nhwc)
        probabilities = answers.probabilities if judged is None else judged.probabilities
        values: dict[str, Any] = {PREDICTED_CLASS.name: np.array(names, object)[probabilities.argmax(1)]}
        slugs = class_slugs(names)
        values |= {f"p_{slug}": probabilities[:, place] for place, slug in enumerate(slugs)}
        flags = np.where(is_doubtful, np.int16(DOUBTFUL), np.int16(0))
        if judged is None:
            return values | {FLAGS_COLUMN: flags}
        values |= {f"set_{slug}": judged.in_set[:, place] for place, slug in enumerate(slugs)}
        values |= {name: getattr(judged, name) for name in ("set_size", "ood_energy", "ood_knn")}
        return values | {FLAGS_COLUMN: flags | judged.flags}


def _column(values: Any, there: Mask, kind: pa.DataType) -> pa.Array:
    """Put the values of the galaxies that have an image into the rows of all, with nulls between and for NaN.

    Between truth values stands False, for Astropy's readers of VOParquet and FITS know no third one.
    """
    import pyarrow as pa

    whole = np.zeros(len(there), kind.to_pandas_dtype())
    if len(values):
        whole[there] = values
    if whole.dtype.kind == "b":
        return pa.array(whole, kind)
    unknown = np.isnan(whole) if whole.dtype.kind == "f" else np.zeros(len(there), bool)
    return pa.array(whole, kind, mask=~there | unknown)


def _cut(reason: str | None) -> str | None:
    return reason if reason is None or len(reason) <= STATUS_LETTERS else reason[: STATUS_LETTERS - 3] + "..."
