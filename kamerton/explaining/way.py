"""How a run is explained, and the galaxies that are: what makes their maps and the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from kamerton.arrays import SquaresNHWC
from kamerton.batches.reading import to_network_input
from kamerton.certainty.judging import Certainty, read_certainty
from kamerton.config.answers import ExplainSettings
from kamerton.data.sources.source import Source
from kamerton.errors import UsageError
from kamerton.explaining.galaxies import Answered, Listed, read_images
from kamerton.explaining.layers import Classes, Images
from kamerton.explaining.maps_file import MapHW
from kamerton.explaining.methods import METHODS, WITHOUT_GRADIENTS, Maker, Mapper, Subject, over_eight_views
from kamerton.explaining.receipt import BATCH_GALAXIES, FRESH_NETWORKS, MOST_GALAXIES, Receipt, Trial, make_receipt
from kamerton.inference.predictor import Predictor
from kamerton.networks.registry import build_network
from kamerton.progress import Progress
from kamerton.runs.folder import Run


@dataclass(frozen=True, eq=False)
class ChosenGalaxies:
    """The galaxies that are explained, with their images; ``places`` are those in ``listed``."""

    source: Source
    listed: Listed
    answered: Answered
    places: list[int]
    images_nhwc: SquaresNHWC
    classes: list[int]

    @staticmethod
    def read(source: Source, listed: Listed, answered: Answered, places: list[int], only: int | None) -> ChosenGalaxies:
        """Read the galaxies at these places; explained of each is its predicted class, or ``only``."""
        images_nhwc = read_images(source, [listed.places[place] for place in places])
        said = answered.probabilities[places].argmax(1)
        classes = [int(number) if only is None else only for number in said]
        return ChosenGalaxies(source, listed, answered, places, images_nhwc, classes)

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, eq=False)
class Way:
    """A run, and how it is explained."""

    run: Run
    settings: ExplainSettings
    predictor: Predictor
    certainty: Certainty | None
    maker: Maker
    watcher: Progress

    @staticmethod
    def of(run: Run, settings: ExplainSettings, watcher: Progress) -> Way:
        """Make a run's network ready to be explained; UsageError for a method that it does not allow."""
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
        return Way(run, settings, predictor, certainty, maker, watcher)

    @property
    def layer_name(self) -> str | None:
        """The layer that the maps are of; None for a method that looks at pixels."""
        return None if self.maker.layer is None else self.maker.layer.name

    @property
    def maps(self) -> Mapper:
        """What makes the maps, over eight views where these are asked for."""
        return over_eight_views(self.maker.maps) if self.settings.eight_views else self.maker.maps

    @property
    def passes(self) -> int:
        """Passes through the network that a map costs, about."""
        return self.maker.passes * (8 if self.settings.eight_views else 1)

    @property
    def subject(self) -> Subject:
        """What is explained: the answers that the predictor gives."""
        network = None if self.settings.int8 else self.predictor.network
        return Subject(self.predictor.answers_to, network)

    def inputs(self, galaxies: ChosenGalaxies, some: Sequence[int] | slice) -> tuple[Images, Classes]:
        """Give galaxies as the network is given them, and the numbers of their classes."""
        device = self.predictor.device
        images_nhwc = torch.from_numpy(np.ascontiguousarray(galaxies.images_nhwc[some])).to(device)
        classes = torch.tensor(np.array(galaxies.classes)[some], device=device)
        return to_network_input(images_nhwc, self.run.record.preprocessing), classes

    def maps_of(self, galaxies: ChosenGalaxies) -> list[MapHW]:
        """Make the maps, on what the network is given."""
        found: list[MapHW] = []
        with self.watcher.task("making maps", len(galaxies), "galaxies") as advance:
            for start in range(0, len(galaxies), BATCH_GALAXIES):
                images_nchw, classes = self.inputs(galaxies, slice(start, start + BATCH_GALAXIES))
                found += list(self.maps(self.subject, images_nchw, classes).float().cpu().numpy())
                advance(len(images_nchw))
        return found

    def trial(self, galaxies: ChosenGalaxies, most: int = MOST_GALAXIES) -> Trial:
        """Make ready to try the maps on some of the galaxies, taken evenly from all."""
        some = np.linspace(0, len(galaxies) - 1, min(len(galaxies), most)).round().astype(int)
        images_nchw, classes = self.inputs(galaxies, list(some))
        seeds = range(1 + (self.run.record.seed or 0), 1 + (self.run.record.seed or 0) + FRESH_NETWORKS)
        fresh = [build_network(self.run.record.network, **self.run.network_shape, seed=seed).eval() for seed in seeds]
        return Trial(
            self.subject, self.predictor.network, fresh, self.maker, self.maps, images_nchw, classes, self.passes
        )

    def receipt(self, galaxies: ChosenGalaxies) -> Receipt:
        """Try the maps."""
        return make_receipt(self.trial(galaxies), self.watcher)
