"""What a network says of galaxies, as rows of a catalogue."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from kamerton.arrays import Mask, SquaresNHWC
from kamerton.catalogue.columns import (
    DOUBTFUL,
    FEATURES_COLUMN,
    FLAGS_COLUMN,
    PREDICTED_CLASS,
    STATUS,
    Features,
    arrow_schema,
    class_columns,
    class_slugs,
    feature_columns,
)
from kamerton.catalogue.first_galaxies import FirstGalaxies
from kamerton.catalogue.reading import Batch
from kamerton.certainty.judging import FLAGS, Certainty
from kamerton.config.answers import FeatureKind
from kamerton.errors import UsageError
from kamerton.inference.engines import Answers
from kamerton.inference.predictor import Predictor

if TYPE_CHECKING:
    import pyarrow as pa

STATUS_LETTERS = 300
"""Of a reason; some formats give every row the room of the longest."""


class Answering:
    """A run's network, and its calibration where it has one, as what fills the columns of a catalogue."""

    def __init__(
        self, predictor: Predictor, certainty: Certainty | None, feature_kind: FeatureKind | None = None
    ) -> None:
        if feature_kind == "axes" and (certainty is None or not certainty.knows_neighbours):
            raise UsageError(
                f"{predictor.run.name} knows no axes of its training galaxies",
                received="--features axes",
                next_step="calibrate it where its training cube is, or use --features all",
            )
        self.predictor, self.certainty, self._feature_kind = predictor, certainty, feature_kind
        self._first = None if certainty is None else FirstGalaxies(predictor.run, certainty)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns that are filled here."""
        columns = class_columns(self.predictor.class_names, None if self.certainty is None else FLAGS)
        return arrow_schema([*columns, *feature_columns(self.features), STATUS])

    @cached_property
    def features(self) -> Features | None:
        """Which features the rows hold, and how many; None for none."""
        if self._feature_kind is None:
            return None
        side, _, channels = self.predictor.run.image_shape
        # Not blank, which would be refused.
        galaxy = np.arange(side * side * channels, dtype=np.float32).reshape(1, side, side, channels) % 256
        return Features(self._feature_kind, self._feature_values(self.predictor.answers(galaxy)).shape[1])

    def _feature_values(self, answers: Answers) -> Float32[np.ndarray, "n features"]:
        if self._feature_kind == "all" or self.certainty is None:
            return answers.features
        return self.certainty.space.points(answers.features)

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
        if self._feature_kind is not None:
            values[FEATURES_COLUMN] = self._feature_values(answers)
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

    if pa.types.is_fixed_size_list(kind):
        # Readers know no cell without its numbers.
        numbers = np.full((len(there), kind.list_size), np.nan, np.float32)
        if len(values):
            numbers[there] = values
        return pa.FixedSizeListArray.from_arrays(numbers.reshape(-1), type=kind)
    whole = np.zeros(len(there), kind.to_pandas_dtype())
    if len(values):
        whole[there] = values
    if whole.dtype.kind == "b":
        return pa.array(whole, kind)
    unknown = np.isnan(whole) if whole.dtype.kind == "f" else np.zeros(len(there), bool)
    return pa.array(whole, kind, mask=~there | unknown)


def _cut(reason: str | None) -> str | None:
    return reason if reason is None or len(reason) <= STATUS_LETTERS else reason[: STATUS_LETTERS - 3] + "..."
