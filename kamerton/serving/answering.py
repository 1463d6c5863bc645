"""From the files of a request to an answer: the way of `kamerton predict`, file by file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kamerton.arrays import SquareHWC
from kamerton.catalogue.answering import Answering
from kamerton.catalogue.columns import (
    DOUBTFUL,
    FLAGS_COLUMN,
    ID,
    POSITION,
    STATUS,
    Header,
    arrow_schema,
    catalogue_columns,
    class_slugs,
)
from kamerton.catalogue.manifest import PLACE, SOURCE
from kamerton.catalogue.reading import read_shard
from kamerton.catalogue.requests import GivenPixels, OtherPixelsError, open_sources, say_doubtful
from kamerton.certainty.judging import FLAGS
from kamerton.config.pictures import PATH_COLUMN, PictureSettings
from kamerton.config.serving import Caps
from kamerton.data.pictures.cutout import is_fits
from kamerton.data.pictures.picture import read_picture
from kamerton.data.pictures.stretch import Stretch
from kamerton.data.sources.source import Source, settings_of
from kamerton.errors import DataError, KamertonError, heard
from kamerton.plurals import counted
from kamerton.runs.folder import Run
from kamerton.serving.networks import Network
from kamerton.serving.uploads import Given, require_small


@dataclass(frozen=True, eq=False)
class Galaxy:
    """One galaxy of an answer, as the page shows it."""

    id: str
    image_hwc: SquareHWC | None
    """None where it could not be read."""
    status: str | None
    """Why, in one line."""
    probabilities: tuple[float, ...]
    """In the order of the classes."""
    in_set: tuple[bool, ...] | None
    """Whether each class is in the calibrated set; None for a run that is not calibrated."""
    flags: int
    """Bits of FLAGS, and DOUBTFUL."""
    ood_knn: float | None
    """Share of known galaxies that are nearer to the training galaxies."""
    cutout: Path | None
    """The FITS cutout that it is, whose stretch may be looked at."""
    stretch: Stretch | None
    """That the run's pixels ask for."""
    refused: GivenPixels | None = None
    """How its pixels come to be, where the run does not take such."""

    @property
    def best(self) -> int:
        """The number of the most probable class."""
        return int(np.argmax(self.probabilities))


@dataclass(eq=False)
class Answer:
    """What a network says of the galaxies of one request."""

    run: Run
    run_name: str
    """By which the page knows the run."""
    class_names: tuple[str, ...]
    coverage: float | None
    """That the sets promise; None for a run that is not calibrated."""
    galaxies: tuple[Galaxy, ...]
    header: Header
    rows: pa.Table
    warnings: tuple[str, ...]
    method: str
    """How its maps are made."""
    folder: Path
    """Of its files; it goes with the answer."""
    maps: dict[tuple[int, int], bytes] = field(default_factory=dict)
    """Pictures of maps, by galaxy and class, once they were asked for."""

    @property
    def size_bytes(self) -> int:
        """What it holds, on disk and in memory."""
        images = sum(0 if one.image_hwc is None else one.image_hwc.nbytes for one in self.galaxies)
        files = sum(path.stat().st_size for path in self.folder.iterdir()) if self.folder.is_dir() else 0
        return images + files + sum(map(len, self.maps.values()))

    def close(self) -> None:
        """Take its files away."""
        shutil.rmtree(self.folder, ignore_errors=True)


def answer(network: Network, run_name: str, given: Sequence[Given], folder: Path, caps: Caps) -> Answer:
    """Let a network answer for files; what cannot be read is a galaxy with a status, as in a catalogue.

    Raises DataError for more galaxies than the page takes.
    """
    names = [one.name for one in given]
    with heard() as lines:
        work = _Work(network.run, network.answering(), caps)
        for one, name in zip(given, _distinct(names), strict=True):
            work.add(one, name, alone=len(given) == 1)
        work.end()
    certainty = network.certainty
    class_names = network.predictor.class_names
    columns = catalogue_columns(
        {}, class_names, positions=work.has_positions, flags=None if certainty is None else FLAGS
    )
    title = f"Shapes of {counted(len(work.galaxies), 'galaxy')}, by the network {network.run.record.network}"
    return Answer(
        network.run,
        run_name,
        class_names,
        None if certainty is None else certainty.calibration.coverage,
        tuple(work.galaxies),
        Header(title, columns, network.facts),
        work.table(),
        tuple(_without_paths(line, given) for line in dict.fromkeys([*network.warnings, *lines])),
        network.method,
        folder,
    )


class _Work:
    """Galaxies of files, one file after another."""

    def __init__(self, run: Run, answering: Answering, caps: Caps) -> None:
        self.run, self.answering, self.caps = run, answering, caps
        self.galaxies: list[Galaxy] = []
        self._tables: list[pa.Table] = []
        self._settings = settings_of(run.record.pixel_origin)
        self._slugs = class_slugs(run.record.class_names)
        self._ids: set[str] = set()

    def add(self, given: Given, name: str, *, alone: bool) -> None:
        """Answer for the galaxies of one file; what is wrong with it as a whole is the status of one galaxy."""
        before = len(self.galaxies)
        try:
            require_small(given.path, self.caps)
            with open_sources(self.run, [given.path], PATH_COLUMN) as (source,):
                self._add_source(source, given, name, alone=alone)
        except _TooManyError:
            raise
        except KamertonError as error:
            if len(self.galaxies) == before:
                refused = error.given if isinstance(error, OtherPixelsError) else None
                self._add_failed(name, _without_paths(str(error), [given]), refused)

    def _add_source(self, source: Source, given: Given, name: str, *, alone: bool) -> None:
        listed = self._listed(source)
        if source.kind == "picture":
            ids = [name]
        else:
            ids = [str(one) if alone else f"{name}/{one}" for one in listed["id"].to_pylist()]
        places = pa.table({SOURCE: pa.array([0] * len(listed), pa.int32()), PLACE: listed[PLACE]})
        for batch in read_shard(places, [source]):
            rows = self.answering.rows(batch)
            images = iter(() if batch.images_nhwc is None else batch.images_nhwc)
            some = ids[batch.first : batch.first + batch.count]
            reasons = [None if one is None else _without_paths(one, [given]) for one in batch.reasons]
            rows = rows.set_column(rows.num_columns - 1, STATUS.name, pa.array(reasons, pa.string()))
            placed = listed.slice(batch.first, batch.count)
            self._tables.append(self._whole(some, placed["ra"], placed["dec"], rows))
            for row, (one, reason) in enumerate(zip(some, reasons, strict=True)):
                image_hwc = next(images) if reason is None else None
                self.galaxies.append(self._galaxy(one, image_hwc, rows, row, given, source))

    def _listed(self, source: Source) -> pa.Table:
        """List the galaxies of a file, no more than the page takes."""
        batches, count = [], len(self.galaxies)
        for batch in source.batches(self.caps.galaxies):
            batches.append(batch.select(["place", "id", "ra", "dec"]))
            count += len(batch)
            if count > self.caps.galaxies:
                raise _TooManyError(
                    "More galaxies than this page takes at once",
                    received=f"{count} and more",
                    allowed=f"{self.caps.galaxies} of all files together",
                    next_step="use `kamerton predict`, which takes any number",
                )
        return pa.Table.from_batches(batches)

    def _galaxy(
        self, name: str, image_hwc: SquareHWC | None, rows: pa.Table, row: int, given: Given, source: Source
    ) -> Galaxy:
        cells = {column: rows[column][row].as_py() for column in rows.column_names}
        is_calibrated = "set_size" in cells
        cutout, stretch = None, None
        if image_hwc is not None and source.kind == "picture" and is_fits(given.path):
            cutout = given.path
            stretch = read_picture(given.path, stretched(self.run, None, None)).stretch
        return Galaxy(
            name,
            None if image_hwc is None else np.ascontiguousarray(image_hwc),
            cells[STATUS.name],
            tuple(float(cells[f"p_{slug}"] or 0) for slug in self._slugs),
            tuple(bool(cells[f"set_{slug}"]) for slug in self._slugs) if is_calibrated else None,
            int(cells[FLAGS_COLUMN] or 0),
            cells.get("ood_knn"),
            cutout,
            stretch,
        )

    def _add_failed(self, name: str, reason: str, refused: GivenPixels | None) -> None:
        schema = self.answering.schema
        cells = {one.name: [_nothing(one)] for one in schema} | {STATUS.name: [reason]}
        rows = pa.table({key: pa.array(value, schema.field(key).type) for key, value in cells.items()}, schema=schema)
        unknown = pa.array([None], pa.float64())
        self._tables.append(self._whole([name], unknown, unknown, rows))
        empty = (0.0,) * len(self._slugs)
        self.galaxies.append(Galaxy(name, None, reason, empty, None, 0, None, None, None, refused))

    def _whole(self, ids: Sequence[str], ra: Any, dec: Any, rows: pa.Table) -> pa.Table:
        own = {ID.name: pa.array(ids, pa.string()), POSITION[0].name: ra, POSITION[1].name: dec}
        return pa.table({**own, **{name: rows[name] for name in rows.column_names}})

    def end(self) -> None:
        """Say what all galaxies together have shown."""
        self.answering.end()
        readable = sum(one.image_hwc is not None for one in self.galaxies)
        doubtful = sum(bool(one.flags & DOUBTFUL) for one in self.galaxies)
        say_doubtful(self.run, doubtful, readable, to_see="those that are marked")

    @property
    def has_positions(self) -> bool:
        """Whether any galaxy's place on the sky is known."""
        return any(table["ra"].null_count < len(table) for table in self._tables)

    def table(self) -> pa.Table:
        """Give all rows."""
        whole = pa.concat_tables(self._tables)
        if not self.has_positions:
            whole = whole.drop_columns([column.name for column in POSITION])
        return whole


class _TooManyError(DataError):
    """Of all files together, so that none of them is answered."""


def stretched(run: Run, q: float | None, stretch: float | None) -> PictureSettings:
    """Give how a run's pictures become pixels, or with another stretch, to be looked at."""
    settings = settings_of(run.record.pixel_origin)
    return PictureSettings(
        settings.size, settings.crop, settings.bands, settings.q if q is None else q, stretch or settings.stretch
    )


def _nothing(column: pa.Field) -> Any:
    """Give what stands in a row without an answer: truth values know no third one."""
    return False if pa.types.is_boolean(column.type) else None


def _distinct(names: Sequence[str]) -> Iterator[str]:
    """Tell files of one name apart."""
    taken: set[str] = set()
    for name in names:
        number, one = 1, name
        while one in taken:
            number += 1
            one = f"{name} ({number})"
        taken.add(one)
        yield one


def _without_paths(line: str, given: Sequence[Given]) -> str:
    """Name files as the browser did, and not by where they are kept."""
    for one in given:
        line = line.replace(str(one.path.absolute()), one.name).replace(str(one.path), one.name)
    return line


def checked_schema(found: Answer) -> pa.Table:
    """Give the rows in the types that its columns have."""
    return found.rows.select([column.name for column in found.header.columns]).cast(arrow_schema(found.header.columns))
