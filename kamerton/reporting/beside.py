"""What ``labels``, ``similar`` and ``next`` have written, read again to be shown beside a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kamerton.catalogue.readers import open_catalogue
from kamerton.catalogue.readers.opened import texts, values
from kamerton.config.labels import LABELS_GALLERY, LABELS_RECORD
from kamerton.data.lists import open_csv, read_list
from kamerton.errors import DataError, KamertonError, UsageError, warn
from kamerton.files import is_unfinished, read_json
from kamerton.neighbours.answer import GALLERY_FILE, TABLE_NAME
from kamerton.neighbours.next_galaxies import COLUMNS as NEXT_COLUMNS
from kamerton.records import read_record
from kamerton.runs.folder import Run

RECORD_BYTES = 1 << 26
"""A longer labels.json is none: a pair of pictures that are alike takes some hundred bytes."""

ROWS_SHOWN = 20
"""Of a list; the file itself has all."""

MOST_DIGITS = 20
"""Of a number of galaxies; Python takes no number from a text of some thousands."""

NEIGHBOURS_TABLE = f"{TABLE_NAME}.parquet"


@dataclass(frozen=True)
class LabelsTold:
    """What ``kamerton labels`` found."""

    words: tuple[str, ...]
    """In English."""
    translations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """In other languages, by their codes."""

    def sentences(self, lang: str) -> tuple[str, ...]:
        """Give what was found in a language, or in English where nobody wrote it in that."""
        return self.translations.get(lang, self.words)


@dataclass(frozen=True)
class AskedList:
    """Galaxies that ``kamerton next`` asks for."""

    count: int
    rows: tuple[tuple[str, str, str, float, str], ...]
    """Rank, id, class, its probability, likely classes; the first of them."""


@dataclass(frozen=True)
class LikeOne:
    """Galaxies that ``kamerton similar`` found most like one."""

    query: str
    where: str
    known: int
    rows: tuple[tuple[str, str, str, float, float], ...]
    """Rank, id, class, its probability, distance."""


@dataclass(frozen=True)
class Beside:
    """A result, and where it is."""

    path: Path
    found: LabelsTold | LikeOne | AskedList
    gallery: Path | None
    """Its picture, where it has one."""


def beside_runs(runs: Iterable[Run], given: Iterable[str | Path]) -> list[Beside]:
    """Read the results that are given, and those that lie in run folders; each once.

    UsageError or DataError where one that is given is none, or damaged; one that lies in a run is left out aloud.
    """
    found = {Path(path).resolve(): _read(Path(path)) for path in given}
    for place in (place for run in runs for place in _places(run.path)):
        if place.resolve() not in found:
            try:
                found[place.resolve()] = _read(place)
            except (KamertonError, OSError) as error:
                warn(f"{place}: left out of the report", received=str(error).rstrip("."))
    return list(found.values())


def _places(folder: Path) -> Iterator[Path]:
    """Name what lies directly in a run folder and looks like a result."""
    for place in sorted(folder.iterdir()):
        if not is_unfinished(place) and (_is_labels(place) or _is_neighbours(place) or _is_asked(place)):
            yield place


def _is_labels(path: Path) -> bool:
    return (path / LABELS_RECORD).is_file()


def _is_neighbours(path: Path) -> bool:
    return (path / NEIGHBOURS_TABLE).is_file()


def _is_asked(path: Path) -> bool:
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    try:
        return tuple(open_csv(path).header) == NEXT_COLUMNS
    except KamertonError:
        return False


def _read(path: Path) -> Beside:
    if _is_labels(path):
        return Beside(path, _labels(path / LABELS_RECORD), _there(path / LABELS_GALLERY))
    if _is_neighbours(path):
        return Beside(path, _neighbours(path / NEIGHBOURS_TABLE), _there(path / GALLERY_FILE))
    if _is_asked(path):
        return Beside(path, _asked(path), None)
    raise UsageError(
        f"{path}: nothing that can be shown in a report",
        received="no file or folder of that name" if not path.exists() else "another file or folder",
        allowed="the folder of `kamerton labels`, that of `kamerton similar`, or the list of `kamerton next`",
        next_step="name what one of these has written with --out",
    )


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _labels(path: Path) -> LabelsTold:
    try:
        return read_record(LabelsTold, read_json(path, RECORD_BYTES), str(path), DataError)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read as a record of `kamerton labels`",
            received=str(error),
            next_step="make it again with --resume",
        ) from error


def _neighbours(path: Path) -> LikeOne:
    with open_catalogue(path) as table:
        facts = table.facts
        if not {"query", "neighbours_of", "known_galaxies"} <= set(facts) or not _is_count(facts["known_galaxies"]):
            raise DataError(
                f"{path}: no table of `kamerton similar`",
                received=f"facts {', '.join(facts) or 'none'}",
                next_step="make it again",
            )
        names = table.with_columns(["rank", "id", "predicted_class", "probability", "distance"])
        rows = next(table.tables(names))
        cells = [texts(rows, name) for name in ("rank", "id", "predicted_class")]
        numbers = [values(rows, name).tolist() for name in ("probability", "distance")]
        shown = tuple(zip(*cells, *numbers, strict=True))[:ROWS_SHOWN]
    return LikeOne(facts["query"], facts["neighbours_of"], int(facts["known_galaxies"]), shown)


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) < MOST_DIGITS


def _asked(path: Path) -> AskedList:
    columns = read_list(path, as_text=NEXT_COLUMNS)
    try:
        chances = [float(cell) for cell in columns["probability"]]
    except ValueError as error:
        raise DataError(
            f"{path}: no list of `kamerton next`", received=str(error), next_step="make it again"
        ) from error
    texts_ = (columns[name] for name in ("rank", "id", "predicted_class"))
    rows = zip(*texts_, chances, columns["likely_classes"], strict=True)
    return AskedList(len(chances), tuple(rows)[:ROWS_SHOWN])
