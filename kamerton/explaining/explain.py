"""Telling why a run says so: ``kamerton explain``."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kamerton.arrays import SquaresNHWC
from kamerton.batches.reading import to_network_input
from kamerton.catalogue.columns import class_slugs
from kamerton.catalogue.requests import open_sources
from kamerton.certainty.judging import Certainty, read_certainty
from kamerton.config import Device, ExplainMethod, ExplainSettings
from kamerton.data.sources.source import Source, settings_of
from kamerton.errors import UsageError
from kamerton.explaining.choosing import UNKNOWN, Gallery, choose_galleries, class_number, wanted_rows
from kamerton.explaining.galaxies import Answered, Listed, answer_all, file_of, list_galaxies, read_images
from kamerton.explaining.layers import Classes, Images
from kamerton.explaining.maps_file import MapHW, framed, resized, write_map
from kamerton.explaining.methods import METHODS, WITHOUT_GRADIENTS, Maker, Mapper, Subject, over_eight_views
from kamerton.explaining.receipt import BATCH_GALAXIES, FRESH_NETWORKS, MOST_GALAXIES, Receipt, Trial, make_receipt
from kamerton.explaining.telling import TITLES, draw_receipt, find_language, verdicts
from kamerton.figures.drawing import save_figure
from kamerton.figures.explaining import Explained, Words, explained_figure, maps_figure
from kamerton.figures.testing import short_name
from kamerton.files import new_whole_folder, require_new, write_json
from kamerton.inference.predictor import Predictor
from kamerton.networks.registry import build_network
from kamerton.plurals import counted
from kamerton.progress import Progress, Silent
from kamerton.runs.folder import Run, open_run
from kamerton.version import __version__

RECEIPT_FILE, RECEIPT_PICTURE, LIST_FILE = "receipt.json", "receipt.png", "galaxies.csv"


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
    out: str | Path,
    rows: str | Iterable[int] | None = None,
    class_name: str | None = None,
    method: ExplainMethod | None = ExplainSettings.method,
    count: int = ExplainSettings.count,
    eight_views: bool = ExplainSettings.eight_views,
    int8: bool = ExplainSettings.int8,
    device: Device = ExplainSettings.device,
    path_column: str = ExplainSettings.path_column,
    label_column: str = ExplainSettings.label_column,
    lang: str = ExplainSettings.lang,
    watcher: Progress | None = None,
) -> Explanation:
    """Tell where in galaxies a run saw what speaks for a class, and what that is worth, in a new folder.

    ``source`` is what `predict` takes. Explained are its ``rows``, counted from 0 (numbers, or a text as 0,5,10-20); by
    default of each class the galaxies of which the run is surest and least sure, and, where true classes are known, the
    wrong ones, ``count`` of each. What is explained of each galaxy is its predicted class, or ``class_name``.
    ``out`` gets a picture and a FITS map a galaxy, a gallery a class, and a receipt. Raises UsageError for rows and
    classes that are not there and methods that the network does not allow, DataError for galaxies of other bands,
    OutputError where ``out`` exists.
    """
    settings = ExplainSettings(method, count, eight_views, int8, device, path_column, label_column, lang)
    words, wanted, out = find_language(lang), wanted_rows(rows), Path(out)
    require_new(out)
    run = run if isinstance(run, Run) else open_run(run)
    only = class_number(class_name, run.record.class_names)
    way = _Way.of(run, settings, watcher or Silent())
    with open_sources(run, [source], path_column) as (opened,):
        listed = list_galaxies(run, opened, wanted, label_column)
        answered = answer_all(way.predictor, way.certainty, opened, listed, way.watcher)
        galleries = choose_galleries(answered.probabilities, listed.labels, count, only)
        chosen = _chosen(answered, galleries, everything=wanted is not None)
        galaxies = _Galaxies.read(opened, listed, answered, chosen, only)
        maps = way.maps_of(galaxies)
        receipt = way.receipt(galaxies)
        explanation = Explanation(
            out, len(chosen), way.maker.method, way.layer_name, receipt, tuple(verdicts(receipt, find_language("en")))
        )
        with new_whole_folder(out) as folder:
            _Writer(way, galaxies, maps, explanation, words).write(folder, galleries)
    return explanation


def _chosen(answered: Answered, galleries: Sequence[Gallery], *, everything: bool) -> list[int]:
    """Give the places of the galaxies to explain, in their order."""
    read = np.flatnonzero(~np.isnan(answered.probabilities[:, 0]))
    shown = sorted({place for gallery in galleries for place in gallery.galaxies})
    return [int(place) for place in read] if everything else shown


@dataclass(frozen=True, eq=False)
class _Galaxies:
    """The galaxies that are explained, with their images; ``places`` are those in ``listed``."""

    source: Source
    listed: Listed
    answered: Answered
    places: list[int]
    images_nhwc: SquaresNHWC
    classes: list[int]

    @staticmethod
    def read(source: Source, listed: Listed, answered: Answered, places: list[int], only: int | None) -> _Galaxies:
        images_nhwc = read_images(source, [listed.places[place] for place in places])
        said = answered.probabilities[places].argmax(1)
        classes = [int(number) if only is None else only for number in said]
        return _Galaxies(source, listed, answered, places, images_nhwc, classes)

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, eq=False)
class _Way:
    """A run, and how it is explained."""

    run: Run
    settings: ExplainSettings
    predictor: Predictor
    certainty: Certainty | None
    maker: Maker
    watcher: Progress

    @staticmethod
    def of(run: Run, settings: ExplainSettings, watcher: Progress) -> _Way:
        method = settings.method or ("occlusion" if settings.int8 else "hirescam")
        if settings.int8 and method not in WITHOUT_GRADIENTS:
            raise UsageError(
                f"{method} needs gradients, and answers in eight-bit numbers have none",
                received=f"--int8 with --method {method}",
                allowed=f"--method {' or '.join(WITHOUT_GRADIENTS)} with --int8",
                next_step="leave one of the two out",
            )
        predictor = Predictor(
            run, eight_views=settings.eight_views, int8=settings.int8, device=settings.device, watcher=watcher
        )
        certainty = read_certainty(run)
        if certainty is not None:
            certainty.require(predictor)
        predictor.network.requires_grad_(requires_grad=False)
        maker = METHODS[method](predictor.network, run.image_shape)
        return _Way(run, settings, predictor, certainty, maker, watcher)

    @property
    def layer_name(self) -> str | None:
        return None if self.maker.layer is None else self.maker.layer.name

    @property
    def maps(self) -> Mapper:
        return over_eight_views(self.maker.maps) if self.settings.eight_views else self.maker.maps

    @property
    def passes(self) -> int:
        return self.maker.passes * (8 if self.settings.eight_views else 1)

    @property
    def subject(self) -> Subject:
        network = None if self.settings.int8 else self.predictor.network
        return Subject(self.predictor.answers_to, network)

    def inputs(self, galaxies: _Galaxies, some: Sequence[int] | slice) -> tuple[Images, Classes]:
        """Give galaxies as the network is given them, and the numbers of their classes."""
        device = self.predictor.device
        images_nhwc = torch.from_numpy(np.ascontiguousarray(galaxies.images_nhwc[some])).to(device)
        classes = torch.tensor(np.array(galaxies.classes)[some], device=device)
        return to_network_input(images_nhwc, self.run.record.preprocessing), classes

    def maps_of(self, galaxies: _Galaxies) -> list[MapHW]:
        """Make the maps, on what the network is given."""
        found: list[MapHW] = []
        with self.watcher.task("making maps", len(galaxies), "galaxies") as advance:
            for start in range(0, len(galaxies), BATCH_GALAXIES):
                images_nchw, classes = self.inputs(galaxies, slice(start, start + BATCH_GALAXIES))
                found += list(self.maps(self.subject, images_nchw, classes).float().cpu().numpy())
                advance(len(images_nchw))
        return found

    def receipt(self, galaxies: _Galaxies) -> Receipt:
        """Try the maps on some of the galaxies, taken evenly from all."""
        most = min(len(galaxies), MOST_GALAXIES)
        some = np.linspace(0, len(galaxies) - 1, most).round().astype(int)
        images_nchw, classes = self.inputs(galaxies, list(some))
        seeds = range(1 + (self.run.record.seed or 0), 1 + (self.run.record.seed or 0) + FRESH_NETWORKS)
        fresh = [build_network(self.run.record.network, **self.run.network_shape, seed=seed).eval() for seed in seeds]
        trial = Trial(
            self.subject, self.predictor.network, fresh, self.maker, self.maps, images_nchw, classes, self.passes
        )
        return make_receipt(trial, self.watcher)


@dataclass(frozen=True, eq=False)
class _Writer:
    """Everything that is written of an explanation."""

    way: _Way
    galaxies: _Galaxies
    maps: list[MapHW]
    explanation: Explanation
    words: Words

    @property
    def note(self) -> str:
        """What every picture carries of the receipt."""
        return verdicts(self.explanation.receipt, self.words)[0]

    def write(self, folder: Path, galleries: Sequence[Gallery]) -> None:
        """Fill the folder."""
        write_json(folder / RECEIPT_FILE, self._receipt())
        picture = draw_receipt(self.way.run, self.way.maker, len(self.galaxies), self.explanation.receipt, self.words)
        save_figure(picture, folder / RECEIPT_PICTURE)
        self._write_list(folder / LIST_FILE)
        with self.way.watcher.task("drawing", len(self.galaxies) + len(galleries), "pictures") as advance:
            for number in range(len(self.galaxies)):
                name = self._name(number)
                self._write_map(number, folder / f"{name}.fits")
                save_figure(explained_figure(self._explained(number), self.words, self.note), folder / f"{name}.png")
                advance()
            slugs = class_slugs(self.way.run.record.class_names)
            for gallery in galleries:
                save_figure(self._gallery(gallery), folder / f"gallery_{slugs[gallery.class_number]}.png")
                advance()

    def _name(self, number: int) -> str:
        return f"galaxy_{self._row(number):05}"

    def _row(self, number: int) -> int:
        return self.galaxies.listed.rows[self.galaxies.places[number]]

    def _id(self, number: int) -> str:
        return self.galaxies.listed.ids[self.galaxies.places[number]]

    def _probabilities(self, number: int) -> np.ndarray:
        return np.asarray(self.galaxies.answered.probabilities[self.galaxies.places[number]])

    def _true_name(self, number: int) -> str | None:
        label = int(self.galaxies.listed.labels[self.galaxies.places[number]])
        return None if label == UNKNOWN else self.way.run.record.class_names[label]

    def _explained(self, number: int) -> Explained:
        in_set = self.galaxies.answered.in_set
        image_hwc = self.galaxies.images_nhwc[number]
        names = self.way.run.record.class_names
        return Explained(
            short_name(self._id(number)),
            image_hwc,
            resized(self.maps[number], len(image_hwc)),
            names[self.galaxies.classes[number]],
            names,
            self._probabilities(number),
            None if in_set is None else in_set[self.galaxies.places[number]],
            self._true_name(number),
        )

    def _gallery(self, gallery: Gallery) -> Any:
        number_of = {place: number for number, place in enumerate(self.galaxies.places)}
        rows = {
            self.words[kind]: [self._explained(number_of[place]) for place in getattr(gallery, kind)]
            for kind in ("surest", "least_sure", "wrong")
            if getattr(gallery, kind)
        }
        name = self.way.run.record.class_names[gallery.class_number]
        heading = self.words["heading"].format(run=self.way.run.name, name=name)
        return maps_figure(rows, max(map(len, rows.values())), heading, self.words, self.note)

    def _write_map(self, number: int, path: Path) -> None:
        source, record = self.galaxies.source, self.way.run.record
        place = self.galaxies.listed.places[self.galaxies.places[number]]
        settings = settings_of(record.pixel_origin)
        frame = framed(
            self.maps[number],
            source.side_px,
            file_of(source, place),
            settings,
            is_cube=source.kind in {"cube", "hdf5"},
        )
        write_map(path, frame, self._cards(number))

    def _cards(self, number: int) -> dict[str, tuple[str | float | int | bool, str]]:
        record, probabilities = self.way.run.record, self._probabilities(number)
        explained = self.galaxies.classes[number]
        results, layer = record.results, self.way.maker.layer
        return {
            "OBJECT": (self._id(number), "identifier"),
            "SRCROW": (self._row(number), "row in the source, counted from 0"),
            "CLASS": (record.class_names[explained], "explained: positive speaks for it"),
            "PREDICT": (record.class_names[int(probabilities.argmax())], "predicted class"),
            "PROB": (float(probabilities[explained]), "probability of CLASS"),
            "CALIBRAT": (self.way.certainty is not None, "whether PROB is calibrated"),
            "METHOD": (TITLES[self.way.maker.method], "how the map was made; in logits"),
            "LAYER": ("pixels" if layer is None else layer.name, "of the network"),
            "CELLS": (self.way.maker.cells, "along a side there; interpolated between"),
            "NETWORK": (record.network, "network"),
            "RUN": (self.way.run.name, "run folder"),
            "RUNFP": ("not finished" if results is None else results.fingerprint, "fingerprint of the run"),
            "RECEIPT": (self.explanation.words[0], "see receipt.json"),
            "CREATOR": (f"Kamerton {__version__}", "program"),
        }

    def _receipt(self) -> dict[str, Any]:
        record, layer, maker = self.way.run.record, self.way.maker.layer, self.way.maker
        results = record.results
        return {
            "words": list(self.explanation.words),
            "run": self.way.run.name,
            "fingerprint": None if results is None else results.fingerprint,
            "network": record.network,
            "class_names": list(record.class_names),
            "source": str(self.galaxies.source.path),
            "method": TITLES[maker.method],
            "layer": None if layer is None else layer.name,
            "cells": maker.cells,
            "views": 8 if self.way.settings.eight_views else 1,
            "precision": "int8" if self.way.settings.int8 else "float32",
            "explained": len(self.galaxies),
            "kamerton": __version__,
            **self.explanation.receipt.as_json(),
        }

    def _write_list(self, path: Path) -> None:
        names = self.way.run.record.class_names
        in_set = self.galaxies.answered.in_set
        with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            writer = csv.writer(file)
            head = ("row", "id", "picture", "map", "explained_class", "predicted_class", "probability", "set")
            writer.writerow([*head, "true_class"])
            for number, place in enumerate(self.galaxies.places):
                probabilities = self._probabilities(number)
                explained = self.galaxies.classes[number]
                likely = [] if in_set is None else [names[place] for place in np.flatnonzero(in_set[place])]
                writer.writerow(
                    [
                        self._row(number),
                        self._id(number),
                        f"{self._name(number)}.png",
                        f"{self._name(number)}.fits",
                        names[explained],
                        names[int(probabilities.argmax())],
                        f"{probabilities[explained]:.6f}",
                        "; ".join(likely),
                        self._true_name(number) or "",
                    ]
                )
