"""The networks that the page asks: runs, opened once and kept while they are as they were."""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from kamerton.arrays import SquareHWC
from kamerton.batches.reading import to_network_input
from kamerton.catalogue.answering import Answering
from kamerton.catalogue.heading import model_facts, model_of
from kamerton.certainty.judging import Certainty, read_certainty
from kamerton.config.answers import ExplainSettings
from kamerton.config.serving import Caps
from kamerton.errors import UsageError, heard
from kamerton.explaining.maps_file import MapHW, resized
from kamerton.explaining.telling import TITLES
from kamerton.explaining.way import Way
from kamerton.inference.predictor import Predictor
from kamerton.neighbours.answer import Neighbours
from kamerton.neighbours.galaxy import Galaxy
from kamerton.neighbours.query import NO_ROW, Query, Seer
from kamerton.neighbours.similar import neighbours_of
from kamerton.neighbours.training_galaxies import TrainingGalaxies, open_training_galaxies
from kamerton.progress import Silent
from kamerton.runs.folder import CALIBRATION_FILE, RECORD_FILE, WEIGHTS_FILE, Run, open_run

State = tuple[tuple[int, int] | None, ...]


class Network:
    """A run's network, ready to answer, to be explained, and to compare; used by one thread at a time."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.warnings: tuple[str, ...] = ()
        """What its opening warned of."""
        self._way = _way(run)
        self.predictor.prepare()
        _ = self.facts
        self._opened = ExitStack()
        # Whoever forgets a network, closes what it has open.
        weakref.finalize(self, self._opened.close)
        self._training: TrainingGalaxies | None = None
        self._looking: Iterator[int] = iter(())
        self._seen = 0

    @property
    def predictor(self) -> Predictor:
        """With the views and the precision that the run was calibrated for."""
        return self._way.predictor

    @property
    def certainty(self) -> Certainty | None:
        """The run's calibration; None where it has none."""
        return self._way.certainty

    @cached_property
    def facts(self) -> dict[str, str]:
        """What a table says of the network; the weights are read to their end for it, once."""
        model = model_of(self.run, self.certainty, eight_views=self.predictor.eight_views, int8=self.predictor.int8)
        return model_facts(self.run, model, self.certainty)

    @property
    def method(self) -> str:
        """How its maps are made."""
        return TITLES[self._way.maker.method]

    def answering(self) -> Answering:
        """Give what fills the rows of one answer, which looks for drift among its own galaxies alone."""
        return Answering(self.predictor, self.certainty)

    def map_of(self, image_hwc: SquareHWC, class_number: int) -> MapHW:
        """Make the map of what speaks for a class, on the pixels of the image as it was read."""
        images_nhwc = torch.from_numpy(np.ascontiguousarray(image_hwc[np.newaxis])).to(self.predictor.device)
        images_nchw = to_network_input(images_nhwc, self.run.record.preprocessing)
        classes = torch.tensor([class_number], device=self.predictor.device)
        found = self._way.maps(self._way.subject, images_nchw, classes)
        return resized(found[0].float().cpu().numpy(), len(image_hwc))

    def look(self, seconds: float) -> tuple[int, int]:
        """Look at training galaxies for a while; give how many are seen of how many, DataError where they are gone."""
        end = time.monotonic() + seconds
        training = self._opened_training()
        for seen in self._looking:
            self._seen = seen
            if time.monotonic() > end:
                break
        return self._seen, len(training)

    def similar(self, name: str, image_hwc: SquareHWC, count: int) -> Neighbours:
        """Find the training galaxies that are most like one, once all have been looked at."""
        training = self._opened_training()
        galaxy = Galaxy(NO_ROW, name, "", float("nan"), float("nan"), float("nan"))
        query = Query(galaxy, self.predictor.answers(image_hwc[np.newaxis]).features, image_hwc)
        return neighbours_of(training, query, min(count, len(training)))

    def training_image(self, row: int) -> SquareHWC | None:
        """Read a training galaxy; None where there is no such row."""
        training = self._opened_training()
        return training.pictures(np.array([row]))[0] if 0 <= row < len(training) else None

    def _opened_training(self) -> TrainingGalaxies:
        if self._training is None:
            seer = Seer(self.predictor, self.certainty, in_axes=False)
            self._training = self._opened.enter_context(open_training_galaxies(seer, Silent()))
            self._looking = self._training.look()
        return self._training

    def close(self) -> None:
        """Let go of what is open."""
        self._opened.close()


def _way(run: Run) -> Way:
    """Answer as the run was calibrated, and explain by its usual method, or by one that every network allows."""
    certainty = read_certainty(run)
    made = None if certainty is None else certainty.calibration
    settings = ExplainSettings(
        eight_views=made is not None and made.views == 8, int8=made is not None and made.precision == "int8"
    )
    try:
        return Way.of(run, settings, Silent())
    except UsageError:
        return Way.of(run, replace(settings, method="occlusion"), Silent())


class Networks:
    """The networks that were asked last."""

    def __init__(self, caps: Caps) -> None:
        self._most = caps.networks
        self._kept: OrderedDict[Path, tuple[State, Network]] = OrderedDict()

    def has(self, path: Path) -> bool:
        """Tell whether a run is open, as it is now."""
        known = self._kept.get(path)
        return known is not None and known[0] == _state(path)

    def open(self, path: Path) -> Network:
        """Give a run's network as it is now; RunError where the run is damaged, DataError where it has no weights."""
        state = _state(path)
        known = self._kept.pop(path, None)
        if known is not None and known[0] != state:
            known[1].close()
            known = None
        if known is None:
            while len(self._kept) >= self._most:
                self._kept.popitem(last=False)[1][1].close()
            # Whoever asks is told, however long ago it was opened.
            with heard() as lines:
                network = Network(open_run(path))
            network.warnings = tuple(lines)
            known = state, network
        self._kept[path] = known
        return known[1]


def _state(path: Path) -> State:
    """Tell what is there by sizes and times, so that a run that was trained or calibrated anew is read anew."""
    found: list[tuple[int, int] | None] = []
    for name in (RECORD_FILE, WEIGHTS_FILE, CALIBRATION_FILE):
        try:
            status = (path / name).stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size))
    return tuple(found)
