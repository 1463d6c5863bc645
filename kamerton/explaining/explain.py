"""Telling why a run says so: ``kamerton explain``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kamerton.catalogue.requests import open_sources
from kamerton.checks import as_path
from kamerton.config.answers import ExplainMethod, ExplainSettings
from kamerton.config.machine import Device
from kamerton.explaining.choosing import Gallery, choose_galleries, class_number, named_galleries, wanted_rows
from kamerton.explaining.galaxies import Answered, answer_all, list_galaxies
from kamerton.explaining.receipt import Receipt
from kamerton.explaining.telling import TITLES, find_language, verdicts
from kamerton.explaining.way import ChosenGalaxies, Way
from kamerton.explaining.writing import Writer, require_place
from kamerton.files import new_whole_folder, whole_folder
from kamerton.plurals import counted
from kamerton.progress import Progress, Silent
from kamerton.runs.evaluation import dataset_name
from kamerton.runs.folder import Run, open_run


@dataclass(frozen=True)
class Explanation:
    """Galaxies with maps, and what these are worth."""

    path: Path
    galaxies: int
    """With a picture and a map each."""
    method: ExplainMethod
    layer: str | None
    """That the maps are of; None for a method that looks at pixels."""
    receipt: Receipt
    words: tuple[str, ...]
    """What the receipt says, in English."""

    def __repr__(self) -> str:
        return f"Explanation({self.path}, {counted(self.galaxies, 'galaxy')}, {TITLES[self.method]})"

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "path": str(self.path),
            "galaxies": self.galaxies,
            "method": self.method,
            "layer": self.layer,
            "words": list(self.words),
            "receipt": self.receipt.as_json(),
        }

    def describe(self) -> list[str]:
        """Say what there is and what it is worth, in a few lines."""
        at = "" if self.layer is None else f" at the layer {self.layer}"
        return [
            f"{counted(self.galaxies, 'galaxy')} explained by {TITLES[self.method]}{at}",
            f"receipt, from {self.receipt.galaxies} of them:",
            *(f"  {line}" for line in self.words),
            f"explanations: {self.path}",
        ]


def explain(
    run: Run | str | Path,
    source: str | Path,
    *,
    out: str | Path | None = None,
    rows: str | int | Iterable[int] | None = None,
    class_name: str | None = None,
    method: ExplainMethod | None = ExplainSettings.method,
    count: int = ExplainSettings.count,
    eight_views: bool = ExplainSettings.eight_views,
    int8: bool = ExplainSettings.int8,
    device: Device = ExplainSettings.device,
    path_column: str = ExplainSettings.path_column,
    label_column: str = ExplainSettings.label_column,
    lang: str = ExplainSettings.lang,
    overwrite: bool = False,
    watcher: Progress | None = None,
) -> Explanation:
    """Tell where in galaxies a run saw what speaks for a class, and what that is worth, in a new folder.

    ``source`` is what `predict` takes. Explained are its ``rows``, counted from 0 (numbers, or a text as 0,5,10-20); by
    default of each class the galaxies of which the run is surest and least sure, and, where true classes are known, the
    wrong ones, ``count`` of each. What is explained of each galaxy is its predicted class, or ``class_name``.
    ``out`` gets a picture and a FITS map a galaxy, a gallery a class, and a receipt; by default it is
    ``explanations/SOURCE`` in the run folder, where `report` finds it. Raises UsageError for rows and
    classes that are not there and methods that the network does not allow, DataError for galaxies of other bands,
    OutputError where ``out`` exists, or, with ``overwrite``, holds anything but an earlier explanation, which goes.
    """
    settings = ExplainSettings(method, count, eight_views, int8, device, path_column, label_column, lang)
    words, wanted = find_language(lang), wanted_rows(rows)
    run = run if isinstance(run, Run) else open_run(run)
    out = _place_in(run, as_path(source, "source")) if out is None else as_path(out, "out")
    own = require_place(out, overwrite=overwrite)
    only = class_number(class_name, run.record.class_names)
    way = Way.of(run, settings, watcher or Silent())
    with open_sources(run, [source], path_column) as (opened,):
        listed = list_galaxies(run, opened, wanted, label_column)
        answered = answer_all(way.predictor, way.certainty, opened, listed, way.watcher)
        # A picture by itself was named as rows are, and is the surest of nothing.
        is_named = wanted is not None or opened.kind == "picture"
        galleries = (
            named_galleries(answered.probabilities, only)
            if is_named
            else choose_galleries(answered.probabilities, listed.labels, count, only)
        )
        chosen = _chosen(answered, galleries, everything=is_named)
        galaxies = ChosenGalaxies.read(opened, listed, answered, chosen, only)
        maps = way.maps_of(galaxies)
        receipt = way.receipt(galaxies)
        explanation = Explanation(
            out, len(chosen), way.maker.method, way.layer_name, receipt, tuple(verdicts(receipt, find_language("en")))
        )
        with whole_folder(out, "replace", own) if own else new_whole_folder(out) as folder:
            Writer(way, galaxies, maps, receipt, words).write(folder, galleries)
    return explanation


def _place_in(run: Run, source: Path) -> Path:
    run.refuse_links()
    return run.explanation_path(dataset_name(source.absolute()))


def _chosen(answered: Answered, galleries: Sequence[Gallery], *, everything: bool) -> list[int]:
    """Give the places of the galaxies to explain, in their order."""
    read = np.flatnonzero(~np.isnan(answered.probabilities[:, 0]))
    shown = sorted({place for gallery in galleries for place in gallery.galaxies})
    return [int(place) for place in read] if everything else shown
