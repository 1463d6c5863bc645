"""The galaxies that are most like one, as an answer: for a program, a terminal, and in files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table as Shown

from kamerton.arrays import SquareHWC
from kamerton.catalogue.columns import ID, POSITION, PREDICTED_CLASS, Column, Header, arrow_schema
from kamerton.catalogue.writers import WRITERS
from kamerton.errors import UnknownNameError
from kamerton.figures.drawing import save_figure
from kamerton.figures.neighbours import Shown as ShownGalaxy
from kamerton.figures.neighbours import neighbours_figure
from kamerton.figures.testing import short_name
from kamerton.neighbours import english, polish
from kamerton.neighbours.galaxy import Galaxy
from kamerton.neighbours.nearest import SAME_DISTANCE
from kamerton.plurals import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": english.WORDS, "pl": polish.WORDS}

TABLE_ENDINGS = (".csv", ".parquet", ".vot")
"""Formats of the table in a folder."""

TABLE_NAME, GALLERY_FILE = "neighbours", "gallery.png"

DISTANCE = "1 - cosine between what the network sees in the two, 0 where it is the same"


def find_language(lang: str) -> Mapping[str, str]:
    """Give the words of a language; UnknownNameError lists the known ones."""
    if lang not in LANGUAGES:
        raise UnknownNameError("language", lang, LANGUAGES)
    return LANGUAGES[lang]


@dataclass(frozen=True)
class Neighbour:
    """One of the galaxies that are most like another."""

    rank: int
    """From 1, the nearest."""
    galaxy: Galaxy
    distance: float
    """1 - cosine between what the network sees in both: 0 is the same, 1 nothing in common, 2 the opposite."""

    @property
    def is_same(self) -> bool:
        """Whether the network sees no difference: probably it is the same galaxy again."""
        return self.distance < SAME_DISTANCE

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {"rank": self.rank, **self.galaxy.as_json(), "distance": self.distance, "same": self.is_same}


@dataclass(frozen=True)
class Neighbours:
    """The galaxies that are most like one."""

    query: Galaxy
    """Its row is -1 where it is not among the known ones."""
    where: str
    """The catalogue, or the cube of the training."""
    known: int
    """Galaxies there."""
    neighbours: tuple[Neighbour, ...]
    path: Path | None
    """Folder of table and gallery, where one was asked for."""

    def __repr__(self) -> str:
        return f"Neighbours({counted(len(self.neighbours), 'galaxy')} most like {self.query.id}, of {self.where})"

    @property
    def is_known(self) -> bool:
        """Whether the galaxy itself is among the known ones."""
        return self.query.row >= 0

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "query": self.query.as_json(),
            "where": self.where,
            "known": self.known,
            "distance": DISTANCE,
            "neighbours": [one.as_json() for one in self.neighbours],
            "path": None if self.path is None else str(self.path),
        }

    def describe(self) -> list[str]:
        """Say what was found, in a few lines beside the table."""
        asked = f"{self.query.id}: {self.query.predicted_class} {self.query.probability:.3f}"
        itself = f"row {self.query.row} of {self.where}, left out" if self.is_known else f"not of {self.where}"
        lines = [f"most like {asked} ({itself}), among {counted(self.known, 'galaxy')}; distance: {DISTANCE}"]
        same = [one.galaxy.id for one in self.neighbours if one.is_same]
        if same:
            lines.append(f"probably the same galaxy again: {', '.join(same)}")
        return lines if self.path is None else [*lines, f"table and gallery: {self.path}"]

    def table(self) -> Shown:
        """Show them in a terminal."""
        has_place = any(math.isfinite(one.galaxy.ra) for one in self.neighbours)
        has_truth = any(one.galaxy.true_class is not None for one in self.neighbours)
        shown = Shown(box=SIMPLE_HEAD)
        titles = ["", "galaxy", "class", "probability", *(["label"] if has_truth else []), "distance"]
        for title in [*titles, *(["ra", "dec"] if has_place else [])]:
            is_text = title in {"galaxy", "class", "label"}
            # A cut name would be another one.
            shown.add_column(title, justify="left" if is_text else "right", overflow="fold")
        for one in self.neighbours:
            galaxy = one.galaxy
            cells = [str(one.rank), galaxy.id, galaxy.predicted_class, f"{galaxy.probability:.3f}"]
            cells += [galaxy.true_class or ""] if has_truth else []
            cells.append("same" if one.is_same else f"{one.distance:.4f}")
            cells += [_degrees(galaxy.ra), _degrees(galaxy.dec)] if has_place else []
            shown.add_row(*map(escape, cells))
        return shown

    def write(
        self, folder: Path, images: Sequence[SquareHWC | None], facts: Mapping[str, str], words: Mapping[str, str]
    ) -> None:
        """Write the table, and the gallery where there are pictures: the first is the query's."""
        self._write_tables(folder, facts)
        if any(image is not None for image in images):
            save_figure(self._figure(images, words), folder / GALLERY_FILE)

    def _write_tables(self, folder: Path, facts: Mapping[str, str]) -> None:
        import pyarrow as pa

        has_truth = any(one.galaxy.true_class is not None for one in self.neighbours)
        columns = (
            Column("rank", "int32", "Place by distance, 1 the nearest", ucd="meta.number"),
            ID,
            *POSITION,
            PREDICTED_CLASS,
            Column("probability", "float32", "Probability of that class", ucd="stat.probability;src.morph.type"),
            *((Column("label", "text", "Class in the training cube", ucd="src.morph.type"),) if has_truth else ()),
            Column("distance", "float64", DISTANCE, ucd="stat.value"),
            Column("same", "bool", "Whether it is probably the same galaxy again", ucd="meta.code"),
        )
        told = {"query": self.query.id, "neighbours_of": self.where, "known_galaxies": str(self.known), **facts}
        header = Header(f"Galaxies most like {self.query.id}", columns, told)
        cells: dict[str, list[Any]] = {
            "rank": [one.rank for one in self.neighbours],
            "id": [one.galaxy.id for one in self.neighbours],
            "ra": [_or_null(one.galaxy.ra) for one in self.neighbours],
            "dec": [_or_null(one.galaxy.dec) for one in self.neighbours],
            "predicted_class": [one.galaxy.predicted_class for one in self.neighbours],
            "probability": [_or_null(one.galaxy.probability) for one in self.neighbours],
            "label": [one.galaxy.true_class for one in self.neighbours],
            "distance": [one.distance for one in self.neighbours],
            "same": [one.is_same for one in self.neighbours],
        }
        schema = arrow_schema(columns)
        rows = pa.table({name: pa.array(cells[name], schema.field(name).type) for name in schema.names}, schema=schema)
        for ending in TABLE_ENDINGS:
            with WRITERS[ending](folder / f"{TABLE_NAME}{ending}", header, len(rows)) as writer:
                writer.append(rows)

    def _figure(self, images: Sequence[SquareHWC | None], words: Mapping[str, str]) -> Figure:
        shown = [ShownGalaxy(short_name(self.query.id), (_said(self.query, words), words["query"]), images[0], True)]
        for one, image_hwc in zip(self.neighbours, images[1:], strict=True):
            distance = f"{one.distance:.3f}".replace(".", words["decimal"])
            line = words["same" if one.is_same else "distance"].format(rank=one.rank, distance=distance)
            truth = one.galaxy.true_class
            told = _said(one.galaxy, words) if truth is None else words["true"].format(name=truth)
            shown.append(ShownGalaxy(short_name(one.galaxy.id), (told, line), image_hwc))
        where = Path(self.where).name
        heading = words["heading"].format(name=short_name(self.query.id), where=where, count=self.known)
        return neighbours_figure(shown, heading, words)


def _said(galaxy: Galaxy, words: Mapping[str, str]) -> str:
    if math.isnan(galaxy.probability):
        return galaxy.predicted_class
    return f"{galaxy.predicted_class} {words['percent'].format(percent=f'{100 * galaxy.probability:.0f}')}"


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else value


def _degrees(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"
