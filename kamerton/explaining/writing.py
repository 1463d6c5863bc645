"""Everything that is written of an explanation: pictures, maps, a list, the receipt."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kamerton.catalogue.columns import class_slugs
from kamerton.data.sources.source import settings_of
from kamerton.errors import OutputError
from kamerton.explaining.choosing import UNKNOWN, Gallery
from kamerton.explaining.galaxies import file_of
from kamerton.explaining.maps_file import MapHW, framed, resized, write_map
from kamerton.explaining.receipt import Receipt
from kamerton.explaining.telling import TITLES, draw_receipt, find_language, verdicts
from kamerton.explaining.way import ChosenGalaxies, Way
from kamerton.figures.drawing import save_figure
from kamerton.figures.explaining import Explained, Words, explained_figure, maps_figure
from kamerton.figures.testing import short_name
from kamerton.files import OR_OVERWRITE, require_new, require_own_folder, require_writable, write_json
from kamerton.runs.folder import RECEIPT_FILE
from kamerton.version import __version__

RECEIPT_PICTURE, LIST_FILE = "receipt.png", "galaxies.csv"


OWN_FILE = re.compile(
    rf"{re.escape(RECEIPT_FILE)}|{re.escape(RECEIPT_PICTURE)}|{re.escape(LIST_FILE)}|galaxy_\d+\.(?:png|fits)|gallery_.+\.png"
)
"""What the folder of an explanation holds."""


def require_place(out: Path, *, overwrite: bool) -> set[str]:
    """Refuse a place that is taken (OutputError); with ``overwrite``, by anything but an explanation of ours.

    Gives the names of the files there that may go.
    """
    if not (overwrite and os.path.lexists(out)):
        require_new(out, OR_OVERWRITE)
        return set()
    require_writable(out)
    own = {path.name for path in out.iterdir() if OWN_FILE.fullmatch(path.name)} if out.is_dir() else set()
    require_own_folder(out, own)
    if RECEIPT_FILE not in own:
        raise OutputError(
            f"{out} holds no explanation that Kamerton made",
            received=f"no {RECEIPT_FILE} in it",
            next_step="choose another name or move it away; nothing was changed",
        )
    return own


@dataclass(frozen=True, eq=False)
class Writer:
    """Everything that is written of an explanation."""

    way: Way
    galaxies: ChosenGalaxies
    maps: list[MapHW]
    receipt: Receipt
    words: Words

    @property
    def told(self) -> list[str]:
        """What the receipt says, in English: in files for programs, whatever the pictures' language."""
        return verdicts(self.receipt, find_language("en"))

    @property
    def note(self) -> str:
        """What every picture carries of the receipt."""
        return verdicts(self.receipt, self.words)[0]

    def write(self, folder: Path, galleries: Sequence[Gallery]) -> None:
        """Fill the folder."""
        write_json(folder / RECEIPT_FILE, self._receipt())
        picture = draw_receipt(self.way.run, self.way.maker, len(self.galaxies), self.receipt, self.words)
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
        kinds = {kind: getattr(gallery, kind) for kind in ("surest", "least_sure", "wrong")}
        lines = {self.words[kind]: places for kind, places in kinds.items() if places}
        columns = self.way.settings.count
        for first in range(0, len(gallery.named), columns):
            line = self.words["named"] if not first else f"{self.words['named']} ({first // columns + 1})"
            lines[line] = gallery.named[first : first + columns]
        rows = {line: [self._explained(number_of[place]) for place in places] for line, places in lines.items()}
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
            "RECEIPT": (self.told[0], "see receipt.json"),
            "CREATOR": (f"Kamerton {__version__}", "program"),
        }

    def _receipt(self) -> dict[str, Any]:
        record, layer, maker = self.way.run.record, self.way.maker.layer, self.way.maker
        results = record.results
        return {
            "words": list(self.told),
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
            **self.receipt.as_json(),
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
