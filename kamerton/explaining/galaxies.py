"""The galaxies of a source as an explanation needs them: names, true classes, images, and what the network says."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamerton.arrays import Labels, Probabilities, Sets, SquaresNHWC
from kamerton.catalogue.manifest import PLACE, SOURCE
from kamerton.catalogue.reading import read_shard
from kamerton.catalogue.requests import say_doubtful
from kamerton.certainty.judging import Certainty
from kamerton.data.cubes.cube import open_cube
from kamerton.data.sources.place_names import name_of
from kamerton.data.sources.source import Source
from kamerton.errors import CubeError, DataError, UsageError, warn
from kamerton.evaluation.cubes import labels_of_run
from kamerton.explaining.choosing import UNKNOWN
from kamerton.inference.predictor import Predictor
from kamerton.plurals import counted
from kamerton.progress import Progress
from kamerton.runs.folder import Run

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Listed:
    """Galaxies of a source, in its order or that of the rows that were named."""

    rows: tuple[int, ...]
    places: tuple[str, ...]
    ids: tuple[str, ...]
    labels: Labels
    """Numbers of the run's classes; `UNKNOWN` where nobody has told."""


@dataclass(frozen=True, eq=False)
class Answered:
    """What the network says of them; NaN and False where a galaxy could not be read."""

    probabilities: Probabilities
    """Calibrated, where the run is."""
    in_set: Sets | None
    """The calibrated sets; None for a run that is not calibrated."""


def list_galaxies(run: Run, source: Source, wanted: Sequence[int] | None, label_column: str) -> Listed:
    """List all galaxies, or those of the wanted rows; UsageError where the source has no such row."""
    texts: dict[int, str] = {}
    found: dict[int, tuple[str, str]] = {}
    rows_wanted = None if wanted is None else set(wanted)
    count = 0
    for batch in source.batches(ROWS_AT_ONCE):
        columns = [batch["place"].to_pylist(), batch["id"].to_pylist(), _labels(batch, label_column)]
        for row, (place, name, label) in enumerate(zip(*columns, strict=True), start=count):
            if rows_wanted is None or row in rows_wanted:
                found[row] = (place, name)
                texts[row] = label
        count += len(batch)
    rows = tuple(found) if wanted is None else tuple(wanted)
    _require_rows(source, rows, count)
    labels = _known_labels(run, source, rows, texts)
    return Listed(rows, tuple(found[row][0] for row in rows), tuple(found[row][1] for row in rows), labels)


def _labels(batch: pa.RecordBatch, column: str) -> list[str]:
    if column not in batch.schema.names:
        return [""] * len(batch)
    return ["" if value is None else str(value) for value in batch[column].to_pylist()]


def _require_rows(source: Source, rows: Sequence[int], count: int) -> None:
    missing = [row for row in rows if row >= count]
    if missing or not count:
        raise UsageError(
            f"{source.path}: no such row" if missing else f"{source.path}: no galaxies",
            received=f"row {missing[0]}" if missing else "0 galaxies",
            allowed=f"rows 0 to {count - 1}" if count else "at least one",
            next_step="rows count from 0" if missing else "name another source",
        )


def _known_labels(run: Run, source: Source, rows: Sequence[int], texts: dict[int, str]) -> Labels:
    """Give the true classes by the cube's labels, or by the names in a column; `UNKNOWN` where there are none."""
    if source.kind == "cube":
        labels = _cube_labels(run, source.path)
        if labels is not None:
            return np.asarray(labels[np.array(rows)])
    names = {name: number for number, name in enumerate(run.record.class_names)}
    told = [texts[row] for row in rows]
    strange = [text for text in told if text and text not in names]
    if strange:
        all_told = sum(map(bool, told))
        warn(
            f"{source.path}: {len(strange)} of {counted(all_told, 'label')} of no class of the run, so that these "
            "galaxies are not known to be right or wrong",
            received=", ".join(sorted(set(strange))[:5]),
            allowed=", ".join(names),
            next_step="nothing, if the classes are others",
        )
    return np.array([names.get(text, UNKNOWN) for text in told], np.int64)


def _cube_labels(run: Run, path: Path) -> Labels | None:
    """Read a cube's labels as the run's classes; None where it has none, or others."""
    with suppress(CubeError), open_cube(path) as cube:
        try:
            return labels_of_run(run, cube)
        except CubeError as error:
            warn(error.what, received=error.received, allowed=error.allowed, next_step="nothing, if that is meant")
    return None


def answer_all(
    predictor: Predictor, certainty: Certainty | None, source: Source, listed: Listed, watcher: Progress
) -> Answered:
    """Let the network answer for all; what cannot be read is said, and DataError where that is every galaxy."""
    import pyarrow as pa

    count, classes = len(listed.rows), len(predictor.class_names)
    probabilities = np.full((count, classes), np.nan, np.float32)
    in_set = np.zeros((count, classes), bool)
    reasons: list[str] = []
    doubtful = 0
    table = pa.table({SOURCE: pa.array([0] * count, pa.int32()), PLACE: pa.array(listed.places, pa.string())})
    with watcher.task(f"labelling {source.path.name}", count, "galaxies") as advance:
        for batch in read_shard(table, [source]):
            reasons += [reason for reason in batch.reasons if reason is not None]
            doubtful += int(batch.is_doubtful.sum())
            if batch.images_nhwc is not None:
                answers = predictor.answers(batch.images_nhwc)
                judged = None if certainty is None else certainty.judge(answers)
                rows = [batch.first + place for place, reason in enumerate(batch.reasons) if reason is None]
                probabilities[rows] = answers.probabilities if judged is None else judged.probabilities
                if judged is not None:
                    in_set[rows] = judged.in_set
            advance(batch.count)
    _say_what_cannot_be_read(source, reasons, count)
    say_doubtful(predictor.run, doubtful, count - len(reasons), to_see="the galaxies' pictures")
    return Answered(probabilities, None if certainty is None else in_set)


def _say_what_cannot_be_read(source: Source, reasons: Sequence[str], count: int) -> None:
    if len(reasons) == count:
        raise DataError(
            f"{source.path}: not one of these galaxies can be read",
            received=reasons[0],
            next_step="mend what that says, or name others",
        )
    if reasons:
        warn(
            f"{source.path}: {len(reasons)} of {counted(count, 'galaxy')} cannot be read, and are left out",
            received=f"the first: {reasons[0]}",
            next_step="mend what that says, if they are wanted",
        )


def read_images(source: Source, places: Sequence[str]) -> SquaresNHWC:
    """Read galaxies that could be read a moment ago (n, side, side, channels)."""
    images = []
    for image_hwc in source.images(places):
        if isinstance(image_hwc, Exception):
            raise image_hwc
        images.append(image_hwc)
    return np.stack(images)


def file_of(source: Source, place: str) -> Path | None:
    """Name the file that a galaxy was read from; None where it shares one with others."""
    if source.kind == "picture":
        return source.path
    if source.kind == "folder":
        return source.path / name_of(place)
    return source.path.parent / place if source.kind == "list" else None
